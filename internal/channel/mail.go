package channel

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"net"
	stdmail "net/mail"
	"net/netip"
	"net/textproto"
	"strings"
	"sync"
	"time"

	"github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

// TLS is how the connection to a mail server is protected.
type TLS string

// The ways to protect a connection.
const (
	StartTLS      TLS = "starttls"      // begun in the clear and then always encrypted; the default (port 587)
	ImplicitTLS   TLS = "tls"           // encrypted from the start (port 465)
	Opportunistic TLS = "opportunistic" // encrypted if the server offers it; not with a password
	NoTLS         TLS = "none"          // in the clear: only to this machine or a private network
)

// MailConfig is what a Mailer needs to know. The host is a setting of whoever runs Baton, and so not looked at by
// a Guard: a relay on the same machine is what many have.
type MailConfig struct {
	Host string
	Port int // 0: 465 for ImplicitTLS, 25 for NoTLS, else 587
	TLS  TLS // empty: StartTLS
	// User and Password sign in if User is not empty. Auth is the mechanism: "PLAIN", "LOGIN", "CRAM-MD5",
	// "SCRAM-SHA-1", "SCRAM-SHA-256" and these two with "-PLUS"; empty for the best that the server offers.
	User, Password string
	Auth           string
	// Hello is the name that we say is ours, a domain name; empty for the domain of From.
	Hello string
	Roots *x509.CertPool // the certificates that are trusted; nil for the system's
	From  Address        // the sender of every mail
	// Dial bounds the time to connect, Step each single answer of the server, Whole all of one mail. 0 is 10 s,
	// 60 s and 3 min.
	Dial, Step, Whole time.Duration
	// Idle is how long a connection is kept for the next mail, 0 for 15 s; Most is how many mails go through one
	// connection, 0 for 100.
	Idle time.Duration
	Most int
}

// Address is whom a mail goes to or comes from.
type Address struct {
	Name string // any text, may be empty
	Mail string // local@domain
}

// Mail is one mail to one person.
type Mail struct {
	ID     string // of the delivery: the same for all tries; letters, digits, _ and -
	At     int64  // its Date: when the notice was made, the same for all tries
	To     Address
	Reply  Address // for answers; may be empty
	Notice Notice
	// Unsubscribe is an https URL that takes a POST without asking back (RFC 8058). Empty: no such header.
	Unsubscribe string
}

// Mailer sends mails by one server, one after the other, over a connection that it keeps for a while. It is safe for
// concurrent use.
type Mailer struct {
	config MailConfig
	from   stdmail.Address
	turn   chan struct{} // holds one token: whoever has it has the connection

	mu     sync.Mutex // guards what follows, for the timer
	link   *link
	closed bool
}

// link is a connection to the server, ready for a mail.
type link struct {
	conn   *stepConn
	client *mail.Client
	smtp   *smtp.Client
	sent   int
	idle   *time.Timer
}

