package api

import (
	"fmt"
	"strings"
	"testing"

	"baton/internal/store"
)

// Who sent something that may have been stored is not told that nothing of it was.
func TestProblemOfALostConnection(t *testing.T) {
	p := new(API).problem(fmt.Errorf("writing database x: %w", store.ErrUnsure))
	if p.status != 503 || p.retry == 0 || !strings.Contains(p.detail, "may or may not") || strings.Contains(p.detail, "nothing of it") {
		t.Errorf("%+v", p)
	}
}
