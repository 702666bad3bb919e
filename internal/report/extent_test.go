package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
)

// The widths at 12 pixels that a browser measures with DejaVu Sans and its bold.
func TestExtent(t *testing.T) {
	for _, c := range []struct {
		style int
		s     string
		want  float64
	}{
		{quiet, "2,052 entered · 1,515 there", 152.4},
		{inked, "handoffs.mql_to_sales.accept_within", 219.6},
		{strong, "87.9 %", 45.8},
		{strong, "What goes with winning, by source", 237.7},
		{quiet, "Dot: the median, half take no longer. Line: to the 90th percentile (p90), nine in ten take no longer.", 540.5},
		{inked, "arrival → opportunity", 125.7},
		{inked, "Återförsäljare i Malmö", 132.4},
		{strong, "amina.gharbi@northwind.example", 233.0},
	} {
		got := extent(c.style, c.s)
		if got < c.want || got > c.want*1.12 {
			t.Errorf("%q: %.1f, measured %.1f", c.s, got, c.want)
		}
	}
}

// label is a text of a picture and the room it takes at most.
type label struct {
	s                   string
	left, right, y, top float64
}

func labels(t testing.TB, svg []byte) (list []label) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(svg))
	var in *label
	var anchor string
	var styles []int
	for {
		tok, err := d.Token()
		if err == io.EOF {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		switch e := tok.(type) {
		case xml.StartElement:
			a := map[string]string{}
			for _, attr := range e.Attr {
				a[attr.Name.Local] = attr.Value
			}
			number := func(name string) float64 { v, _ := strconv.ParseFloat(a[name], 64); return v }
			if e.Name.Local != "text" && e.Name.Local != "tspan" {
				continue
			}
			style := inked
			switch {
			case a["font-weight"] == "600":
				style = strong
			case a["font-size"] == "11":
				style = quiet
			}
			styles = append(styles, style)
			if e.Name.Local == "text" {
				in, anchor = &label{left: number("x"), y: number("y"), top: number("y") - number("font-size")}, a["text-anchor"]
				in.right = in.left
			} else {
				in.right += number("dx")
			}
		case xml.CharData:
			if in != nil {
				in.s += string(e)
				in.right += extent(styles[len(styles)-1], string(e))
			}
		case xml.EndElement:
			if in == nil || e.Name.Local != "text" && e.Name.Local != "tspan" {
				continue
			}
			styles = styles[:len(styles)-1]
			if e.Name.Local == "text" {
				shift := map[string]float64{"end": 1, "middle": 0.5}[anchor] * (in.right - in.left)
				in.left, in.right = in.left-shift, in.right-shift
				list = append(list, *in)
				in = nil
			}
		}
	}
}

// No text of a picture is cut at its edge or lies on another, whatever the names and figures.
func TestLabelsHaveRoom(t *testing.T) {
	tables := map[string]*Table{}
	h, d := small(t), deadlined(t)
	for _, by := range []string{"", "source", "month", "owner"} {
		for house, h := range map[string]*house{"small": h, "deadlined": d} {
			for name, table := range reports(t, h, Query{By: by, Now: monday + 60*day}) {
				tables[name+" by "+by+" of "+house] = table
			}
		}
	}
	for n, times := range map[string]int64{"few": 1, "many": 1_000, "very many": 1_000_000} {
		for w, name := range map[string]string{"short": "a", "long": "Sales accepted lead of the northern region", "wide": "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW", "foreign": "営業が受け入れた北の地域の見込み客の一覧表です"} {
			for kind, table := range stressed(name, times) {
				tables[kind+" of "+n+", "+w+" names"] = table
			}
		}
	}
	for name, table := range tables {
		for _, svg := range [][]byte{table.SVG(), table.Inline()} {
			list := labels(t, svg)
			if len(list) == 0 {
				t.Errorf("%s: no text", name)
			}
			for i, a := range list {
				if a.left < edge-1 || a.right > chartWidth-edge+1 {
					t.Errorf("%s: %q goes from %.0f to %.0f", name, a.s, a.left, a.right)
				}
				for _, b := range list[:i] {
					if a.left < b.right && b.left < a.right && a.top < b.y && b.top < a.y {
						t.Errorf("%s: %q lies on %q", name, a.s, b.s)
					}
				}
			}
		}
	}
}