// NewMailer checks a configuration. It does not connect.
func NewMailer(c MailConfig) (*Mailer, error) {
	c.TLS = cmp.Or(c.TLS, StartTLS)
	port := 587
	switch c.TLS {
	case StartTLS, Opportunistic:
	case ImplicitTLS:
		port = 465
	case NoTLS:
		port = 25
	default:
		return nil, fmt.Errorf("reading the mail settings: %q is no way to protect a connection: starttls, tls, opportunistic or none", c.TLS)
	}
	c.Port = cmp.Or(c.Port, port)
	c.Dial, c.Step, c.Whole = cmp.Or(c.Dial, 10*time.Second), cmp.Or(c.Step, time.Minute), cmp.Or(c.Whole, 3*time.Minute)
	c.Idle, c.Most = cmp.Or(c.Idle, 15*time.Second), cmp.Or(c.Most, 100)
	from, err := c.From.parse()
	if err != nil {
		return nil, fmt.Errorf("reading the mail settings: the sender %w", err)
	}
	_, domain, _ := strings.Cut(from.Address, "@")
	c.Hello = cmp.Or(c.Hello, domain)
	switch {
	case c.Host == "" || strings.ContainsFunc(c.Host, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return nil, errors.New("reading the mail settings: the server has no name")
	case c.Port < 1 || c.Port > 65535:
		return nil, fmt.Errorf("reading the mail settings: there is no port %d", c.Port)
	case c.User != "" && c.TLS == Opportunistic:
		return nil, errors.New("reading the mail settings: a password is not sent over a connection that may be in the clear: use starttls or tls")
	case c.User == "" && c.Password != "":
		return nil, errors.New("reading the mail settings: there is a password but no user")
	}
	if _, err := c.auth(); err != nil {
		return nil, err
	}
	if name, err := hostName(c.Hello); err != nil || name != strings.ToLower(c.Hello) {
		return nil, errors.New("reading the mail settings: our own name is no domain name")
	}
	m := &Mailer{config: c, from: from, turn: make(chan struct{}, 1)}
	m.turn <- struct{}{}
	return m, nil
}

// Config is what a Mailer sends by, with what was left out filled in, and without the password.
func (m *Mailer) Config() MailConfig {
	c := m.config
	c.Password = ""
	return c
}

// auth returns how to sign in, as options of go-mail.
func (c MailConfig) auth() ([]mail.Option, error) {
	if c.User == "" {
		return nil, nil
	}
	options := []mail.Option{mail.WithUsername(c.User), mail.WithPassword(c.Password)}
	plain, login := mail.SMTPAuthPlain, mail.SMTPAuthLogin
	if c.TLS == NoTLS {
		plain, login = mail.SMTPAuthPlainNoEnc, mail.SMTPAuthLoginNoEnc // the address was seen to be near
	}
	known := []struct {
		name string
		kind mail.SMTPAuthType
	}{
		{"SCRAM-SHA-256-PLUS", mail.SMTPAuthSCRAMSHA256PLUS}, {"SCRAM-SHA-256", mail.SMTPAuthSCRAMSHA256},
		{"SCRAM-SHA-1-PLUS", mail.SMTPAuthSCRAMSHA1PLUS}, {"SCRAM-SHA-1", mail.SMTPAuthSCRAMSHA1},
		{"CRAM-MD5", mail.SMTPAuthCramMD5}, {"PLAIN", plain}, {"LOGIN", login},
	}
	var all []mail.SMTPAuthType
	for _, k := range known {
		if strings.EqualFold(c.Auth, k.name) {
			return append(options, mail.WithSMTPAuth(k.kind)), nil
		}
		if c.TLS != NoTLS || !strings.HasSuffix(k.name, "-PLUS") { // which bind to a TLS connection
			all = append(all, k.kind)
		}
	}
	if c.Auth != "" {
		return nil, fmt.Errorf("reading the mail settings: %q is no way to sign in that we know", c.Auth)
	}
	return append(options, mail.WithOpportunisticSMTPAuth(all...)), nil
}

// parse checks an address. Its domain comes back in ASCII. The error continues a sentence.
func (a Address) parse() (stdmail.Address, error) {
	local, domain, found := strings.Cut(a.Mail, "@")
	if !found {
		return stdmail.Address{}, errors.New("has no @ in its address")
	}
	domain, err := hostName(domain)
	if err != nil {
		return stdmail.Address{}, errors.New("has no domain name after the @ of its address")
	}
	for atom := range strings.SplitSeq(local, ".") {
		if atom == "" || strings.ContainsFunc(atom, func(r rune) bool {
			return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && !strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", r)
		}) {
			return stdmail.Address{}, errors.New("has letters in its address, before the @, that mail servers do not all take")
		}
	}
	if len(local) > 64 || len(local)+1+len(domain) > 254 {
		return stdmail.Address{}, errors.New("has an address that is too long")
	}
	return stdmail.Address{Name: clip(oneLine(a.Name), 100), Address: local + "@" + domain}, nil
}

// subject keeps words from being read as an encoding of others (RFC 2047), which a name that somebody made up could hold.
func subject(title string) string { return strings.ReplaceAll(title, "=?", "= ?") }

// compose makes the mail: the same bytes each time for the same Mail.
func (m *Mailer) compose(d Mail) (*mail.Msg, error) {
	if !deliveryID(d.ID) {
		return nil, errors.New("its ID is not 1 to 64 letters, digits, _ and -")
	}
	n, err := d.Notice.clean()
	if err != nil {
		return nil, err
	}
	to, err := d.To.parse()
	if err != nil {
		return nil, fmt.Errorf("the recipient %w", err)
	}
	sum := sha256.Sum256([]byte("boundary " + d.ID))
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent(), mail.WithBoundary("baton-"+hex.EncodeToString(sum[:16])))
	msg.FromMailAddress(&m.from)
	msg.ToMailAddress(&to)
	if d.Reply != (Address{}) {
		reply, err := d.Reply.parse()
		if err != nil {
			return nil, fmt.Errorf("the address for answers %w", err)
		}
		msg.ReplyToMailAddress(&reply)
	}
	_, domain, _ := strings.Cut(m.from.Address, "@")
	msg.SetMessageIDWithValue(d.ID + "@" + domain)
	msg.SetDateWithValue(time.UnixMicro(d.At).UTC())
	msg.Subject(subject(n.Title))
	// RFC 3834: no vacation notes in answer, and no loops; the second line tells the same to Exchange, which
	// with "All" would keep its bounces to itself too
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetGenHeader("X-Auto-Response-Suppress", "OOF, AutoReply")
	msg.SetGenHeader("Content-Language", n.Language)
	if d.Unsubscribe != "" {
		link, err := webLink(d.Unsubscribe)
		if err != nil || !strings.HasPrefix(link, "https://") {
			return nil, errors.New("the address to unsubscribe at is not an https URL")
		}
		msg.SetGenHeader("List-Unsubscribe", "<"+link+">")
		msg.SetGenHeader("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
	}
	var page bytes.Buffer
	if err := mailPage.Execute(&page, n); err != nil {
		return nil, fmt.Errorf("writing the mail: %w", err)
	}
	msg.SetBodyString(mail.TypeTextPlain, n.text())
	msg.AddAlternativeString(mail.TypeTextHTML, page.String())
	return msg, nil
}

// mailPage is a notice as HTML. It says the same as text() in the same order, needs no images and no style sheet
// from elsewhere, and leaves colours to the reader's program, so that dark modes and high contrast work. There
// are no links in it but those of the notice, and nothing that tells anybody it was read.
var mailPage = template.Must(template.New("mail").Funcs(template.FuncMap{
	"lines": func(s string) []string { return strings.Split(s, "\n") },
}).Parse(`<!DOCTYPE html>
<html lang="{{.Language}}" dir="auto">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{{.Title}}</title>
</head>
<body style="margin:0;padding:24px;font-family:system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;font-size:16px;line-height:1.5">
<div lang="{{.Language}}" style="max-width:36em">
<h1 style="font-size:20px;line-height:1.3;margin:0 0 16px">{{.Title}}</h1>
{{range .Paragraphs}}<p style="margin:0 0 16px">{{range $i, $line := lines .}}{{if $i}}<br>
{{end}}{{$line}}{{end}}</p>
{{end}}{{if .Facts}}<dl style="margin:0 0 16px">
{{range .Facts}}<dt style="font-weight:600">{{.Name}}</dt>
<dd style="margin:0 0 8px">{{.Value}}</dd>
{{end}}</dl>
{{end}}{{range .Links}}<p style="margin:0 0 16px"><a href="{{.URL}}">{{.Text}}</a></p>
{{end}}{{if .Footer}}<p style="margin:24px 0 0;font-size:14px">{{.Footer}}</p>
{{end}}</div>
</body>
</html>
`))

// Send sends a mail and says how it went. Whatever is wrong before the server has heard of this mail (the network,
// TLS, signing in) is Later, since it is no fault of the mail and somebody will mend it. Then a 4xx is Later;
// a 5xx is Gone if it says that there is no such recipient, and Never otherwise.
//
// If the connection breaks after the mail was sent but before the server took it in words, the outcome is
// Later and the mail may come twice: with the same Message-ID, by which mail systems know it.
func (m *Mailer) Send(ctx context.Context, d Mail) Result {
	msg, err := m.compose(d)
	if err != nil {
		return Result{Outcome: Never, Why: "the mail cannot be sent: " + err.Error()}
	}
	ctx, cancel := context.WithTimeout(ctx, m.config.Whole)
	defer cancel()
	select {
	case <-m.turn:
		defer func() { m.turn <- struct{}{} }()
	case <-ctx.Done():
		return Result{Outcome: Later, Why: "other mails took too long; this one waits for its turn"}
	}
	l := m.take()
	fresh := l == nil
	for {
		if l == nil {
			if l, err = m.connect(ctx); err != nil {
				return m.unconnected(err)
			}
		}
		stop := l.conn.follow(ctx)
		err = l.client.SendWithSMTPClient(l.smtp, msg)
		stop()
		var failed *mail.SendError
		if !fresh && errors.As(err, &failed) && failed.Reason == mail.ErrConnCheck {
			// the server closed a kept connection; nothing of this mail was said yet
			l.conn.Close()
			l, fresh = nil, true
			continue
		}
		break
	}
	l.sent++
	r, usable := m.judge(msg, err, d.To.Mail)
	switch {
	case r.Code == 0:
		l.conn.Close() // nobody there to say good-bye to
	case usable && l.sent < m.config.Most && ctx.Err() == nil:
		m.keep(l)
	default:
		l.quit()
	}
	return r
}

// judge makes a Result of what go-mail says. usable is whether the connection can take another mail.
func (m *Mailer) judge(msg *mail.Msg, err error, to string) (r Result, usable bool) {
	host := m.config.Host
	if msg.IsDelivered() { // whatever came after
		return Result{Outcome: Done, Why: host + " took the mail", Said: excerpt(msg.ServerResponse()), Code: 250}, err == nil
	}
	var failed *mail.SendError
	if !errors.As(err, &failed) {
		return Result{Outcome: Later, Why: "the mail could not be handed to " + host}, false
	}
	r = Result{Outcome: Later, Code: failed.ErrorCode(), Said: excerpt(said(failed))}
	usable = r.Code != 421 && (failed.Reason == mail.ErrSMTPMailFrom || failed.Reason == mail.ErrSMTPRcptTo || failed.Reason == mail.ErrSMTPDataClose)
	status := failed.EnhancedStatusCode()
	switch {
	case r.Code == 0:
		r.Said = ""
		r.Why = "the connection to " + host + " broke, or it did not answer in time"
		return r, false
	case r.Code < 500:
		r.Why = fmt.Sprintf("%s asks to try again later (%d)", host, r.Code)
	case failed.Reason == mail.ErrSMTPRcptTo && unknownRecipient(r.Code, status):
		r.Outcome = Gone
		r.Why = fmt.Sprintf("%s says that there is no %s (%d)", host, clip(oneLine(to), 254), r.Code)
	case failed.Reason == mail.ErrSMTPRcptTo:
		r.Outcome = Never
		r.Why = fmt.Sprintf("%s does not take mail for %s (%d)", host, clip(oneLine(to), 254), r.Code)
	case failed.Reason == mail.ErrSMTPMailFrom:
		r.Outcome = Never
		r.Why = fmt.Sprintf("%s does not take mail from %s (%d)", host, m.from.Address, r.Code)
	default:
		r.Outcome = Never
		r.Why = fmt.Sprintf("%s does not take this mail (%d)", host, r.Code)
	}
	return r, usable
}

// unknownRecipient reports whether a refusal of a recipient says that the mailbox does not exist, moved or was closed.
// Many servers say 550 for matters of policy too; the enhanced status (RFC 3463) tells them apart, where there is one.
func unknownRecipient(code int, status string) bool {
	switch status {
	case "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1":
		return true
	case "":
		return code == 550 || code == 551 || code == 553
	}
	return false
}

// said finds the server's words in an error of go-mail, which adds our own around them.
func said(err error) string {
	text := err.Error()
	if s, ok := err.(*mail.SendError); ok {
		text = strings.TrimPrefix(text, s.Reason.String()+": ")
		for _, ours := range []string{", affected recipient(s): ", ", affected message ID: "} {
			if i := strings.LastIndex(text, ours); i >= 0 {
				text = text[:i]
			}
		}
	}
	return text
}

// connect makes a connection and signs in.
func (m *Mailer) connect(ctx context.Context) (*link, error) {
	c := m.config
	options, err := c.auth()
	if err != nil {
		return nil, err
	}
	l := &link{}
	stop := func() {}
	defer func() { stop() }()
	whole := ctx // go-mail cancels its own when it is connected
	tlsConfig := &tls.Config{ServerName: c.Host, RootCAs: c.Roots, MinVersion: tls.VersionTLS12}
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		d := net.Dialer{Timeout: c.Dial}
		conn, err := d.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		if c.TLS == NoTLS && !near(conn.RemoteAddr()) {
			conn.Close()
			return nil, errFar
		}
		l.conn = &stepConn{Conn: conn, step: c.Step, left: heardLimit}
		stop = l.conn.follow(whole)
		if c.TLS == ImplicitTLS {
			return tls.Client(l.conn, tlsConfig), nil
		}
		return l.conn, nil
	}
	policy := map[TLS]mail.TLSPolicy{StartTLS: mail.TLSMandatory, Opportunistic: mail.TLSOpportunistic, ImplicitTLS: mail.NoTLS, NoTLS: mail.NoTLS}[c.TLS]
	options = append(options,
		mail.WithPort(c.Port), mail.WithHELO(c.Hello), mail.WithTLSPolicy(policy), mail.WithTLSConfig(tlsConfig),
		mail.WithTimeout(c.Whole), mail.WithDialContextFunc(dial), mail.WithoutSMTPUTF8(), mail.WithoutRset())
	if l.client, err = mail.NewClient(c.Host, options...); err != nil {
		return nil, err
	}
	if l.smtp, err = l.client.DialToSMTPClientWithContext(ctx); err != nil {
		if l.conn != nil {
			l.conn.Close()
		}
		return nil, err
	}
	return l, nil
}

