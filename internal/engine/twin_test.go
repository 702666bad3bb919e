package engine

import (
	"testing"

	"baton/internal/lifecycle"
	"baton/internal/store"
)

// Different keys may have one number: each is told from the others.
func TestTwinsOfOneNumber(t *testing.T) {
	const number = 7
	o := newOverlay()
	keys := []string{"a", "b", "c"}
	for i, key := range keys {
		o.took(number, store.Twin{Input: int64(i + 1), Source: "form", Key: key})
	}
	for i, key := range keys {
		if got, ok := o.twin(number, &lifecycle.Input{Source: "form", Key: key}); !ok || got.Input != int64(i+1) {
			t.Errorf("%s: %v, %v; want input %d", key, got, ok, i+1)
		}
	}
	for _, in := range []lifecycle.Input{{Source: "form", Key: "d"}, {Source: "letter", Key: "a"}} {
		if got, ok := o.twin(number, &in); ok {
			t.Errorf("%+v repeats %v, though nothing like it came", in, got)
		}
	}
	if got, ok := o.emptied().twin(number, &lifecycle.Input{Source: "form", Key: "b"}); ok {
		t.Errorf("%v is there after all was forgotten", got)
	}
}
