package access

import (
	"encoding/base32"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/hotp"

	"baton/internal/store"
)

// The vectors of RFC 6238, appendix B, for SHA-1; of their eight digits ours are the last six. Those of RFC 4226, appendix D, count
// from 0.
func TestVectors(t *testing.T) {
	secret := base32.StdEncoding.EncodeToString([]byte("12345678901234567890"))
	for at, code := range map[int64]string{59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130"} {
		step, err := stepOf(secret, code, at*1_000_000, 0)
		if err != nil || step != at/30 {
			t.Errorf("at %d: step %d, %v", at, step, err)
		}
	}
	for n, want := range []string{"755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"} {
		if got, err := hotp.GenerateCode(secret, uint64(n)); err != nil || got != want {
			t.Errorf("count %d: %s %v", n, got, err)
		}
	}
	now := int64(1111111109) * 1_000_000
	for _, c := range []struct {
		later time.Duration
		last  int64
		right bool
	}{{0, 0, true}, {30 * time.Second, 0, true}, {-30 * time.Second, 0, true}, {90 * time.Second, 0, false}, {-90 * time.Second, 0, false}, {0, 1111111109 / 30, false}, {0, 1111111109/30 - 1, true}} {
		step, err := stepOf(secret, "081804", now+c.later.Microseconds(), c.last)
		if err != nil || (step != 0) != c.right {
			t.Errorf("%v later, last %d: %d %v", c.later, c.last, step, err)
		}
	}
}

// code is what an app with a secret shows now.
func (h *house) code(secret string) string {
	h.t.Helper()
	code, err := hotp.GenerateCode(strings.ReplaceAll(secret, " ", ""), uint64(h.at.Load().Unix()/30))
	if err != nil {
		h.t.Fatal(err)
	}
	return code
}

