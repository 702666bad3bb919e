package channel

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/md5"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"html"
	"io"
	"math/big"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	stdmail "net/mail"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"
	"github.com/wneessen/go-mail"
)

// postOffice is a real mail server on this machine that can be told to misbehave.
type postOffice struct {
	t      *testing.T
	server *smtp.Server
	host   string
	port   int
	roots  *x509.CertPool
	offers []string // ways to sign in
	last   net.Conn // the newest connection

	mu          sync.Mutex
	connections int
	taken       []taken
	signedIn    []string // mechanisms
	// What to answer, asked for each try; nil takes all.
	onMail, onRcpt, onData func(try int) error
	mails, rcpts, datas    int
	out                    chan struct{} // one for each connection that ended
}

type taken struct {
	from, to string
	data     string
}

func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

func newPostOffice(t *testing.T, change func(*smtp.Server)) *postOffice {
	t.Helper()
	p := &postOffice{t: t, out: make(chan struct{}, 100), offers: []string{"PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"}}
	cert, roots := certificate(t)
	p.roots = roots
	p.server = smtp.NewServer(p)
	p.server.Domain = "mail.test"
	p.server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}}
	p.server.ErrorLog = quiet{}
	if change != nil {
		change(p.server)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := l.Addr().(*net.TCPAddr)
	p.host, p.port = "127.0.0.1", at.Port
	go p.server.Serve(&door{l, p})
	t.Cleanup(func() { p.server.Close() })
	return p
}

// door counts the connections to a post office. (A session of go-smtp ends at STARTTLS.)
type door struct {
	net.Listener
	office *postOffice
}

func (d *door) Accept() (net.Conn, error) {
	conn, err := d.Listener.Accept()
	if err != nil {
		return nil, err
	}
	d.office.mu.Lock()
	d.office.connections++
	d.office.mu.Unlock()
	g := &guest{Conn: conn, office: d.office}
	d.office.mu.Lock()
	d.office.last = g
	d.office.mu.Unlock()
	return g, nil
}

type guest struct {
	net.Conn
	office *postOffice
	once   sync.Once
}

func (g *guest) Close() error {
	g.once.Do(func() { g.office.out <- struct{}{} })
	return g.Conn.Close()
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

func (p *postOffice) NewSession(*smtp.Conn) (smtp.Session, error) {
	return &session{office: p}, nil
}

type session struct {
	office *postOffice
	taken
}

func (s *session) AuthMechanisms() []string { return s.office.offers }

func (s *session) Auth(mechanism string) (sasl.Server, error) {
	check := func(user, password string) error {
		if user != "baton" || password != "pässword" {
			return &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "who are you?"}
		}
		s.office.mu.Lock()
		s.office.signedIn = append(s.office.signedIn, mechanism)
		s.office.mu.Unlock()
		return nil
	}
	switch mechanism {
	case "PLAIN":
		return sasl.NewPlainServer(func(_, user, password string) error { return check(user, password) }), nil
	case "LOGIN":
		return &loginServer{check: check}, nil
	case "CRAM-MD5":
		return &cramServer{check: check}, nil
	case "SCRAM-SHA-1":
		return &scramServer{check: check, hash: sha1.New}, nil
	case "SCRAM-SHA-256":
		return &scramServer{check: check, hash: sha256.New}, nil
	}
	return nil, smtp.ErrAuthUnknownMechanism
}

// loginServer asks for user and password, one after the other.
type loginServer struct {
	check func(user, password string) error
	asked int
	user  string
}

func (l *loginServer) Next(answer []byte) (challenge []byte, done bool, err error) {
	l.asked++
	switch l.asked {
	case 1:
		return []byte("Username:"), false, nil
	case 2:
		l.user = string(answer)
		return []byte("Password:"), false, nil
	}
	return nil, true, l.check(l.user, string(answer))
}

// cramServer is the server's side of RFC 2195.
type cramServer struct {
	check func(user, password string) error
	asked bool
}

const cramChallenge = "<1896.697170952@mail.test>"

func (c *cramServer) Next(answer []byte) (challenge []byte, done bool, err error) {
	if !c.asked {
		c.asked = true
		return []byte(cramChallenge), false, nil
	}
	user, digest, _ := strings.Cut(string(answer), " ")
	mac := hmac.New(md5.New, []byte("pässword"))
	mac.Write([]byte(cramChallenge))
	if digest != hex.EncodeToString(mac.Sum(nil)) {
		return nil, true, c.check(user, "")
	}
	return nil, true, c.check(user, "pässword")
}

