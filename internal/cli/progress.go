package cli

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// bar draws how far something has come, on a terminal only, and only once it has taken a second.
type bar struct {
	out     io.Writer
	clock   func() time.Time
	began   time.Time
	drawn   time.Time
	label   string
	visible bool
	on      bool
}

func newBar(r *run, label string) *bar {
	return &bar{out: r.Err, clock: r.Clock, began: r.Clock(), label: label, on: r.Terminal}
}

// to draws the bar at done of total; total 0 is not known.
func (b *bar) to(done, total int64, what string) {
	if !b.on {
		return
	}
	now := b.clock()
	if now.Sub(b.began) < time.Second || now.Sub(b.drawn) < 100*time.Millisecond {
		return
	}
	b.drawn, b.visible = now, true
	const width = 28
	if total <= 0 {
		fmt.Fprintf(b.out, "\r\033[K%s  %s", b.label, what)
		return
	}
	full := int(min(done, total) * width / total)
	left := ""
	if done > 0 && done < total {
		rest := time.Duration(float64(now.Sub(b.began)) * float64(total-done) / float64(done))
		left = ", " + rest.Round(time.Second).String() + " left"
	}
	fmt.Fprintf(b.out, "\r\033[K%s  %s%s  %3d %%  %s%s", b.label, strings.Repeat("█", full), strings.Repeat("░", width-full), min(100, done*100/total), what, left)
}

// done clears the bar.
func (b *bar) done() {
	if b.visible {
		fmt.Fprint(b.out, "\r\033[K")
		b.visible = false
	}
}
