package imports

import (
	"testing"
	"time"

	"baton/internal/agreement"
	"baton/internal/calendar"
)

func TestNumbers(t *testing.T) {
	for _, c := range []struct {
		in    string
		style decimal
		want  float64
		ok    bool
	}{
		{"1200.50", decimalPlain, 1200.5, true},
		{"-3", decimalPlain, -3, true},
		{"+3", decimalPlain, 3, true},
		{"1e3", decimalPlain, 1000, true},
		{"1,200", decimalPlain, 0, false}, // 1200 or 1.2
		{"1 200", decimalPlain, 0, false},
		{"", decimalPlain, 0, false},
		{".", decimalPlain, 0, false},
		{"NaN", decimalPlain, 0, false},
		{"Inf", decimalPlain, 0, false},
		{"1e999", decimalPlain, 0, false},
		{"0x10", decimalPlain, 0, false},
		{"1_000", decimalPlain, 0, false},
		{"12 %", decimalPlain, 0, false},
		{"1,200.50", decimalPoint, 1200.5, true},
		{"1'200.50", decimalPoint, 1200.5, true},
		{"1 200 000", decimalPoint, 1200000, true},
		{"1200.5", decimalPoint, 1200.5, true},
		{"1,20", decimalPoint, 0, false},
		{"12,00,000", decimalPoint, 0, false},
		{",200", decimalPoint, 0, false},
		{"1.200,50", decimalPoint, 0, false},
		{"1 200,50", decimalComma, 1200.5, true},
		{"1.200,50", decimalComma, 1200.5, true},
		{"1\u00a0200,50", decimalComma, 1200.5, true},
		{"1\u202f200,50", decimalComma, 1200.5, true},
		{"1200,5", decimalComma, 1200.5, true},
		{"-1.200", decimalComma, -1200, true},
		{"1.20", decimalComma, 0, false},
		{"1 200.500,5", decimalComma, 0, false}, // two kinds of separator
		{"1,", decimalComma, 0, false},
	} {
		got, why := readNumber(c.in, c.style)
		if (why == "") != c.ok || c.ok && got != c.want {
			t.Errorf("readNumber(%q, %d) = %v, %q, want %v, %v", c.in, c.style, got, why, c.want, c.ok)
		}
	}
}

func TestBooleans(t *testing.T) {
	for in, want := range map[string]bool{"yes": true, "TRUE": true, "1": true, "Ja": true, "x": true, "no": false, "False": false, "0": false, "nein": false, "Não": false} {
		if got, ok := readBoolean(in); !ok || got != want {
			t.Errorf("readBoolean(%q) = %v, %v", in, got, ok)
		}
	}
	for _, in := range []string{"", "2", "perhaps", "yes and no", "null"} {
		if got, ok := readBoolean(in); ok {
			t.Errorf("readBoolean(%q) = %v", in, got)
		}
	}
}

