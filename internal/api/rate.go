package api

import (
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"baton/internal/store"
)

// Rate is how much a sender may send: Each so many a second, and as many as Burst at once.
// The zero Rate is no limit.
type Rate struct {
	Each  float64
	Burst int
}

// UnmarshalText reads "100/s", "6000/m", "100/s burst 5000" or "off".
func (r *Rate) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	*r = Rate{}
	if s == "off" || s == "" {
		return nil
	}
	wrong := fmt.Errorf("%q is no rate: write so many a second, minute or hour, as 100/s, 6000/m or 100/s burst 5000, or off", s)
	s, burst, hasBurst := strings.Cut(s, " burst ")
	number, unit, _ := strings.Cut(s, "/")
	n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	per, ok := map[string]float64{"s": 1, "m": 60, "h": 3600}[strings.TrimSpace(unit)]
	if err != nil || !ok || !(n > 0) || n > 1e9 {
		return wrong
	}
	r.Each = n / per
	r.Burst = min(max(mostEvents, int(math.Ceil(10*r.Each))), 1e9)
	if hasBurst {
		if r.Burst, err = strconv.Atoi(strings.TrimSpace(burst)); err != nil || r.Burst < 1 || r.Burst > 1e9 {
			return wrong
		}
	}
	return nil
}

// String is what UnmarshalText reads.
func (r Rate) String() string {
	if r.Each <= 0 {
		return "off"
	}
	return fmt.Sprintf("%s/s burst %d", strconv.FormatFloat(r.Each, 'g', -1, 64), r.Burst)
}

// Rates are the limits of an API. Without a burst of its own a rate lets ten seconds' worth through at
// once, and a full batch in any case.
type Rates struct {
	Key  Rate            // events and other requests of each key, but for those in Keys
	Keys map[string]Rate // by name of the key
	// Tries are requests of one client address whose key is missing or not known. Those who guess
	// keys are slowed down; a key that was let in lately is let in whatever the others at its
	// address do, since many senders may share one.
	Tries Rate
	// Proxies are the addresses whose X-Forwarded-For is believed.
	Proxies []netip.Prefix
}

// The bounds of the tables of limits. What does not fit shares one limit.
const (
	namesLimited     = 10_000
	addressesLimited = 10_000
)

// limits is a table of limits, one for each key or address.
type limits[K comparable] struct {
	most   int
	lock   sync.Mutex
	known  map[K]*rate.Limiter
	others *rate.Limiter
}

// of returns the limit of a key. It is called with the lock held.
func (l *limits[K]) of(k K, r Rate, now time.Time) *rate.Limiter {
	if one := l.known[k]; one != nil {
		return one
	}
	if len(l.known) >= l.most {
		// Who has been quiet for long enough is as good as new.
		for k, one := range l.known {
			if one.TokensAt(now) >= float64(one.Burst()) {
				delete(l.known, k)
			}
		}
	}
	if len(l.known) >= l.most {
		if l.others == nil {
			l.others = rate.NewLimiter(rate.Limit(r.Each), r.Burst)
		}
		return l.others
	}
	if l.known == nil {
		l.known = map[K]*rate.Limiter{}
	}
	one := rate.NewLimiter(rate.Limit(r.Each), r.Burst)
	l.known[k] = one
	return one
}

// take takes n from the limit of k and returns 0, or takes nothing and returns the whole seconds after
// which n may be had. What is more than the burst is had when the burst is, and paid for afterwards.
func (l *limits[K]) take(k K, r Rate, n int, now time.Time) int {
	if r.Each <= 0 || n <= 0 {
		return 0
	}
	l.lock.Lock()
	defer l.lock.Unlock()
	one := l.of(k, r, now)
	if missing := float64(min(n, one.Burst())) - one.TokensAt(now); missing > 1e-6 {
		return int(min(3600, max(1, math.Ceil(missing/r.Each-1e-6))))
	}
	for ; n > 0; n -= one.Burst() {
		one.ReserveN(now, min(n, one.Burst()))
	}
	return 0
}