// scramServer is the server's side of RFC 5802, for one user with one password.
type scramServer struct {
	check       func(user, password string) error
	hash        func() hash.Hash
	step        int
	user, nonce string
	first       string // both first messages, as they are signed
}

func (s *scramServer) Next(answer []byte) (challenge []byte, done bool, err error) {
	s.step++
	mac := func(key []byte, text string) []byte {
		m := hmac.New(s.hash, key)
		m.Write([]byte(text))
		return m.Sum(nil)
	}
	switch s.step {
	case 1:
		return nil, false, nil
	case 2:
		bare := strings.TrimPrefix(string(answer), "n,,")
		user, nonce, _ := strings.Cut(strings.TrimPrefix(bare, "n="), ",r=")
		s.user, s.nonce = user, nonce+"server"
		reply := "r=" + s.nonce + ",s=" + base64.StdEncoding.EncodeToString([]byte("salt")) + ",i=4096"
		s.first = bare + "," + reply
		return []byte(reply), false, nil
	case 3:
		rest, proof, _ := strings.Cut(string(answer), ",p=")
		salted, err := pbkdf2.Key(s.hash, "pässword", []byte("salt"), 4096, s.hash().Size())
		if err != nil {
			return nil, true, err
		}
		client := mac(salted, "Client Key")
		stored := s.hash()
		stored.Write(client)
		signature := mac(stored.Sum(nil), s.first+","+rest)
		for i := range client {
			client[i] ^= signature[i]
		}
		if rest != "c=biws,r="+s.nonce || proof != base64.StdEncoding.EncodeToString(client) {
			return nil, true, s.check(s.user, "")
		}
		return []byte("v=" + base64.StdEncoding.EncodeToString(mac(mac(salted, "Server Key"), s.first+","+rest))), false, nil
	}
	return nil, true, s.check(s.user, "pässword")
}

func (p *postOffice) ask(f func(int) error, count *int) error {
	p.mu.Lock()
	*count++
	n := *count
	p.mu.Unlock()
	if f == nil {
		return nil
	}
	return f(n)
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	return s.office.ask(s.office.onMail, &s.office.mails)
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = to
	return s.office.ask(s.office.onRcpt, &s.office.rcpts)
}

func (s *session) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := s.office.ask(s.office.onData, &s.office.datas); err != nil {
		return err
	}
	s.office.mu.Lock()
	s.office.taken = append(s.office.taken, taken{s.from, s.to, string(data)})
	s.office.mu.Unlock()
	return nil
}

func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }

func (p *postOffice) config() MailConfig {
	return MailConfig{Host: p.host, Port: p.port, Roots: p.roots, From: Address{"Baton at Åkerö", "baton@northwind.example"}, Idle: time.Minute}
}

func (p *postOffice) mailer(change func(*MailConfig)) *Mailer {
	p.t.Helper()
	c := p.config()
	if change != nil {
		change(&c)
	}
	m, err := NewMailer(c)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(m.Close)
	return m
}

// hangUp ends the newest connection.
func (p *postOffice) hangUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last.Close()
}

func (p *postOffice) got() []taken {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.taken)
}

const at = 1_790_000_000_000_000 // 2026-09-21 14:13:20

func sample() Notice {
	return Notice{
		Language:   "en",
		Title:      "Zoë Ångström of Łódź & Sons <now> wants a demo — 日本語のリード",
		Paragraphs: []string{".\n..leading dots\n.\nFrom the start.", strings.Repeat("word ", 300), strings.Repeat("x", 1500)},
		Facts:      []Fact{{"Company", `<b>"Łódź" & Sons</b>`}, {"Grade", "A1"}},
		Links:      []Link{{"Accept the lead", "https://baton.example/leads/17?a=1&b=2"}},
		Footer:     "You get this because you own the lead.",
	}
}

func sampleMail() Mail {
	return Mail{ID: "d_42", At: at, To: Address{`Renée "R, B" O'Neil <x@y>`, "renee@sales.example"}, Reply: Address{"", "desk@northwind.example"},
		Notice: sample(), Unsubscribe: "https://baton.example/u?t=abc"}
}

// opened is a mail as its reader's program understands it.
type opened struct {
	header     stdmail.Header
	subject    string
	text, page string
}

