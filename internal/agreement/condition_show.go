package agreement

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"baton/internal/calendar"
)

const condNotKnown = "not known"

// condName is what Saw calls a value: as the agreement wrote it.
func condName(n *condNode) string {
	if n.window > 0 {
		name := "did"
		if n.op == condCount {
			name = "count"
		}
		return fmt.Sprintf("%s(%q, %q)", name, n.text, n.fold)
	}
	return condKey(n)
}

// show returns how to put a value into words.
func (c *condCompiler) show(n *condNode) func(*Facts) string {
	zone := c.zone
	switch n.op {
	case condDid:
		eval, _ := condCompileDid(n)
		slot := n.slot
		return func(f *Facts) string {
			switch eval(f) {
			case True:
				return "yes, " + condMoment(condMemory(f, slot).Last, zone)
			case False:
				return "no"
			}
			return condNotKnown
		}
	case condBuyer:
		buyer := c.p.Buyers[n.slot].When
		return func(f *Facts) string { return condTruthText(buyer.eval(f)) }
	case condStage, condBuyingStage:
		names, buying := n.domain.names, n.op == condBuyingStage
		return func(f *Facts) string {
			slot := f.Stage
			if buying {
				slot = f.BuyingStage
			}
			if uint(slot) >= uint(len(names)) {
				return condNotKnown
			}
			return names[slot]
		}
	case condOwner:
		return func(f *Facts) string { return condOrNotKnown(f.Owner) }
	case condAccountOwner:
		return func(f *Facts) string { return condOrNotKnown(f.AccountOwner) }
	case condValue:
		if n.kind == Text {
			place, slot := n.place, n.slot
			return func(f *Facts) string {
				values := [...][]Value{condLead: f.Lead, condCompany: f.Company, condAnswer: f.Answers, condProperty: f.Properties}[place]
				if _, ok := condTextAt(values, slot); !ok {
					return condNotKnown
				}
				return values[slot].Str
			}
		}
	}
	switch n.kind {
	case Boolean:
		eval, _ := c.compile(n)
		return func(f *Facts) string { return condTruthText(eval(f)) }
	case Text, condKindGrade:
		text := c.textOf(n)
		return func(f *Facts) string {
			if s, ok := text(f); ok {
				return s
			}
			return condNotKnown
		}
	}
	number, kind, points := c.numberOf(n), n.kind, n.unit == Point
	return func(f *Facts) string {
		x, ok := number(f)
		switch {
		case !ok:
			return condNotKnown
		case kind == Date:
			return condDay(condInt(x), zone)
		case kind == Duration:
			return condElapsedText(condInt(x))
		case points:
			return condPoints(x)
		}
		return strconv.FormatFloat(x, 'f', -1, 64)
	}
}

func condOrNotKnown(s string) string {
	if s == "" {
		return condNotKnown
	}
	return s
}

func condTruthText(t Truth) string {
	return [...]string{False: "no", Unknown: condNotKnown, True: "yes"}[t]
}

func condMoment(at int64, zone *time.Location) string {
	return time.UnixMicro(at).In(zone).Format("2006-01-02 15:04")
}

func condDay(at int64, zone *time.Location) string {
	return time.UnixMicro(at).In(zone).Format(time.DateOnly)
}

// condPoints writes points with one decimal at most, cut and not rounded, so that
// 59.96 does not read as 60 where 60 was asked for.
func condPoints(x float64) string {
	tenths := int64(math.Round(x*Point)) / (Point / 10)
	s := strconv.FormatInt(tenths/10, 10)
	if tenths%10 == 0 {
		return s
	}
	if tenths < 0 && tenths > -10 {
		s = "-0"
	}
	return s + "." + strconv.FormatInt(abs(tenths%10), 10)
}

// condDurationText writes a duration of the agreement.
func condDurationText(d int64) string {
	return calendar.Duration{Amount: d, Unit: calendar.Wall}.String()
}

// condElapsedText writes a measured duration in its two largest units.
func condElapsedText(d int64) string {
	if d < 0 {
		return "-" + condElapsedText(condInt(-float64(d)))
	}
	units := []struct {
		name string
		size int64
	}{{"day", 86_400_000_000}, {"hour", 3_600_000_000}, {"minute", 60_000_000}, {"second", 1_000_000}}
	for i, u := range units {
		if d < u.size && i < len(units)-1 {
			continue
		}
		parts := []string{condCounted(d/u.size, u.name)}
		if i+1 < len(units) {
			if rest := d % u.size / units[i+1].size; rest > 0 {
				parts = append(parts, condCounted(rest, units[i+1].name))
			}
		}
		return strings.Join(parts, " ")
	}
	return ""
}

func condCounted(n int64, unit string) string {
	s := strconv.FormatInt(n, 10) + " " + unit
	if n != 1 {
		s += "s"
	}
	return s
}