// limiter is the limits of an API.
type limiter struct {
	Rates
	keys    limits[string]
	clients limits[netip.Prefix]
	// Limited is told of each request that was refused for a limit: "rate" or "tries".
	limited func(which string)
}

func newLimiter(r Rates, limited func(string)) *limiter {
	if limited == nil {
		limited = func(string) {}
	}
	return &limiter{Rates: r, keys: limits[string]{most: namesLimited}, clients: limits[netip.Prefix]{most: addressesLimited}, limited: limited}
}

// allow takes n events, or n requests, from the limit of a key.
func (l *limiter) allow(name string, n int, now time.Time) error {
	r, ok := l.Keys[name]
	if !ok {
		r = l.Key
	}
	wait := l.keys.take(name, r, n, now)
	if wait == 0 {
		return nil
	}
	l.limited("rate")
	return &problem{status: http.StatusTooManyRequests, retry: wait,
		detail: fmt.Sprintf("this key may send %s events a second on average, and has sent more; send this again later", strconv.FormatFloat(r.Each, 'g', 6, 64))}
}

// tries returns an error when a client has tried too many keys that are none. It takes nothing.
func (l *limiter) tries(client netip.Prefix, now time.Time) error {
	r := l.Tries
	if r.Each <= 0 {
		return nil
	}
	l.clients.lock.Lock()
	one := l.clients.known[client]
	if one == nil && len(l.clients.known) >= l.clients.most {
		one = l.clients.others
	}
	have := 1.0
	if one != nil {
		have = one.TokensAt(now)
	}
	l.clients.lock.Unlock()
	if have >= 1 {
		return nil
	}
	l.limited("tries")
	return &problem{status: http.StatusTooManyRequests, retry: int(min(3600, max(1, math.Ceil((1-have)/r.Each)))),
		detail: "too many requests without a key that is known came from this address; try again later"}
}

// failed notes that a client gave no key, or one that is none.
func (l *limiter) failed(client netip.Prefix, now time.Time) { l.clients.take(client, l.Tries, 1, now) }

// Client returns the network address that a request came from, as limits count it.
func (a *API) Client(r *http.Request) netip.Prefix { return a.rates.client(r) }

// client returns the address a request came from: of a proxy that is believed, what it says.
// The addresses that one subscriber has (IPv6: /64) are one.
func (l *limiter) client(r *http.Request) netip.Prefix {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	at, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Prefix{}
	}
	if len(l.Proxies) > 0 && l.believed(at) {
		hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		for i := len(hops) - 1; i >= 0 && l.believed(at); i-- {
			next, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
			if err != nil {
				break
			}
			at = next
		}
	}
	at = at.Unmap().WithZone("")
	bits := 32
	if at.Is6() {
		bits = 64
	}
	p, _ := at.Prefix(bits)
	return p
}

func (l *limiter) believed(at netip.Addr) bool {
	at = at.Unmap().WithZone("")
	for _, p := range l.Proxies {
		if p.Contains(at) {
			return true
		}
	}
	return false
}

// admit finds the key of a request and has those who guess wait. Everything that asks for a key does so here.
func (a *API) admit(r *http.Request, secret, scope string, now int64) (store.APIKey, error) {
	at := time.UnixMicro(now)
	client := netip.Prefix{}
	if a.rates.Tries.Each > 0 && !a.keys.remembers(secret) {
		client = a.rates.client(r)
		if err := a.rates.tries(client, at); err != nil {
			return store.APIKey{}, err
		}
	}
	key, err := a.keys.admit(r.Context(), secret, scope, now)
	if errors.Is(err, errNoKey) || errors.Is(err, errBadKey) {
		if client == (netip.Prefix{}) {
			client = a.rates.client(r)
		}
		a.rates.failed(client, at)
	}
	return key, err
}