// stressed are reports with a name in every place and figures of a size.
func stressed(name string, times int64) map[string]*Table {
	n := func(v int64) Cell { return count(v * times) }
	long := strings.TrimSpace(strings.Repeat("Half of them came later than they had been expected to. ", 6))
	titled := func(t *Table, names ...string) *Table {
		t.Title, t.Finding = "A report", long
		for _, c := range names {
			t.Columns = append(t.Columns, Column{Name: c, Title: title(c)})
		}
		return t
	}
	all := map[string]*Table{}

	funnel := titled(&Table{Name: "funnel"}, "stage", "side", "entered", "now", "of_before", "of_all")
	groups := titled(&Table{Name: "funnel", grouped: true}, "source", "stage", "side", "entered", "now", "of_before", "of_all", "cohort")
	for i, share := range []float64{1, 0.9996, 0.995, 0.5, 0} {
		before := ratio(share)
		if i == 0 || i == 4 {
			before = Cell{}
		}
		funnel.Rows = append(funnel.Rows, []Cell{text(name), text("sales"), n(2052), n(1515), before, ratio(share)})
		groups.Rows = append(groups.Rows, []Cell{text(fmt.Sprint(name, i)), text(name), text("sales"), n(648), n(515), before, ratio(share), text(string(Maturing))})
	}
	all["funnel"], all["groups"] = funnel, groups

	velocity := titled(&Table{Name: "velocity"}, "from", "to", "n", "median_days", "p90_days")
	response := titled(&Table{Name: "response", grouped: true}, "source", "step", "done", "median_working_hours", "p90_working_hours")
	for i := range int64(4) {
		velocity.Rows = append(velocity.Rows, []Cell{text("arrival"), text(name), n(145), duration(i * 29 * day / 10 * min(times, 1000)), duration(i * 119 * day / 10 * min(times, 1000))})
		response.Rows = append(response.Rows, []Cell{text(fmt.Sprint(name, i/2)), text(name), n(145), duration(i * 29 * hour / 10), duration(i * 119 * hour / 10)})
	}
	all["velocity"], all["response"] = velocity, response

	lift := titled(&Table{Name: "lift", Base: 0.0123}, "source", "leads", "rate", "low", "high", "lift", "verdict", "caution")
	for i, rank := range []int{0, 0, 0, 1, 1, 0, 0, 2} { // as Lift has them
		lift.Columns[i].Rank = rank
	}
	for _, rate := range []float64{0.00001, 0.01, 0.9999} {
		lift.Rows = append(lift.Rows, []Cell{text(name), n(1022), ratio(rate), ratio(rate / 2), ratio(min(1, rate*2)), factor(rate / 0.0123), text(string(Above)), text("under 5 expected")},
			[]Cell{text(name), n(1022), ratio(rate), ratio(rate / 2), ratio(min(1, rate*2)), factor(rate / 0.0123), text(string(TooClose)), {}})
	}
	lift.Rows = append(lift.Rows, []Cell{text(name), count(29), {}, {}, {}, {}, text(string(TooFew)), {}})
	all["lift"] = lift

	sla := titled(&Table{Name: "sla"}, "clause", "side", "met", "over", "in_time", "promised")
	slaOf := titled(&Table{Name: "sla", grouped: true}, "owner", "clause", "side", "met", "over", "in_time", "promised")
	for _, in := range []float64{1, 0.9996, 0.871, 0.00001} {
		for _, promised := range []Cell{{}, ratio(0.9), ratio(0.999), ratio(0.001)} {
			row := []Cell{text("handoffs." + name + ".contact_within"), text("sales"), n(514), n(71), ratio(in), promised}
			sla.Rows, slaOf.Rows = append(sla.Rows, row), append(slaOf.Rows, append([]Cell{text(name + strconv.Itoa(len(slaOf.Rows)/2))}, row...))
		}
	}
	sla.Rows = append(sla.Rows, []Cell{text(name), text("sales"), count(0), count(0), {}, {}})
	all["sla"], all["sla of groups"] = sla, slaOf
	return all
}