func open(t testing.TB, data string) opened {
	t.Helper()
	m, err := stdmail.ReadMessage(strings.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	o := opened{header: m.Header}
	if o.subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); err != nil {
		t.Fatal(err)
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("it is %q: %v", kind, err)
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	var kinds []string
	for {
		part, err := parts.NextRawPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		var r io.Reader = part
		switch part.Header.Get("Content-Transfer-Encoding") {
		case "quoted-printable":
			r = quotedprintable.NewReader(part)
		case "base64":
			r = base64.NewDecoder(base64.StdEncoding, part)
		default:
			t.Fatalf("encoded as %q", part.Header.Get("Content-Transfer-Encoding"))
		}
		body, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		kind, params, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
		if err != nil || !strings.EqualFold(params["charset"], "utf-8") {
			t.Fatalf("part is %q: %v", part.Header.Get("Content-Type"), err)
		}
		kinds = append(kinds, kind)
		text := strings.ReplaceAll(string(body), "\r\n", "\n")
		if kind == "text/plain" {
			o.text = text
		} else {
			o.page = text
		}
	}
	if diff := cmp.Diff([]string{"text/plain", "text/html"}, kinds); diff != "" {
		t.Fatalf("parts, the best last (-want +got):\n%s", diff)
	}
	return o
}

// seen is what a person reads of a page: its words, in their order.
func seen(page string) []string {
	_, body, _ := strings.Cut(page, "<body")
	return strings.Fields(html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString("<body"+body, " ")))
}

