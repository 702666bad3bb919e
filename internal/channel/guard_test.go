package channel

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
	"pgregory.net/rapid"
)

func guardOf(t testing.TB, plain bool, allow ...string) *Guard {
	t.Helper()
	g, err := NewGuard(allow, plain)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestGuardChecksURLs(t *testing.T) {
	g := guardOf(t, false, "10.1.0.0/16", "hooks.localhost", "fd12::/16")
	for raw, why := range map[string]string{
		"https://example.com/hook?x=1":                     "",
		"https://EXAMPLE.com./":                            "",
		"https://example.com:8443/":                        "",
		"https://my_host.example.com/":                     "",
		"https://8.8.8.8/":                                 "",
		"https://[2606:4700::1111]/":                       "",
		"https://exämple.com/":                             "",
		"https://10.1.2.3/":                                "",
		"https://hooks.localhost/":                         "",
		"https://HOOKS.localhost./":                        "",
		"https://[fd12::1]/":                               "",
		"http://example.com/":                              "http is not allowed",
		"ftp://example.com/":                               "https",
		"file:///etc/passwd":                               "names no host",
		"https:example.com":                                "not a URL",
		"example.com":                                      "names no host",
		"//example.com":                                    "https",
		"https://":                                         "names no host",
		"https://:443/":                                    "names no host",
		"https://user:pass@example.com/":                   "user name",
		"https://example.com:0/":                           "port",
		"https://example.com:65536/":                       "port",
		"https://example.com:080/":                         "port",
		"https://example.com:/":                            "port",
		"https://exa mple.com/":                            "not a URL",
		"https://example.com\r\nX: y/":                     "not a URL",
		"https://exam_ple..com/":                           "not a name",
		"https://localhost/":                               "this very machine",
		"https://LOCALHOST./":                              "this very machine",
		"https://a.localhost/":                             "this very machine",
		"https://127.0.0.1/":                               "inside",
		"https://127.0.0.1./":                              "not a name",
		"https://127.8.9.10:443/":                          "inside",
		"https://127.1/":                                   "not a name",
		"https://0177.0.0.1/":                              "not a name",
		"https://0x7f.0.0.1/":                              "not a name",
		"https://0x7f000001/":                              "not a name",
		"https://2130706433/":                              "not a name",
		"https://017700000001/":                            "not a name",
		"https://127.0.0.0x1/":                             "not a name",
		"https://１２７.0.0.1/":                               "not a name",
		"https://①②⑦.0.0.1/":                               "not a name",
		"https://127。0。0。1/":                               "not a name",
		"https://%31%32%37.0.0.1/":                         "not a URL",
		"https://0/":                                       "not a name",
		"https://0.0.0.0/":                                 "inside",
		"https://10.2.3.4/":                                "inside",
		"https://172.16.0.1/":                              "inside",
		"https://172.32.0.1/":                              "",
		"https://192.168.1.1/":                             "inside",
		"https://100.64.0.1/":                              "inside",
		"https://100.128.0.1/":                             "",
		"https://169.254.1.1/":                             "inside",
		"https://169.254.169.254/latest/meta-data":         "metadata",
		"https://100.100.100.200/":                         "metadata",
		"https://168.63.129.16/":                           "metadata",
		"https://192.0.2.1/":                               "inside",
		"https://198.18.0.1/":                              "inside",
		"https://224.0.0.1/":                               "inside",
		"https://255.255.255.255/":                         "inside",
		"https://[::]/":                                    "inside",
		"https://[::1]/":                                   "inside",
		"https://[0:0:0:0:0:0:0:1]/":                       "inside",
		"https://[::ffff:127.0.0.1]/":                      "IPv6 form",
		"https://[::ffff:7f00:1]/":                         "IPv6 form",
		"https://[::ffff:8.8.8.8]/":                        "IPv6 form",
		"https://[::ffff:10.1.2.3]/":                       "",
		"https://[::127.0.0.1]/":                           "IPv6 form",
		"https://[64:ff9b::127.0.0.1]/":                    "IPv6 form",
		"https://[64:ff9b::8.8.8.8]/":                      "IPv6 form",
		"https://[64:ff9b:1::7f00:1]/":                     "IPv6 form",
		"https://[2002:7f00:1::]/":                         "IPv6 form",
		"https://[2001:0:53aa:64c::1]/":                    "inside",
		"https://[fe80::1]/":                               "inside",
		"https://[fe80::1%25eth0]/":                        "inside",
		"https://[::1%25lo]/":                              "inside",
		"https://[fc00::1]/":                               "inside",
		"https://[fec0::1]/":                               "inside",
		"https://[ff02::1]/":                               "inside",
		"https://[fd00:ec2::254]/":                         "metadata",
		"https://[2001:db8::1]/":                           "inside",
		"https://[100::1]/":                                "inside",
		"https://" + strings.Repeat("a", 2050):             "longer",
		"https://" + strings.Repeat("a", 64) + ".example/": "not a name",
	} {
		err := g.Check(raw)
		var refused *Refused
		switch {
		case why == "" && err != nil:
			t.Errorf("%s: %v", raw, err)
		case why != "" && (!errors.As(err, &refused) || !strings.Contains(err.Error(), why)):
			t.Errorf("%s: %v, want %q", raw, err, why)
		}
	}
	if err := guardOf(t, true).Check("http://example.com/"); err != nil {
		t.Error(err)
	}
}

func TestGuardAllows(t *testing.T) {
	for _, c := range []struct {
		allow string
		ip    string
		named bool
		want  bool
	}{
		{"127.0.0.0/8", "127.0.0.1", false, true},
		{"127.0.0.1", "127.0.0.1", false, true},
		{"127.0.0.1", "127.0.0.2", false, false},
		{"127.0.0.1", "::ffff:127.0.0.1", false, true},
		{"::ffff:127.0.0.1", "127.0.0.1", false, true},
		{"0.0.0.0/0", "192.168.0.1", false, true},
		{"0.0.0.0/0", "169.254.169.254", false, false},
		{"169.254.0.0/16", "169.254.169.254", false, false},
		{"169.254.169.254", "169.254.169.254", false, true},
		{"fd00::/8", "fd00:ec2::254", false, false},
		{"fd00::/8", "fd00:ec2::253", false, true},
		{"fe80::/10", "fe80::1%eth0", false, true},
		{"x.example", "10.0.0.1", true, true},
		{"x.example", "169.254.169.254", true, false},
		{"x.example", "64:ff9b::a9fe:a9fe", true, false},
		{"x.example", "10.0.0.1", false, false},
		{"64:ff9b::/96", "64:ff9b::8.8.8.8", false, true},
		{"64:ff9b::/96", "64:ff9b::10.0.0.1", false, false},
		{"64:ff9b::/96", "64:ff9b::169.254.169.254", false, false},
		{"2002::/16", "2002:a00:1::", false, false},
		{"2002::/16", "2002:808:808::", false, true},
		{"::1", "::1", false, true},
	} {
		if got := guardOf(t, false, c.allow).judge(netip.MustParseAddr(c.ip), c.named); (got == "") != c.want {
			t.Errorf("%s allowed, %s, named %v: %q", c.allow, c.ip, c.named, got)
		}
	}
	for _, bad := range []string{"", "10.0.0.0/33", "a b", "0177.0.0.1", "127.1", "https://x.example", "::ffff:10.0.0.0/104", "*.example"} {
		if _, err := NewGuard([]string{bad}, false); err == nil {
			t.Errorf("%q: taken", bad)
		}
	}
}

// names answers A questions from a function, as a name server on this machine.
func names(t *testing.T, answer func(name string, asked int) [4]byte) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		buf, asked := make([]byte, 1500), 0
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buf[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
			if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
				m.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 0},
					Body:   &dnsmessage.AResource{A: answer(q.Name.String(), asked)},
				}}
				asked++
			}
			if packed, err := m.Pack(); err == nil {
				_, _ = conn.WriteTo(packed, from)
			}
		}
	}()
	var d net.Dialer
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return d.DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

