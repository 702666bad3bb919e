package web

import "testing"

func TestBringsBack(t *testing.T) {
	for _, test := range []struct {
		n, of   int64
		atLeast float64
		want    int64
	}{{32, 35, .95, 25}, {51, 54, .95, 6}, {0, 1, .5, 1}, {9, 10, .9, 0}, {8, 10, .9, 10}, {19, 20, 1, 0}, {50, 50, .95, 0}} {
		if got := bringsBack(test.n, test.of, test.atLeast); got != test.want {
			t.Errorf("%d of %d, %.0f %% promised: the next %d, not %d", test.n, test.of, 100*test.atLeast, got, test.want)
		}
		if test.want > 0 && float64(test.n+test.want-1)/float64(test.of+test.want-1) >= test.atLeast-1e-9 {
			t.Errorf("%d of %d: one less would do", test.n, test.of)
		}
	}
}
