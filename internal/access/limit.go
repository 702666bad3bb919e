package access

import (
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// throttle slows down whoever guesses: a limit for each name, an address or an account. A try is taken before it is known
// how it goes, so that many at once are no way around, and given back when it was right.
type throttle struct {
	each  time.Duration // for one more try
	burst int           // tries at once

	lock   sync.Mutex
	known  map[string]*rate.Limiter
	others *rate.Limiter // for those who do not fit
}

// limited is how many names a throttle knows.
const limited = 10_000

// take takes a try, or returns the whole seconds after which there is one.
func (t *throttle) take(name string, now time.Time) (wait int, back func()) {
	t.lock.Lock()
	defer t.lock.Unlock()
	r := t.of(name, now).ReserveN(now, 1)
	if d := r.DelayFrom(now); d > 0 {
		r.CancelAt(now)
		return int(math.Ceil(d.Seconds())), func() {}
	}
	return 0, func() { r.CancelAt(now) }
}

func (t *throttle) of(name string, now time.Time) *rate.Limiter {
	if one := t.known[name]; one != nil {
		return one
	}
	if len(t.known) >= limited {
		for n, one := range t.known {
			if one.TokensAt(now) >= float64(t.burst) { // who has been quiet is as good as new
				delete(t.known, n)
			}
		}
	}
	one := rate.NewLimiter(rate.Every(t.each), t.burst)
	if len(t.known) >= limited {
		if t.others == nil {
			t.others = one
		}
		return t.others
	}
	if t.known == nil {
		t.known = map[string]*rate.Limiter{}
	}
	t.known[name] = one
	return one
}

// limits are those of a Gate. They are in memory: each process has its own, and forgets them when it stops.
type limits struct {
	address throttle // all that is tried from a network address
	pair    throttle // sign-ins of one account from one address
	account throttle // sign-ins of one account from anywhere
	second  throttle // second factors of one account
	mail    throttle // resets of one account
}

func newLimits() *limits {
	return &limits{
		address: throttle{each: 6 * time.Second, burst: 20},
		pair:    throttle{each: time.Minute, burst: 5},
		account: throttle{each: 30 * time.Second, burst: 30},
		second:  throttle{each: 5 * time.Minute, burst: 5},
		mail:    throttle{each: 10 * time.Minute, burst: 2},
	}
}