func TestMailArrives(t *testing.T) {
	office := newPostOffice(t, nil)
	m := office.mailer(nil)
	r := m.Send(t.Context(), sampleMail())
	if r.Outcome != Done || r.Code != 250 || r.Said == "" {
		t.Fatalf("got %+v", r)
	}
	got := office.got()
	if len(got) != 1 || got[0].from != "baton@northwind.example" || got[0].to != "renee@sales.example" {
		t.Fatalf("got %+v", got)
	}
	o := open(t, got[0].data)
	for name, want := range map[string]string{
		"Message-Id":            "<d_42@northwind.example>",
		"Date":                  "Mon, 21 Sep 2026 14:13:20 +0000",
		"Auto-Submitted":        "auto-generated",
		"List-Unsubscribe":      "<https://baton.example/u?t=abc>",
		"List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
		"Content-Language":      "en",
		"Mime-Version":          "1.0",
	} {
		if diff := cmp.Diff([]string{want}, o.header[name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if o.subject != sample().Title {
		t.Errorf("subject %q", o.subject)
	}
	for name, want := range map[string]stdmail.Address{
		"To":       {Name: `Renée "R, B" O'Neil <x@y>`, Address: "renee@sales.example"},
		"From":     {Name: "Baton at Åkerö", Address: "baton@northwind.example"},
		"Reply-To": {Address: "desk@northwind.example"},
	} {
		list, err := o.header.AddressList(name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]*stdmail.Address{&want}, list); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	clean, err := sample().clean()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(clean.text(), o.text); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	for i, line := range strings.Split(got[0].data, "\r\n") {
		if len(line) > 78 || strings.ContainsAny(line, "\r\n") {
			t.Errorf("line %d has %d characters: %q", i+1, len(line), line)
		}
	}
}

func TestMailIsAccessible(t *testing.T) {
	office := newPostOffice(t, nil)
	if r := office.mailer(nil).Send(t.Context(), sampleMail()); r.Outcome != Done {
		t.Fatalf("got %+v", r)
	}
	o := open(t, office.got()[0].data)
	if !strings.HasPrefix(o.page, "<!DOCTYPE html>\n<html lang=\"en\"") || !strings.Contains(o.page, "<title>Zoë") || strings.Count(o.page, "<h1") != 1 {
		t.Errorf("the page does not say its language, title and heading:\n%s", o.page)
	}
	if found := regexp.MustCompile(`(?i)<img|<script|<link|<style|<table|url\(|@import|<b>`).FindString(o.page); found != "" {
		t.Errorf("the page needs %q", found)
	}
	if diff := cmp.Diff([]string{`href="https://baton.example/leads/17?a=1&amp;b=2"`}, regexp.MustCompile(`\b(?:href|src)="[^"]*"`).FindAllString(o.page, -1)); diff != "" {
		t.Errorf("what it links to (-want +got):\n%s", diff)
	}
	// The same words in the same order; the text alone has the URL, a colon after names, and the sign above the footer.
	text := strings.NewReplacer("https://baton.example/leads/17?a=1&b=2", "", "-- \n", "", "Company:", "Company", "Grade:", "Grade", "lead:", "lead").Replace(o.text)
	if diff := cmp.Diff(strings.Fields(text), seen(o.page)); diff != "" {
		t.Errorf("words of text and page (-text +page):\n%s", diff)
	}
}

func TestMailIsTheSameBytesAgain(t *testing.T) {
	office := newPostOffice(t, nil)
	m := office.mailer(nil)
	for range 3 {
		if r := m.Send(t.Context(), sampleMail()); r.Outcome != Done {
			t.Fatalf("got %+v", r)
		}
	}
	got := office.got()
	if diff := cmp.Diff(got[0], got[1], cmp.AllowUnexported(taken{})); diff != "" {
		t.Errorf("the second try differs:\n%s", diff)
	}
	other := sampleMail()
	other.ID = "d_43"
	m.Send(t.Context(), other)
	if open(t, office.got()[3].data).header.Get("Message-Id") == open(t, got[0].data).header.Get("Message-Id") {
		t.Error("two deliveries have one Message-ID")
	}
	if office.connections != 1 {
		t.Errorf("%d connections for 4 mails", office.connections)
	}
}

func TestMailConnectionIsGivenUp(t *testing.T) {
	t.Run("after so many mails", func(t *testing.T) {
		office := newPostOffice(t, nil)
		m := office.mailer(func(c *MailConfig) { c.Most = 2 })
		for range 3 {
			if r := m.Send(t.Context(), sampleMail()); r.Outcome != Done {
				t.Fatalf("got %+v", r)
			}
		}
		<-office.out
		if office.connections != 2 {
			t.Errorf("%d connections", office.connections)
		}
	})
	t.Run("when idle", func(t *testing.T) {
		office := newPostOffice(t, nil)
		m := office.mailer(func(c *MailConfig) { c.Idle = time.Millisecond })
		for range 2 {
			if r := m.Send(t.Context(), sampleMail()); r.Outcome != Done {
				t.Fatalf("got %+v", r)
			}
			<-office.out
		}
	})
	t.Run("when the server closed it", func(t *testing.T) {
		office := newPostOffice(t, nil)
		m := office.mailer(nil)
		for range 2 {
			if r := m.Send(t.Context(), sampleMail()); r.Outcome != Done {
				t.Fatalf("got %+v", r)
			}
			office.hangUp()
		}
		if office.connections != 2 {
			t.Errorf("%d connections", office.connections)
		}
	})
	t.Run("when closed", func(t *testing.T) {
		office := newPostOffice(t, nil)
		m := office.mailer(nil)
		m.Send(t.Context(), sampleMail())
		m.Close()
		<-office.out
		if r := m.Send(t.Context(), sampleMail()); r.Outcome != Done {
			t.Fatalf("got %+v", r)
		}
		<-office.out
	})
}

func TestMailSignsIn(t *testing.T) {
	for _, c := range []struct {
		name     string
		auth     string
		password string
		tls      TLS
		insecure bool
		offers   []string
		used     []string
		why      string
	}{
		{name: "PLAIN", auth: "PLAIN", password: "pässword", used: []string{"PLAIN"}},
		{name: "LOGIN", auth: "login", password: "pässword", used: []string{"LOGIN"}},
		{name: "CRAM-MD5", auth: "CRAM-MD5", password: "pässword", used: []string{"CRAM-MD5"}},
		{name: "SCRAM-SHA-1", auth: "SCRAM-SHA-1", password: "pässword", used: []string{"SCRAM-SHA-1"}},
		{name: "SCRAM-SHA-256", auth: "SCRAM-SHA-256", password: "pässword", used: []string{"SCRAM-SHA-256"}},
		{name: "the best", password: "pässword", used: []string{"SCRAM-SHA-256"}},
		{name: "the best of two", password: "pässword", offers: []string{"LOGIN", "PLAIN"}, used: []string{"PLAIN"}},
		{name: "none we know", password: "pässword", offers: []string{"XOAUTH2"}, why: "offers no way to sign in that we can use"},
		{name: "wrong password by SCRAM", password: "wrong", why: "did not accept the user name and password (535)"},
		{name: "wrong password by CRAM", auth: "CRAM-MD5", password: "wrong", why: "did not accept the user name and password (535)"},
		{name: "wrong password", auth: "PLAIN", password: "wrong", why: "did not accept the user name and password (535)"},
		{name: "not offered", auth: "SCRAM-SHA-256", password: "pässword", offers: []string{"PLAIN"}, why: "offers no way to sign in that we can use"},
		{name: "in the clear, near", auth: "PLAIN", password: "pässword", tls: NoTLS, insecure: true, used: []string{"PLAIN"}},
		{name: "LOGIN in the clear, near", auth: "LOGIN", password: "pässword", tls: NoTLS, insecure: true, used: []string{"LOGIN"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			office := newPostOffice(t, func(s *smtp.Server) { s.AllowInsecureAuth = c.insecure })
			if c.offers != nil {
				office.offers = c.offers
			}
			m := office.mailer(func(m *MailConfig) { m.User, m.Password, m.Auth, m.TLS = "baton", c.password, c.auth, c.tls })
			r := m.Send(t.Context(), sampleMail())
			if c.why == "" && r.Outcome != Done || c.why != "" && (r.Outcome != Later || !strings.Contains(r.Why, c.why)) {
				t.Errorf("got %+v", r)
			}
			if strings.Contains(r.Why+r.Said, c.password) {
				t.Error("it tells the password")
			}
			if diff := cmp.Diff(c.used, office.signedIn); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestMailProtectsItsConnection(t *testing.T) {
	bare := func(s *smtp.Server) { s.TLSConfig = nil }
	for _, c := range []struct {
		name   string
		office func(*smtp.Server)
		change func(*MailConfig)
		want   Outcome
		why    string
	}{
		{"asked for and not offered", bare, nil, Later, "offers no encryption"},
		{"if offered, and it is not", bare, func(c *MailConfig) { c.TLS = Opportunistic }, Done, ""},
		{"if offered, and it is", nil, func(c *MailConfig) { c.TLS = Opportunistic }, Done, ""},
		{"none", bare, func(c *MailConfig) { c.TLS = NoTLS }, Done, ""},
		{"nobody vouches for it", nil, func(c *MailConfig) { c.Roots = nil }, Later, "certificate"},
		{"another name", nil, func(c *MailConfig) { c.Host = "127.0.0.2" }, Later, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newPostOffice(t, c.office).mailer(c.change).Send(t.Context(), sampleMail())
			if r.Outcome != c.want || !strings.Contains(r.Why, c.why) {
				t.Errorf("got %+v", r)
			}
		})
	}
	t.Run("from the start", func(t *testing.T) {
		office := newPostOffice(t, nil)
		l, err := tls.Listen("tcp", "127.0.0.1:0", office.server.TLSConfig)
		if err != nil {
			t.Fatal(err)
		}
		go office.server.Serve(l)
		m := office.mailer(func(c *MailConfig) {
			c.TLS, c.Port, c.User, c.Password, c.Auth = ImplicitTLS, l.Addr().(*net.TCPAddr).Port, "baton", "pässword", "PLAIN"
		})
		for range 2 {
			if r := m.Send(t.Context(), sampleMail()); r.Outcome != Done {
				t.Errorf("got %+v", r)
			}
		}
	})
	t.Run("far and in the clear", func(t *testing.T) {
		if near(&net.TCPAddr{IP: net.IPv4(8, 8, 8, 8), Port: 25}) || !near(&net.TCPAddr{IP: net.IPv6loopback, Port: 25}) || near(&net.UnixAddr{Name: "x"}) {
			t.Error("wrong about what is near")
		}
	})
}

func smtpError(code int, a, b, c int, text string) func(int) error {
	return func(int) error {
		return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{a, b, c}, Message: text}
	}
}

func TestMailAnswers(t *testing.T) {
	for _, c := range []struct {
		name             string
		mail, rcpt, data func(int) error
		want             Outcome
		code             int
		why, said        string
	}{
		{name: "greylisted", rcpt: smtpError(451, 4, 7, 1, "come back in 5 minutes"), want: Later, code: 451, why: "try again later", said: "come back in 5 minutes"},
		{name: "no such person", rcpt: smtpError(550, 5, 1, 1, "no such user"), want: Gone, code: 550, why: "there is no renee@sales.example", said: "no such user"},
		{name: "closed", rcpt: smtpError(550, 5, 2, 1, "mailbox disabled"), want: Gone, code: 550, why: "there is no"},
		{name: "full", rcpt: smtpError(552, 5, 2, 2, "mailbox full"), want: Never, code: 552, why: "does not take mail for"},
		{name: "relaying", rcpt: smtpError(550, 5, 7, 1, "relaying denied"), want: Never, code: 550, why: "does not take mail for", said: "relaying denied"},
		{name: "sender", mail: smtpError(553, 5, 1, 8, "not your domain"), want: Never, code: 553, why: "does not take mail from baton@northwind.example"},
		{name: "sender later", mail: smtpError(452, 4, 3, 1, "disk full"), want: Later, code: 452},
		{name: "content", data: smtpError(554, 5, 6, 0, "looks like spam\r\nsee https://x"), want: Never, code: 554, why: "does not take this mail", said: "looks like spam"},
		{name: "content later", data: smtpError(451, 4, 3, 0, "scanner is down"), want: Later, code: 451, said: "scanner is down"},
	} {
		t.Run(c.name, func(t *testing.T) {
			office := newPostOffice(t, nil)
			office.onMail, office.onRcpt, office.onData = c.mail, c.rcpt, c.data
			m := office.mailer(nil)
			r := m.Send(t.Context(), sampleMail())
			if r.Outcome != c.want || r.Code != c.code || !strings.Contains(r.Why, c.why) || !strings.Contains(r.Said, c.said) {
				t.Errorf("got %+v", r)
			}
			if strings.ContainsAny(r.Why+r.Said, "\r\n") || strings.Contains(r.Said, "affected") {
				t.Errorf("not one line of the server's words: %+v", r)
			}
			// The connection is as good as before.
			office.onMail, office.onRcpt, office.onData = nil, nil, nil
			if r := m.Send(t.Context(), sampleMail()); r.Outcome != Done {
				t.Errorf("afterwards: %+v", r)
			}
			if office.connections != 1 || len(office.got()) != 1 {
				t.Errorf("%d connections, %d mails", office.connections, len(office.got()))
			}
		})
	}
}

func TestMailIsTooLong(t *testing.T) {
	office := newPostOffice(t, func(s *smtp.Server) { s.MaxMessageBytes = 1000 })
	r := office.mailer(nil).Send(t.Context(), sampleMail())
	if r.Outcome != Never || r.Code != 552 || !strings.Contains(r.Why, "does not take this mail") {
		t.Errorf("got %+v", r)
	}
}

// A mail that a server asked to send later is sent later, and known to be the same.
func TestMailIsTriedAgain(t *testing.T) {
	office := newPostOffice(t, nil)
	office.onData = func(try int) error {
		if try < 3 {
			return &smtp.SMTPError{Code: 450, EnhancedCode: smtp.EnhancedCode{4, 2, 0}, Message: "greylisted"}
		}
		return nil
	}
	m := office.mailer(nil)
	var waited time.Duration
	tries := 0
	for r := (Result{}); r.Outcome != Done; tries++ {
		after, giveUp := DefaultSchedule().Next("d_42", tries, r)
		if giveUp {
			t.Fatalf("given up after %d tries: %+v", tries, r)
		}
		waited += after
		r = m.Send(t.Context(), sampleMail())
	}
	got := office.got()
	if tries != 3 || len(got) != 1 || waited < 5*time.Minute || waited > 7*time.Minute {
		t.Errorf("%d tries in %s, %d mails", tries, waited, len(got))
	}
}

// rude answers each connection by a function.
func rude(t *testing.T, serve func(net.Conn)) MailConfig {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				serve(conn)
			}()
		}
	}()
	at := l.Addr().(*net.TCPAddr)
	return MailConfig{Host: "127.0.0.1", Port: at.Port, TLS: NoTLS, From: Address{"", "a@b.example"}, Step: 300 * time.Millisecond}
}

// dialogue answers line by line: "" hangs up, "hang" says nothing more, "slow" says something without end.
func dialogue(answers ...string) func(net.Conn) {
	return func(conn net.Conn) {
		buf := make([]byte, 64<<10)
		for i, a := range answers {
			if i > 0 {
				if _, err := conn.Read(buf); err != nil {
					return
				}
			}
			switch a {
			case "":
				return
			case "hang":
				_, _ = io.Copy(io.Discard, conn)
				return
			case "slow":
				for {
					if _, err := conn.Write(bytes.Repeat([]byte("2"), 1000)); err != nil {
						return
					}
				}
			}
			if _, err := fmt.Fprintf(conn, "%s\r\n", a); err != nil {
				return
			}
		}
		_, _ = io.Copy(io.Discard, conn)
	}
}

func TestMailServersThatBreak(t *testing.T) {
	for _, c := range []struct {
		name    string
		answers []string
		want    Outcome
		why     string
	}{
		{"hangs up at once", []string{""}, Later, "no connection"},
		{"hangs at once", []string{"hang"}, Later, "did not answer in time"},
		{"is busy", []string{"421 too busy"}, Later, "did not let us send (421)"},
		{"is no mail server", []string{"HTTP/1.1 400 Bad Request"}, Later, "no connection"},
		{"talks without end", []string{"slow"}, Later, ""},
		{"hangs at hello", []string{"220 hi", "hang"}, Later, "did not answer in time"},
		{"hangs at noop", []string{"220 hi", "250 hello", "hang"}, Later, "broke"},
		{"hangs at mail", []string{"220 hi", "250 hello", "250 ok", "hang"}, Later, "broke"},
		{"hangs up at recipient", []string{"220 hi", "250 hello", "250 ok", "250 ok", ""}, Later, "broke"},
		{"hangs up at data", []string{"220 hi", "250 hello", "250 ok", "250 ok", "250 ok", ""}, Later, "broke"},
		{"hangs up in the middle", []string{"220 hi", "250 hello", "250 ok", "250 ok", "250 ok", "354 go", ""}, Later, "broke"},
		{"hangs at the end", []string{"220 hi", "250 hello", "250 ok", "250 ok", "250 ok", "354 go", "hang"}, Later, "broke"},
		{"closes down", []string{"220 hi", "250 hello", "250 ok", "250 ok", "421 shutting down", ""}, Later, "try again later (421)"},
		{"no enhanced codes", []string{"220 hi", "250 hello", "250 ok", "250 ok", "550 who?", "250 ok"}, Gone, "there is no"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m, err := NewMailer(rude(t, dialogue(c.answers...)))
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			d := sampleMail()
			d.Notice = Notice{Language: "en", Title: "short"}
			r := m.Send(t.Context(), d)
			if r.Outcome != c.want || !strings.Contains(r.Why, c.why) {
				t.Errorf("got %+v", r)
			}
		})
	}
	t.Run("nobody is there", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		m, err := NewMailer(MailConfig{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, From: Address{"", "a@b.example"}})
		if err != nil {
			t.Fatal(err)
		}
		if r := m.Send(t.Context(), sampleMail()); r.Outcome != Later {
			t.Errorf("got %+v", r)
		}
	})
}