var errFar = errors.New("the server is not on this machine or in a private network")

// near reports whether an address is of this machine or a private network.
func near(a net.Addr) bool {
	at, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return false
	}
	ip := at.Addr().Unmap()
	return ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast()
}

// unconnected makes a Result of a connection that did not come about.
func (m *Mailer) unconnected(err error) Result {
	host := m.config.Host
	r := Result{Outcome: Later}
	var answer *textproto.Error
	var dns *net.DNSError
	var timeout net.Error
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &answer):
		r.Code, r.Said = answer.Code, excerpt(answer.Error())
		r.Why = fmt.Sprintf("%s did not let us send (%d)", host, answer.Code)
		if answer.Code == 535 || answer.Code == 534 || answer.Code == 530 || answer.Code == 538 {
			r.Why = fmt.Sprintf("%s did not accept the user name and password (%d)", host, answer.Code)
		}
	case errors.Is(err, errFar):
		r.Why = host + " is neither on this machine nor in a private network, and the settings ask for no encryption"
	case errors.As(err, &dns):
		r.Why = "the name " + host + " could not be looked up"
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		r.Why = host + " did not answer in time"
	case errors.As(err, &certificate):
		r.Why = "the certificate of " + host + " is not valid for it"
	case strings.Contains(err.Error(), "does not support STARTTLS"):
		r.Why = host + " offers no encryption, which the settings ask for"
	case strings.Contains(err.Error(), "SMTP AUTH failed"):
		r.Why = "signing in to " + host + " broke off"
	case strings.Contains(err.Error(), "SMTP AUTH"), errors.Is(err, mail.ErrNoSupportedAuthDiscovered):
		r.Why = host + " offers no way to sign in that we can use"
	default:
		r.Why = "no connection to " + host + " came about"
	}
	return r
}