func TestGuardLooksAtWhatIsDialled(t *testing.T) {
	var calls atomic.Int32
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	defer receiver.Close()
	_, port, _ := net.SplitHostPort(receiver.Listener.Addr().String())
	here := func(string, int) [4]byte { return [4]byte{127, 0, 0, 1} }
	send := func(g *Guard, answer func(string, int) [4]byte, host string) Result {
		g.resolver = names(t, answer)
		p := NewPoster(PosterConfig{Guard: g})
		defer p.Close()
		return p.Webhook(t.Context(), sampleHook("http://"+host+":"+port+"/secret"))
	}
	t.Run("a name for this machine", func(t *testing.T) {
		r := send(guardOf(t, true), here, "innocent.example.com")
		if r.Outcome != Never || r.Why != "innocent.example.com leads to an address inside the network, which is not allowed" {
			t.Errorf("got %+v", r)
		}
	})
	t.Run("the metadata service", func(t *testing.T) {
		r := send(guardOf(t, true, "innocent.example.com"), func(string, int) [4]byte { return [4]byte{169, 254, 169, 254} }, "innocent.example.com")
		if r.Outcome != Never || !strings.Contains(r.Why, "metadata") {
			t.Errorf("got %+v", r)
		}
	})
	t.Run("another answer the second time", func(t *testing.T) {
		g := guardOf(t, true, "127.0.0.1")
		resolver := names(t, func(_ string, asked int) [4]byte { return [4]byte{127, 0, 0, byte(1 + min(asked, 1))} })
		for i, want := range []Outcome{Done, Never} {
			g.resolver = resolver
			p := NewPoster(PosterConfig{Guard: g})
			if r := p.Webhook(t.Context(), sampleHook("http://rebind.example.com:"+port+"/")); r.Outcome != want {
				t.Errorf("call %d: %+v", i+1, r)
			}
			p.Close()
		}
	})
	if calls.Load() != 1 {
		t.Errorf("the receiver was called %d times", calls.Load())
	}
	t.Run("allowed by name", func(t *testing.T) {
		if r := send(guardOf(t, true, "Inner.example.com."), here, "inner.EXAMPLE.com"); r.Outcome != Done {
			t.Errorf("got %+v", r)
		}
	})
	// The environment is read once per process, so a test that sets HTTP_PROXY would prove nothing.
	if NewPoster(PosterConfig{Guard: guardOf(t, true)}).client.Transport.(*http.Transport).Proxy != nil {
		t.Error("a proxy is asked, which resolves names for itself")
	}
	if why := guardOf(t, true).judgeDialled("unix", "/run/x", true); why == "" {
		t.Error("a socket that is a file may be dialled")
	}
}

