package access

import (
	"context"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPasswords(t *testing.T) {
	h := newHouse(t)
	rapid.Check(t, func(rt *rapid.T) {
		password := rapid.StringN(1, 40, 200).Draw(rt, "password")
		hash := hashPassword(password, cheap)
		if is, renew, err := h.checkPassword(t.Context(), hash, password); !is || renew || err != nil {
			rt.Fatal(is, renew, err)
		}
		if is, _, err := h.checkPassword(t.Context(), hash, password+"x"); is || err != nil {
			rt.Fatal(is, err)
		}
		if hashPassword(password, cheap) == hash {
			rt.Fatal("the same salt twice")
		}
	})
	// an é typed in two ways; what is nobody's; and a hash that is none of ours
	if is, _, err := h.checkPassword(t.Context(), hashPassword("caf\u00e9 au lait, please", cheap), "cafe\u0301 au lait, please"); !is || err != nil {
		t.Error(is, err)
	}
	for _, password := range []string{"", "x", "\x00", strings.Repeat("x", mostPassword+1)} {
		if is, _, err := h.checkPassword(t.Context(), "", password); is || err != nil {
			t.Errorf("%q is the password of nobody: %v", password, err)
		}
	}
	for _, hash := range []string{"plain", "$argon2i$v=19$m=64,t=1,p=1$AAAA$AAAA", "$argon2id$v=19$m=64,t=0,p=1$AAAA$AAAAAAAAAAAAAAAAAAAAAAAAAA", "$argon2id$v=19$m=64,t=1,p=1$AAAA$", "$argon2id$v=19$m=99999999,t=1,p=1$AAAA$AAAAAAAAAAAAAAAAAAAAAAAAAA"} {
		if is, _, err := h.checkPassword(t.Context(), hash, "x"); is || err == nil {
			t.Errorf("%q is a hash", hash)
		}
	}
}

func TestUsualCost(t *testing.T) {
	hash := hashPassword(right, usualCost)
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=65536,t=3,p=4$") {
		t.Error(hash)
	}
}

func TestFit(t *testing.T) {
	of := []string{"ada.lovelace@northwind.example", "Ada Lovelace"}
	for password, want := range map[string]string{
		right:                        "",
		"correct horse battery":      "",
		"grünes Gemüse":              "",
		"xkcd password is not it":    "",
		"elevenchars":                "at least 12",
		"":                           "at least 12",
		"aaaaaaaaaaaaaaaa":           "guessed soon",
		"121212121212":               "guessed soon",
		"password1234":               "guessed soon",
		"Passwordpassword":           "guessed soon",
		"ADA.LOVELACE1":              "guessed soon",
		"ada lovelace 1":             "guessed soon",
		"ada.lovelace rides a horse": "",
		strings.Repeat("long ", 60):  "too long",
		"twelve\x00letters":          "not text",
		"twelve\xffletters":          "not text",
	} {
		err := fit(password, of...)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", password, err, want)
		}
		if err != nil && len(password) > 0 && strings.Contains(err.Error(), password) {
			t.Errorf("the error shows the password: %v", err)
		}
	}
}

// Passwords become dearer when their owners sign in, and nobody notices.
func TestHashesAreRenewed(t *testing.T) {
	h := newHouse(t)
	b, v := h.user("ada@northwind.example", "rep")
	h.Cost = Cost{Memory: 128, Passes: 1, Threads: 1}
	again := h.browser()
	if _, err := again.signIn("ada@northwind.example", "wrong"); err == nil {
		t.Fatal("let in")
	}
	hash := func() string {
		u, err := h.Store.UserByID(t.Context(), v.ID)
		if err != nil {
			t.Fatal(err)
		}
		return u.Password
	}
	if !strings.Contains(hash(), "m=64,") {
		t.Error("a wrong password renews the hash")
	}
	if _, err := again.signIn("ada@northwind.example", right); err != nil || !strings.Contains(hash(), "m=128,") {
		t.Errorf("%s %v", hash(), err)
	}
	if again.viewer() == nil || b.viewer() == nil {
		t.Error("sessions ended")
	}
	fresh := hash()
	if _, err := again.signIn("ada@northwind.example", right); err != nil || hash() != fresh {
		t.Errorf("renewed again: %v", err)
	}
}

// No more than a few passwords are hashed at a time, and who waits can give up.
func TestHashingTakesTurns(t *testing.T) {
	h := newHouse(t)
	h.user("ada@northwind.example", "rep")
	for range hashing {
		done, err := h.turn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer done()
	}
	_, r := h.browser().request()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.SignIn(nil, r.WithContext(ctx), "ada@northwind.example", right); err == nil || strings.Contains(err.Error(), errWrong.Text) {
		t.Errorf("let in, or told: %v", err)
	}
}

// A hash that the reference program made, from its own tests (phc-winner-argon2, src/test.c).
func TestHashOfTheReference(t *testing.T) {
	h := newHouse(t)
	const hash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	if is, renew, err := h.checkPassword(t.Context(), hash, "password"); !is || !renew || err != nil {
		t.Error(is, renew, err)
	}
	if is, _, err := h.checkPassword(t.Context(), hash, "differentpassword"); is || err != nil {
		t.Error(is, err)
	}
}

// What is no hash is an error, never a panic, and never lets anybody in.
func FuzzParseHash(f *testing.F) {
	f.Add("$argon2id$v=19$m=64,t=1,p=1$AAAA$AAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Add("$argon2id$v=19$m=,t=,p=$$")
	f.Fuzz(func(t *testing.T, hash string) {
		p, err := parseHash(hash)
		if err == nil && (p.Passes < 1 || p.Threads < 1 || p.Memory > 1<<21 || len(p.sum) < 16) {
			t.Errorf("%q: %+v", hash, p)
		}
	})
}