func TestMailIsInterrupted(t *testing.T) {
	reached := make(chan struct{}, 1)
	config := rude(t, func(conn net.Conn) {
		fmt.Fprint(conn, "220 hi\r\n")
		buf := make([]byte, 1000)
		_, _ = conn.Read(buf)
		reached <- struct{}{}
		_, _ = io.Copy(io.Discard, conn)
	})
	config.Step = time.Hour
	m, err := NewMailer(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan Result)
	go func() { done <- m.Send(ctx, sampleMail()) }()
	<-reached
	// somebody else waits for the connection, and does not wait for ever
	gone, leave := context.WithCancel(t.Context())
	leave()
	if r := m.Send(gone, sampleMail()); r.Outcome != Later || !strings.Contains(r.Why, "turn") {
		t.Errorf("got %+v", r)
	}
	cancel()
	if r := <-done; r.Outcome != Later {
		t.Errorf("got %+v", r)
	}
}

func TestMailsAtOnce(t *testing.T) {
	office := newPostOffice(t, nil)
	m := office.mailer(nil)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			d := sampleMail()
			d.ID = fmt.Sprintf("d_%d", i)
			if r := m.Send(t.Context(), d); r.Outcome != Done {
				t.Errorf("got %+v", r)
			}
		})
	}
	wg.Wait()
	ids := map[string]bool{}
	for _, got := range office.got() {
		ids[open(t, got.data).header.Get("Message-Id")] = true
	}
	if len(ids) != 20 || office.connections != 1 {
		t.Errorf("%d mails over %d connections", len(ids), office.connections)
	}
}