func TestSecondFactor(t *testing.T) {
	h := newHouse(t)
	b, v := h.user("ada@northwind.example", "admin")
	other := h.browser()
	if _, err := other.signIn("ada@northwind.example", right); err != nil {
		t.Fatal(err)
	}
	e, err := h.Enrol(v)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(e.URI)
	if err != nil || u.Scheme != "otpauth" || u.Host != "totp" || u.Path != "/Baton baton.northwind.example:ada@northwind.example" ||
		u.Query().Get("secret") != strings.ReplaceAll(e.Secret, " ", "") || len(u.Query().Get("secret")) != 32 || strings.Contains(e.Token, u.Query().Get("secret")) {
		t.Errorf("%s %v", e.URI, err)
	}
	if rows, err := e.QR(); err != nil || len(rows) < 29 || len(rows) != len(rows[0]) || !rows[0][0] || rows[0][7] {
		t.Errorf("%d rows, %v", len(rows), err)
	}
	var codes []string
	on := func(b *browser, v *Viewer, token, code string) error {
		return b.do(func(w http.ResponseWriter, r *http.Request) (err error) {
			codes, err = h.SwitchOn(w, r, v, token, code)
			return err
		})
	}
	if text := refusal(t, on(b, v, e.Token, "000000")); !strings.Contains(text, "not the one of this half minute") {
		t.Error(text)
	}
	again, err := h.Again(v, e.Token)
	if err != nil || again.Secret != e.Secret {
		t.Errorf("%+v %v", again, err)
	}
	stranger := &Viewer{ID: v.ID + 1, Email: "bo@northwind.example"}
	if text := refusal(t, on(b, stranger, e.Token, h.code(e.Secret))); !strings.Contains(text, "took too long") {
		t.Error(text)
	}
	if err := on(b, v, again.Token, " "+h.code(e.Secret)[:3]+" "+h.code(e.Secret)[3:]); err != nil {
		t.Fatal(err)
	}
	if b.viewer() == nil || other.viewer() != nil || len(codes) != recoveries {
		t.Errorf("here %v, elsewhere %v, %d codes", b.viewer(), other.viewer(), len(codes))
	}
	kept, err := h.Store.UserByID(t.Context(), v.ID)
	if err != nil || strings.Contains(kept.TOTP, strings.ReplaceAll(e.Secret, " ", "")) || strings.Contains(kept.Recovery, codes[0]) || strings.Contains(kept.Recovery, typed(codes[0])) {
		t.Errorf("%+v %v", kept, err)
	}

	// the password alone lets nobody in, nor does a code of before
	second := func(pending, code string) (*browser, error) {
		b := h.browser()
		return b, b.do(func(w http.ResponseWriter, r *http.Request) error { return h.SecondFactor(w, r, pending, code) })
	}
	fresh := func() string {
		t.Helper()
		b := h.browser()
		pending, err := b.signIn("ada@northwind.example", right)
		if err != nil || pending == "" || b.viewer() != nil {
			t.Fatalf("%q %v", pending, err)
		}
		return pending
	}
	pending := fresh()
	if _, err := second(pending, h.code(e.Secret)); !strings.Contains(refusal(t, err), "not the one") {
		t.Error("a code counts twice")
	}
	h.pass(30 * time.Second)
	b, err = second(pending, h.code(e.Secret))
	if err != nil || b.viewer() == nil || b.viewer().How != "totp" {
		t.Errorf("%v", err)
	}
	if _, err := second(fresh(), h.code(e.Secret)); err == nil {
		t.Error("a code counts twice")
	}
	if b, err = second(fresh(), strings.ToLower(codes[3])); err != nil || b.viewer().How != "recovery" {
		t.Errorf("a recovery code: %v", err)
	}
	if _, err := second(fresh(), codes[3]); err == nil {
		t.Error("a recovery code counts twice")
	}
	h.pass(time.Hour)
	pending = fresh()
	h.pass(6 * time.Minute)
	for _, p := range []string{pending, "", "nonsense", pending[:len(pending)-4]} {
		if _, err := second(p, h.code(e.Secret)); !strings.Contains(refusal(t, err), "took too long") {
			t.Errorf("%q: %v", p, err)
		}
	}

	// codes cannot be guessed, whatever the address
	h.pass(time.Hour)
	pending = fresh()
	for range 5 {
		if _, err := second(pending, "123456"); !strings.Contains(refusal(t, err), "not the one") {
			t.Error(err)
		}
	}
	if _, err := second(pending, h.code(e.Secret)); !strings.Contains(refusal(t, err), "too many tries") {
		t.Error(err)
	}
	h.pass(time.Hour)

	// a link for a new password does not get around it, and ends what waits for a code
	pending = fresh()
	link, err := h.ResetLink(t.Context(), By{}, v.ID)
	if err != nil {
		t.Fatal(err)
	}
	n := h.browser()
	err = n.do(func(w http.ResponseWriter, r *http.Request) error {
		in, err := h.UseLink(w, r, tokenOf(link), "", "another long sentence")
		if in {
			t.Error("let in without a code")
		}
		return err
	})
	if err != nil || n.viewer() != nil || b.viewer() != nil {
		t.Errorf("%v", err)
	}
	if _, err := second(pending, h.code(e.Secret)); !strings.Contains(refusal(t, err), "took too long") {
		t.Error("the old password still waits")
	}
	pending, err = n.signIn("ada@northwind.example", "another long sentence")
	if err != nil {
		t.Fatal(err)
	}
	if n, err = second(pending, h.code(e.Secret)); err != nil {
		t.Fatal(err)
	}

	// new recovery codes, and off again: both take the password
	var fewer []string
	recovery := func(password string) error {
		return n.do(func(_ http.ResponseWriter, r *http.Request) (err error) {
			fewer, err = h.Recovery(r, n.viewer(), password)
			return err
		})
	}
	refusal(t, recovery(right))
	if err := recovery("another long sentence"); err != nil || len(fewer) != recoveries {
		t.Error(err)
	}
	pending, err = h.browser().signIn("ada@northwind.example", "another long sentence")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := second(pending, codes[0]); err == nil {
		t.Error("an old recovery code counts")
	}
	off := func(password string) error {
		return n.do(func(w http.ResponseWriter, r *http.Request) error { return h.SwitchOff(w, r, n.viewer(), password) })
	}
	refusal(t, off(right))
	if err := off("another long sentence"); err != nil || n.viewer() == nil {
		t.Error(err)
	}
	if pending, err := h.browser().signIn("ada@northwind.example", "another long sentence"); pending != "" || err != nil {
		t.Errorf("%q %v", pending, err)
	}
}

// Without a key for secrets there is no second factor, and nothing is kept in the clear.
func TestSecondFactorNeedsAKey(t *testing.T) {
	h := newHouse(t, func(o *Options) { o.Seal = nil })
	_, v := h.user("ada@northwind.example", "admin")
	if _, err := h.Enrol(v); err == nil || !strings.Contains(err.Error(), "seal-key") {
		t.Error(err)
	}
}

// Somebody who lost the phone and the codes is let back in by whoever runs Baton.
func TestDropSecond(t *testing.T) {
	h := newHouse(t)
	b, v := h.user("ada@northwind.example", "admin")
	e, err := h.Enrol(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.do(func(w http.ResponseWriter, r *http.Request) error {
		_, err := h.SwitchOn(w, r, v, e.Token, h.code(e.Secret))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := h.DropSecond(t.Context(), By{Actor: CommandLine}, v.ID); err != nil || b.viewer() != nil {
		t.Errorf("%v", err)
	}
	if pending, err := b.signIn("ada@northwind.example", right); pending != "" || err != nil || b.viewer() == nil {
		t.Errorf("%q %v", pending, err)
	}
	list, err := h.Store.Audits(t.Context(), store.AuditFilter{Action: DroppedTOTP}, 9)
	if err != nil || len(list) != 1 || list[0].Actor != CommandLine {
		t.Errorf("%v %v", list, err)
	}
}
