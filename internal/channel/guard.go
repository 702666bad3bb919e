package channel

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/net/idna"
)

// Guard decides which addresses a URL that somebody typed in may lead to: public ones. What it refuses is the inside
// of the network (loopback, private, link-local, shared and reserved addresses, multicast, the metadata services of
// clouds, and IPv6 forms that carry such an IPv4 address), unless it is allowed by name or network.
//
// Check looks at a URL when it is entered. The address really dialled is looked at again by dial, after the
// name was resolved, so a name that answers differently the second time gains nothing.
type Guard struct {
	networks  []netip.Prefix
	hosts     []string // normal names, sorted
	plainHTTP bool
	// resolver is for tests.
	resolver *net.Resolver
}

// NewGuard makes a guard. Each of allow is a network ("10.1.0.0/16"), an address ("10.1.2.3") or the name of a host
// ("hooks.intranet.example"); a name allows whatever the name resolves to but metadata services, which only
// their very address allows. plainHTTP allows http beside https.
func NewGuard(allow []string, plainHTTP bool) (*Guard, error) {
	g := &Guard{plainHTTP: plainHTTP}
	for _, a := range allow {
		if p, err := netip.ParsePrefix(a); err == nil {
			if p.Addr().Is4In6() {
				return nil, fmt.Errorf("reading the allowed addresses: write %q as an IPv4 network", a)
			}
			g.networks = append(g.networks, p.Masked())
			continue
		}
		if ip, err := netip.ParseAddr(a); err == nil {
			ip = ip.Unmap().WithZone("")
			g.networks = append(g.networks, netip.PrefixFrom(ip, ip.BitLen()))
			continue
		}
		name, err := hostName(a)
		if err != nil {
			return nil, fmt.Errorf("reading the allowed addresses: %q is not a network, an address or a host name", a)
		}
		g.hosts = append(g.hosts, name)
	}
	slices.Sort(g.hosts)
	return g, nil
}

// Refused is the error for an address that the guard does not let through. Its text is safe to show: it names the
// host as it was entered, and no address that the name resolved to.
type Refused struct {
	Host    string
	Why     string
	Setting string // of the server that would allow it, "" for none
}

// The settings that allow addresses.
const (
	allowInside = "outbound"
	allowHTTP   = "outbound-http"
)

func (e *Refused) Error() string { return e.Host + " " + e.Why }

// InFull is the error and, if there is a way out, who can allow the address.
func (e *Refused) InFull() string {
	if e.Setting == "" {
		return e.Error()
	}
	return e.Error() + "; whoever runs Baton can allow it with the setting " + e.Setting
}

// Check says whether a URL can be used, as far as can be told without resolving its name.
func (g *Guard) Check(raw string) error {
	_, err := g.parse(raw)
	return err
}

func (g *Guard) parse(raw string) (*url.URL, error) {
	if len(raw) > 2048 {
		return nil, &Refused{"the address", "is longer than 2048 characters", ""}
	}
	u, err := url.Parse(raw)
	if err != nil || u.Opaque != "" {
		// the error of url.Parse repeats the URL, which may hold a secret
		return nil, &Refused{"the address", "is not a URL", ""}
	}
	host := u.Hostname()
	shown := clip(oneLine(host), 100)
	switch {
	case host == "":
		return nil, &Refused{"the address", "names no host", ""}
	case u.Scheme == "http" && !g.plainHTTP:
		return nil, &Refused{shown, "has to be called by https; http is not allowed here", allowHTTP}
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, &Refused{shown, "has to be called by https", ""}
	case u.User != nil:
		return nil, &Refused{shown, "comes with a user name or password in its URL, which is not supported", ""}
	case u.Port() != "" && !validPort(u.Port()) || strings.HasSuffix(u.Host, ":"):
		return nil, &Refused{shown, "has a port that is not between 1 and 65535", ""}
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		if ip.Is4In6() && !g.lists(ip.Unmap()) {
			return nil, &Refused{shown, "is an IPv4 address in an IPv6 form, which is not allowed", allowInside}
		}
		if why := g.judge(ip, false); why == insideMetadata {
			return nil, &Refused{shown, why, ""} // it can be, and nobody should be told to
		} else if why != "" {
			return nil, &Refused{shown, why, allowInside}
		}
		return u, nil
	}
	name, err := hostName(host)
	if err != nil {
		return nil, &Refused{shown, "is not a name of a host, nor an address in its usual form", ""}
	}
	if local := name == "localhost" || strings.HasSuffix(name, ".localhost"); local && !g.names(name) {
		return nil, &Refused{shown, "is this very machine, which is not allowed", allowInside}
	}
	return u, nil
}

func validPort(s string) bool {
	n, err := strconv.Atoi(s)
	return err == nil && n >= 1 && n <= 65535 && strconv.Itoa(n) == s
}