// No address that Go knows to be special gets through, in whatever form, not even where the form is allowed.
func TestGuardRefusesWhatIsSpecial(t *testing.T) {
	strict, forms := guardOf(t, false), guardOf(t, false, "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "::/96")
	special := func(ip netip.Addr) bool {
		return ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified() || !ip.IsGlobalUnicast()
	}
	rapid.Check(t, func(t *rapid.T) {
		var b [4]byte
		copy(b[:], rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "v4"))
		b[0] = rapid.SampledFrom([]byte{0, 10, 100, 127, 169, 172, 192, 198, 224, 255, b[0]}).Draw(t, "first")
		ip := netip.AddrFrom4(b)
		refused := strict.judge(ip, false) != ""
		if special(ip) && !refused {
			t.Fatalf("%s gets through", ip)
		}
		mapped := netip.AddrFrom16(ip.As16())
		if (strict.judge(mapped, false) != "") != refused {
			t.Fatalf("%s is judged otherwise than %s", mapped, ip)
		}
		for _, form := range []string{"64:ff9b::%02x%02x:%02x%02x", "64:ff9b:1::%02x%02x:%02x%02x", "2002:%02x%02x:%02x%02x::1", "::%02x%02x:%02x%02x"} {
			carried := netip.MustParseAddr(fmt.Sprintf(form, b[0], b[1], b[2], b[3]))
			if strict.judge(carried, false) == "" {
				t.Fatalf("%s gets through", carried)
			}
			if refused && forms.judge(carried, false) == "" && carried != netip.IPv6Loopback() && carried != netip.IPv6Unspecified() {
				t.Fatalf("%s carries %s through", carried, ip)
			}
		}
		var long [16]byte
		copy(long[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "v6"))
		if ip6 := netip.AddrFrom16(long); special(ip6.Unmap()) && strict.judge(ip6, false) == "" {
			t.Fatalf("%s gets through", ip6)
		}
	})
}
