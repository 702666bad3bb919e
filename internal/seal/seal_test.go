package seal

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func parse(t testing.TB, text string) *Keys {
	t.Helper()
	k, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestWhatIsSealedOpensThereOnly(t *testing.T) {
	k, other := parse(t, New()), parse(t, New())
	rapid.Check(t, func(t *rapid.T) {
		secret, where := rapid.String().Draw(t, "secret"), rapid.String().Draw(t, "where")
		sealed, err := k.Seal(where, secret)
		if err != nil || !Sealed(sealed) {
			t.Fatalf("%q %v", sealed, err)
		}
		if len(secret) > 4 && strings.Contains(sealed, secret) {
			t.Fatalf("%q shows %q", sealed, secret)
		}
		if again, _ := k.Seal(where, secret); again == sealed {
			t.Fatal("the same twice")
		}
		if got, err := k.Open(where, sealed); err != nil || got != secret {
			t.Fatalf("opened %q %v", got, err)
		}
		if _, err := k.Open(where+" ", sealed); !errors.Is(err, ErrOtherKey) {
			t.Fatalf("opened elsewhere: %v", err)
		}
		if _, err := other.Open(where, sealed); !errors.Is(err, ErrOtherKey) {
			t.Fatalf("opened with another key: %v", err)
		}
		i := rapid.IntRange(0, len(sealed)-1).Draw(t, "at")
		changed := sealed[:i] + string(sealed[i]^1) + sealed[i+1:]
		if got, err := k.Open(where, changed); err == nil && got != secret { // the last bits of base64 may be padding
			t.Fatalf("opened %q, which was changed", changed)
		}
	})
}

func TestANewKeyBesideTheOld(t *testing.T) {
	old, fresh := New(), New()
	sealed, err := parse(t, old).Seal("webhook 1", "whsec_x")
	if err != nil {
		t.Fatal(err)
	}
	both := parse(t, fresh+"\n"+old+"\n")
	if got, err := both.Open("webhook 1", sealed); err != nil || got != "whsec_x" {
		t.Errorf("%q %v", got, err)
	}
	again, err := both.Seal("webhook 1", "whsec_x")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parse(t, fresh).Open("webhook 1", again); err != nil {
		t.Errorf("the first key did not seal: %v", err)
	}
}

func TestNoKey(t *testing.T) {
	none := parse(t, " \n")
	if _, err := none.Seal("a", "b"); !errors.Is(err, ErrNoKey) {
		t.Errorf("sealed without a key: %v", err)
	}
	if _, err := none.Open("a", "b"); !errors.Is(err, ErrNoKey) {
		t.Errorf("opened without a key: %v", err)
	}
	for _, text := range []string{"x", "c2hvcnQ=", New() + "x"} {
		if _, err := Parse(text); err == nil {
			t.Errorf("%q is a key", text)
		} else if len(text) > 8 && strings.Contains(err.Error(), text[:8]) {
			t.Errorf("the error shows the key: %v", err)
		}
	}
	for _, text := range []string{"", "sealed1.", "sealed1.x.y", "plain"} {
		if _, err := parse(t, New()).Open("a", text); !errors.Is(err, ErrOtherKey) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestKeyInAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "baton.db.key")
	made, err := File(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	sealed, err := made.Seal("a", "b")
	if err != nil {
		t.Fatal(err)
	}
	again, err := File(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := again.Open("a", sealed); err != nil || got != "b" {
		t.Errorf("%q %v", got, err)
	}
	list, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(list) != 1 {
		t.Errorf("%d files are left, %v", len(list), err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := File(path); err == nil || !strings.Contains(err.Error(), "baton.db.key") {
		t.Errorf("an empty file: %v", err)
	}
	if _, err := File(filepath.Join(t.TempDir(), "none", "key")); err == nil {
		t.Error("there is no such directory")
	}
}