// hostName returns the normal form of a name: lower case, ASCII, without the dot at its end. A name whose last
// label is a number is none: browsers and C libraries read such texts (127.1, 0x7f000001, 0177.0.0.1) as
// addresses, Go does not, and nothing good comes of the difference.
func hostName(s string) (string, error) {
	name := strings.TrimSuffix(s, ".")
	if strings.ContainsFunc(name, func(r rune) bool { return r >= 0x80 }) { // IDNA refuses the _ that some hosts have
		var err error
		if name, err = idna.Lookup.ToASCII(name); err != nil {
			return "", err
		}
	}
	name = strings.ToLower(name)
	last := name[strings.LastIndexByte(name, '.')+1:]
	if name == "" || len(name) > 253 || numeric(last) {
		return "", errors.New("not a name")
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return "", errors.New("not a name")
		}
	}
	return name, nil
}

// numeric reports whether a label could be read as a number: digits, or 0x and hexadecimal digits.
func numeric(s string) bool {
	if hex, ok := strings.CutPrefix(s, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return s != "" && strings.Trim(s, "0123456789") == ""
}

func prefixes(list ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

var (
	// inside4 are the IPv4 networks that are not globally reachable, from IANA's registry of special-purpose
	// addresses, with multicast and the reserved end.
	inside4 = prefixes("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
		"192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4")
	// global6 is the only part of IPv6 that is handed out; inside6 are the parts of it that are not global:
	// protocol assignments with Teredo and ORCHID, documentation, 6to4.
	global6 = netip.MustParsePrefix("2000::/3")
	inside6 = prefixes("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
	// carriers are IPv6 networks whose addresses hold an IPv4 address, from the given byte on.
	carriers = []struct {
		network netip.Prefix
		at      int
	}{
		{netip.MustParsePrefix("64:ff9b::/96"), 12},
		{netip.MustParsePrefix("64:ff9b:1::/48"), 12},
		{netip.MustParsePrefix("2002::/16"), 2},
		{netip.MustParsePrefix("::/96"), 12},
	}
	// metadata are the services that hand out a machine's credentials: AWS, GCP, Azure and others; AWS on
	// IPv6; Alibaba; Azure's wire server, which has a public address; Oracle.
	metadata = []netip.Addr{
		netip.MustParseAddr("169.254.169.254"), netip.MustParseAddr("fd00:ec2::254"), netip.MustParseAddr("100.100.100.200"),
		netip.MustParseAddr("168.63.129.16"), netip.MustParseAddr("192.0.0.192"), netip.MustParseAddr("169.254.170.2"),
	}
)

const insideMetadata = "leads to the metadata service of a cloud, which is not allowed"

// judge returns why an address is refused, in words that follow the name of the host, or "".
func (g *Guard) judge(ip netip.Addr, named bool) string {
	ip = ip.Unmap().WithZone("")
	if slices.Contains(metadata, ip) {
		if slices.Contains(g.networks, netip.PrefixFrom(ip, ip.BitLen())) {
			return ""
		}
		return insideMetadata
	}
	listed := named || g.lists(ip)
	for _, c := range carriers {
		if c.network.Contains(ip) && ip != netip.IPv6Loopback() && ip != netip.IPv6Unspecified() {
			if !listed {
				return "leads to an IPv4 address in an IPv6 form, which is not allowed"
			}
			b := ip.As16()
			inner := netip.AddrFrom4([4]byte(b[c.at : c.at+4]))
			return g.judge(inner, named)
		}
	}
	if listed || !inside(ip) {
		return ""
	}
	return "leads to an address inside the network, which is not allowed"
}

// inside reports whether an address is not one of the public internet.
func inside(ip netip.Addr) bool {
	in := func(p netip.Prefix) bool { return p.Contains(ip) }
	if ip.Is4() {
		return slices.ContainsFunc(inside4, in)
	}
	return !global6.Contains(ip) || slices.ContainsFunc(inside6, in)
}

// lists reports whether an address is in one of the allowed networks.
func (g *Guard) lists(ip netip.Addr) bool {
	return slices.ContainsFunc(g.networks, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// names reports whether a host is allowed by name.
func (g *Guard) names(host string) bool {
	_, found := slices.BinarySearch(g.hosts, host)
	return found
}

// dial is for http.Transport: it connects to host:port if the address that the name resolves to may be called.
// Of several addresses, those that may not be are skipped.
func (g *Guard) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	name, err := hostName(host)
	named := err == nil && g.names(name)
	d := net.Dialer{
		Timeout:  10 * time.Second,
		Resolver: g.resolver,
		ControlContext: func(_ context.Context, network, dialled string, _ syscall.RawConn) error {
			if why := g.judgeDialled(network, dialled, named); why != "" {
				return &Refused{clip(oneLine(host), 100), why, allowInside}
			}
			return nil
		},
	}
	return d.DialContext(ctx, network, address)
}

func (g *Guard) judgeDialled(network, address string, named bool) string {
	to, err := netip.ParseAddrPort(address)
	if err != nil || network != "tcp4" && network != "tcp6" {
		return "leads to something that is not an internet address"
	}
	return g.judge(to.Addr(), named)
}