func TestLayouts(t *testing.T) {
	stockholm, err := calendar.LoadZone("Europe/Stockholm")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		layout, in, want string // "" for none
		zone             *time.Location
	}{
		{"DD/MM/YYYY", "01/02/2026", "2026-02-01T00:00:00Z", time.UTC},
		{"02/01/2006", "01/02/2026", "2026-02-01T00:00:00Z", time.UTC},
		{"2006-01-02 15:04:05", "2026-02-01 10:11:12", "2026-02-01T10:11:12Z", time.UTC},
		{"DD/MM/YYYY", "1/2/2026", "", time.UTC},
		{"D/M/YYYY", "1/2/2026", "2026-02-01T00:00:00Z", time.UTC},
		{"D/M/YYYY", "31/12/2026", "2026-12-31T00:00:00Z", time.UTC},
		{"DD/MM/YYYY", "29/02/2024", "2024-02-29T00:00:00Z", time.UTC},
		{"DD/MM/YYYY", "29/02/2026", "", time.UTC},
		{"DD/MM/YYYY", "01/13/2026", "", time.UTC},
		{"DD/MM/YYYY", "01/02/2026 10:00", "", time.UTC},
		{"DD/MM/YYYY", "01/02/0026", "", time.UTC},
		{"DD/MM/YY", "01/02/26", "2026-02-01T00:00:00Z", time.UTC},
		{"DD/MM/YY", "01/02/70", "1970-02-01T00:00:00Z", time.UTC},
		{"DD MMM YYYY", "01 feb 2026", "2026-02-01T00:00:00Z", time.UTC},
		{"MMMM D, YYYY", "February 1, 2026", "2026-02-01T00:00:00Z", time.UTC},
		{"MMM D, YYYY", "Mai 1, 2026", "", time.UTC},
		{"DD.MM.YYYY HH:mm", "01.07.2026 10:00", "2026-07-01T08:00:00Z", stockholm},
		{"DD.MM.YYYY HH:mm", "01.01.2026 10:00", "2026-01-01T09:00:00Z", stockholm},
		{"DD.MM.YYYY", "01.07.2026", "2026-06-30T22:00:00Z", stockholm},
		{"MM/DD/YYYY hh:mm A", "02/01/2026 12:05 AM", "2026-02-01T00:05:00Z", time.UTC},
		{"MM/DD/YYYY hh:mm A", "02/01/2026 12:05 pm", "2026-02-01T12:05:00Z", time.UTC},
		{"MM/DD/YYYY h:mm A", "02/01/2026 1:05 PM", "2026-02-01T13:05:00Z", time.UTC},
		{"MM/DD/YYYY hh:mm A", "02/01/2026 13:05 PM", "", time.UTC},
		{"YYYY-MM-DD HH:mm:ss.SSS", "2026-02-01 10:11:12.5", "2026-02-01T10:11:12.5Z", time.UTC},
		{"YYYY-MM-DD HH:mm:ss Z", "2026-02-01 10:11:12 +0200", "2026-02-01T08:11:12Z", stockholm},
		{"YYYY-MM-DD HH:mm", "2026-02-01 24:00", "", time.UTC},
		{"iso", "2026-02-01", "2026-02-01T00:00:00Z", time.UTC},
		{"iso", "2026-02-01T10:11", "2026-02-01T10:11:00Z", time.UTC},
		{"iso", "2026-02-01 10:11:12.123456789", "2026-02-01T10:11:12.123456Z", time.UTC},
		{"iso", "2026-02-01T10:11:12+01:00", "2026-02-01T09:11:12Z", time.UTC},
		{"iso", "2026-02-01T10:11:12-05", "2026-02-01T15:11:12Z", time.UTC},
		{"iso", "2026-02-01T10:11:12 UTC", "", time.UTC},
		{"iso", "2026-02-01T10", "", time.UTC},
		{"iso", "20260201", "", time.UTC},
		{"iso", "01-May", "", time.UTC},
		{"unix", "1769904000", "2026-02-01T00:00:00Z", stockholm},
		{"unix ms", "1769904000123", "2026-02-01T00:00:00.123Z", stockholm},
		{"unix", "1769904000123", "", time.UTC},
		{"unix", "-1", "", time.UTC},
		{"excel", "46054", "2026-02-01T00:00:00Z", time.UTC},
		{"excel", "46054.5", "2026-02-01T11:00:00Z", stockholm},
		{"excel 1904", "44592", "2026-02-01T00:00:00Z", time.UTC},
		{"excel", "NaN", "", time.UTC},
		{"excel", "0", "", time.UTC}, // 1899
	} {
		l, err := parseLayout(c.layout)
		if err != nil {
			t.Errorf("%s: %v", c.layout, err)
			continue
		}
		got := ""
		if at, ok := l.read(c.in, c.zone); ok {
			got = time.UnixMicro(at).UTC().Format(time.RFC3339Nano)
		}
		if got != c.want {
			t.Errorf("%s: %q is %q, want %q", c.layout, c.in, got, c.want)
		}
	}
	for _, text := range []string{"", "DD/MM", "YYYY", "dd/mm/yyyy", "DD/MM/YYYY hh:mm", "DD/MM/YYYY HH:mm A", "YYYY YY MM DD", "YYYY-MM-DD 9", "tomorrow"} {
		if _, err := parseLayout(text); err == nil {
			t.Errorf("the layout %q is taken", text)
		}
	}
}

func TestLooksMangled(t *testing.T) {
	for _, s := range []string{"01-May", "May-20", "1-Jan", "5-Dec", "Dec-99", "1.Jan"} {
		if !looksMangled(s) {
			t.Errorf("%q does not look mangled", s)
		}
	}
	for _, s := range []string{"", "1-5", "2026-05-01", "May", "maybe", "01-Mai", "Mayor-1"} {
		if looksMangled(s) {
			t.Errorf("%q looks mangled", s)
		}
	}
}

// TestTwoReadings has several layouts: one that fits, two that agree, two that do not.
func TestTwoReadings(t *testing.T) {
	c := &cell{kind: agreement.Date, zone: time.UTC, layouts: []layout{must("DD/MM/YYYY"), must("MM/DD/YYYY")}}
	for _, x := range []struct {
		in string
		ok bool
	}{{"13/02/2026", true}, {"02/13/2026", true}, {"02/02/2026", true}, {"03/04/2026", false}, {"13/13/2026", false}} {
		if _, why := c.read(x.in); (why == "") != x.ok {
			t.Errorf("%s: %q", x.in, why)
		}
	}
}