func TestMailRefusesSettings(t *testing.T) {
	good := MailConfig{Host: "mail.example", From: Address{"", "a@b.example"}}
	if _, err := NewMailer(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*MailConfig){
		"no host":              func(c *MailConfig) { c.Host = "" },
		"a line in the host":   func(c *MailConfig) { c.Host = "a\r\nb" },
		"port":                 func(c *MailConfig) { c.Port = 70000 },
		"protection":           func(c *MailConfig) { c.TLS = "maybe" },
		"password, perhaps":    func(c *MailConfig) { c.TLS, c.User = Opportunistic, "x" },
		"password alone":       func(c *MailConfig) { c.Password = "x" },
		"mechanism":            func(c *MailConfig) { c.User, c.Auth = "x", "ROT13" },
		"no sender":            func(c *MailConfig) { c.From.Mail = "" },
		"a line in the sender": func(c *MailConfig) { c.From.Mail = "a@b.example\r\nRCPT TO:<x@y>" },
		"our name":             func(c *MailConfig) { c.Hello = "a b" },
	} {
		c := good
		change(&c)
		if _, err := NewMailer(c); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestMailAddresses(t *testing.T) {
	for in, want := range map[string]string{
		"a@b.example":                          "a@b.example",
		"First.Last+tag@B.Example":             "First.Last+tag@b.example",
		"o'neil@exämple.example":               "o'neil@xn--exmple-cua.example",
		"a@localhost":                          "a@localhost",
		"a@b.example.":                         "a@b.example",
		"":                                     "",
		"a":                                    "",
		"@b.example":                           "",
		"a@":                                   "",
		"a@b@c.example":                        "",
		".a@b.example":                         "",
		"a..b@c.example":                       "",
		"ä@b.example":                          "",
		"a b@c.example":                        "",
		"a@b.example\r\nX: y":                  "",
		"a\n@b.example":                        "",
		"<a@b.example>":                        "",
		`"a"@b.example`:                        "",
		"a@[127.0.0.1]":                        "",
		"a@127.0.0.1":                          "",
		"a@b.example> SIZE=1":                  "",
		strings.Repeat("a", 65) + "@b.example": "",
	} {
		got, err := Address{Mail: in}.parse()
		if got.Address != want && err == nil || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", in, got.Address, err)
		}
	}
}

func TestMailThatCannotBe(t *testing.T) {
	m, err := NewMailer(MailConfig{Host: "mail.example", From: Address{"", "a@b.example"}})
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Mail){
		"ID":          func(d *Mail) { d.ID = "a>\r\nBcc: x@y" },
		"recipient":   func(d *Mail) { d.To.Mail = "nobody" },
		"answers":     func(d *Mail) { d.Reply.Mail = "x" },
		"language":    func(d *Mail) { d.Notice.Language = "" },
		"title":       func(d *Mail) { d.Notice.Title = " \r\n " },
		"link":        func(d *Mail) { d.Notice.Links[0].URL = "javascript:alert(1)" },
		"unsubscribe": func(d *Mail) { d.Unsubscribe = "http://x.example" },
	} {
		d := sampleMail()
		change(&d)
		if r := m.Send(t.Context(), d); r.Outcome != Never || r.Why == "" {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// Whatever the words, no header appears that is not ours, each appears once, no line is too long, and what was
// said is what is read.
func FuzzMailHeaders(f *testing.F) {
	f.Add("Subject\r\nBcc: everybody@example.com", "Name\r\n\r\nbody", "text\r\n.\r\nMAIL FROM:<x@y>", "en", "https://a.example/\r\nX: y")
	f.Add("=?utf-8?q?=0D=0ABcc:_x?=", "\"<x@y>\",", "\u2028\u0085", "sv-SE", "https://a.example/>,<mailto:x@y")
	f.Add(strings.Repeat("x", 1200), strings.Repeat("é", 300), strings.Repeat("=", 300), "de", "https://a.example/"+strings.Repeat("y", 500))
	f.Add("a", "b \x00 c", "--baton-\n--", "en", "")
	allowed := []string{"Auto-Submitted", "Content-Language", "Content-Type", "Date", "From", "List-Unsubscribe", "List-Unsubscribe-Post",
		"Message-Id", "Mime-Version", "Reply-To", "Subject", "To", "X-Auto-Response-Suppress"}
	m, err := NewMailer(MailConfig{Host: "mail.example", From: Address{"", "a@b.example"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, title, name, text, language, link string) {
		d := Mail{ID: "d_1", At: at, To: Address{name, "x@y.example"}, Reply: Address{title, "r@y.example"}, Unsubscribe: link,
			Notice: Notice{Language: language, Title: title, Paragraphs: []string{text, name}, Facts: []Fact{{name, text}}, Footer: text}}
		msg, err := m.compose(d)
		if err != nil {
			return
		}
		var b bytes.Buffer
		if _, err := msg.WriteTo(&b); err != nil {
			t.Fatal(err)
		}
		head, _, _ := bytes.Cut(b.Bytes(), []byte("\r\n\r\n"))
		for _, line := range bytes.Split(head, []byte("\r\n")) {
			if len(line) > 998 || bytes.ContainsAny(line, "\r\n\x00") {
				t.Fatalf("a line of %d: %q", len(line), line)
			}
			for _, c := range line {
				if c < ' ' && c != '\t' || c >= 0x7f {
					t.Fatalf("not printable: %q", line)
				}
			}
		}
		o := open(t, b.String())
		for name, values := range o.header { // order: each is judged alone
			if !slices.Contains(allowed, name) || len(values) != 1 {
				t.Fatalf("%s: %q", name, values)
			}
		}
		want, err := d.Notice.clean()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(subject(want.Title), o.subject); diff != "" {
			t.Fatalf("subject (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(want.text(), o.text); diff != "" {
			t.Fatalf("text (-want +got):\n%s", diff)
		}
		list, err := o.header.AddressList("To")
		if err != nil || len(list) != 1 || list[0].Address != "x@y.example" {
			t.Fatalf("to %v: %v", list, err)
		}
	})
}

func TestSaidIsTheServers(t *testing.T) {
	if got := said(&mail.SendError{Reason: mail.ErrSMTPRcptTo}); strings.Contains(got, "affected") {
		t.Errorf("got %q", got)
	}
	if got := said(errors.New("x")); got != "x" {
		t.Errorf("got %q", got)
	}
}