// take returns the kept connection, or nil.
func (m *Mailer) take() *link {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.link
	m.link = nil
	if l != nil {
		l.idle.Stop()
	}
	return l
}

// keep keeps a connection until it was idle for too long.
func (m *Mailer) keep(l *link) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		go l.quit()
		return
	}
	m.link = l
	l.idle = time.AfterFunc(m.config.Idle, func() {
		m.mu.Lock()
		mine := m.link == l
		if mine {
			m.link = nil
		}
		m.mu.Unlock()
		if mine {
			l.quit()
		}
	})
}

// Close ends the kept connection. A mail under way is not interrupted; its connection ends after it.
func (m *Mailer) Close() {
	m.mu.Lock()
	l := m.link
	m.link, m.closed = nil, true
	m.mu.Unlock()
	if l != nil {
		l.idle.Stop()
		l.quit()
	}
}

// quit says good-bye and closes, without waiting long for an answer.
func (l *link) quit() {
	l.conn.hurry(2 * time.Second)
	_ = l.client.CloseWithSMTPClient(l.smtp)
	l.conn.Close()
}

// stepConn bounds each wait for the other side. go-mail sets one deadline for a whole mail; a server that stops
// answering should be noticed sooner.
type stepConn struct {
	net.Conn
	step time.Duration
	left int // how much more is listened to; used by one reader at a time

	mu    sync.Mutex
	whole time.Time // the end of all steps; zero for none
}

// heardLimit is how many bytes of a server's answers are listened to per connection. A line of an answer is
// read into memory however long it is.
const heardLimit = 1 << 20

// follow has the connection end with a context, until stop is called.
func (c *stepConn) follow(ctx context.Context) (stop func()) {
	c.mu.Lock()
	c.whole, _ = ctx.Deadline()
	c.mu.Unlock()
	off := context.AfterFunc(ctx, func() { c.Conn.Close() })
	return func() { off() }
}

// hurry has all further steps be done within d.
func (c *stepConn) hurry(d time.Duration) {
	c.mu.Lock()
	c.whole = time.Now().Add(d)
	c.mu.Unlock()
}

func (c *stepConn) until() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := time.Now().Add(c.step)
	if !c.whole.IsZero() && c.whole.Before(t) {
		return c.whole
	}
	return t
}

func (c *stepConn) Read(p []byte) (int, error) {
	if err := c.Conn.SetReadDeadline(c.until()); err != nil {
		return 0, err
	}
	if c.left <= 0 {
		return 0, errors.New("reading from the mail server: it talks too much")
	}
	n, err := c.Conn.Read(p)
	c.left -= n
	return n, err
}

func (c *stepConn) Write(p []byte) (int, error) {
	if err := c.Conn.SetWriteDeadline(c.until()); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// SetDeadline does nothing: the steps have their own.
func (c *stepConn) SetDeadline(time.Time) error { return nil }
