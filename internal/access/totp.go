package access

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/boombuler/barcode/qr"
	"github.com/pquerna/otp/hotp"

	"baton/internal/store"
)

// One-time passwords as apps make them (RFC 6238): six digits, SHA-1, a step of 30 seconds. A code of the step before or after
// is taken too, for clocks that are off; none is taken twice.
const (
	totpStep    = 30 * 1_000_000 // microseconds
	totpSecret  = 20             // bytes, as RFC 4226 recommends
	recoveries  = 10
	totpIssuer  = "Baton"
	enrolMost   = 15 * 60 * 1_000_000 // microseconds
	enrolPlace  = "enrolment "
	totpPlace   = "totp "
	codeOfDigit = 6
)

// stepOf returns the step of which a code is, near a time, or 0. Steps up to the last one used count no more.
func stepOf(secret, code string, now, last int64) (int64, error) {
	for step := now/totpStep - 1; step <= now/totpStep+1; step++ {
		want, err := hotp.GenerateCode(secret, uint64(step))
		if err != nil {
			return 0, fmt.Errorf("making a one-time password: %w", err)
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 && step > last {
			return step, nil
		}
	}
	return 0, nil
}

// factor looks at a code of a user. It returns how that signs in and what it changes; no change if the code is not right.
func (g *Gate) factor(u *store.User, code string) (how string, change func(*store.User), err error) {
	code = typed(code)
	if len(code) == codeOfDigit {
		secret, err := g.Seal.Open(totpPlace+strconv.FormatInt(u.ID, 10), u.TOTP)
		if err != nil {
			return "", nil, err
		}
		step, err := stepOf(secret, code, g.now(), u.TOTPStep)
		if err != nil || step == 0 {
			return "", nil, err
		}
		return "totp", func(u *store.User) { u.TOTPStep = step }, nil
	}
	left := strings.Fields(u.Recovery)
	i := slices.Index(left, hex.EncodeToString(hashOf(code)))
	if i < 0 {
		return "", nil, nil
	}
	left = slices.Delete(left, i, i+1)
	return "recovery", func(u *store.User) { u.Recovery = strings.Join(left, " ") }, nil
}

// Enrolment is a second factor that is being set up: the secret, as an app takes it in.
type Enrolment struct {
	Secret string // in groups, to be typed
	URI    string // in the code that an app scans
	Token  string // sealed; comes back with the first code of the app
}

// Enrol begins to set up a second factor.
func (g *Gate) Enrol(v *Viewer) (*Enrolment, error) {
	var b [totpSecret]byte
	rand.Read(b[:]) // never fails
	return g.enrolment(v, base32.StdEncoding.EncodeToString(b[:]), g.now())
}

func (g *Gate) enrolment(v *Viewer, secret string, at int64) (*Enrolment, error) {
	token, err := g.Seal.Seal(enrolPlace+strconv.FormatInt(v.ID, 10), strconv.FormatInt(at, 10)+" "+secret)
	if err != nil {
		return nil, err
	}
	label := totpIssuer
	if u, err := url.Parse(g.URL); err == nil && u.Hostname() != "" {
		label += " " + u.Hostname()
	}
	e := &Enrolment{Token: token, URI: (&url.URL{Scheme: "otpauth", Host: "totp", Path: "/" + label + ":" + v.Email,
		RawQuery: strings.ReplaceAll(url.Values{"secret": {secret}, "issuer": {label}}.Encode(), "+", "%20")}).String()}
	var groups []string
	for ; secret != ""; secret = secret[4:] {
		groups = append(groups, secret[:4])
	}
	e.Secret = strings.Join(groups, " ")
	return e, nil
}

// Again is an enrolment that goes on after a code that was not right.
func (g *Gate) Again(v *Viewer, token string) (*Enrolment, error) {
	secret, at, err := g.enrolling(v, token)
	if err != nil {
		return nil, err
	}
	return g.enrolment(v, secret, at)
}

func (g *Gate) enrolling(v *Viewer, token string) (secret string, at int64, err error) {
	text, err := g.Seal.Open(enrolPlace+strconv.FormatInt(v.ID, 10), token)
	when, secret, _ := strings.Cut(text, " ")
	at, convErr := strconv.ParseInt(when, 10, 64)
	if err != nil || convErr != nil || at < g.now()-enrolMost {
		return "", 0, &Refusal{Text: "setting this up took too long; begin again"}
	}
	return secret, at, nil
}

// QR returns the code that an app scans: the squares of a picture, from the top left.
func (e *Enrolment) QR() ([][]bool, error) {
	code, err := qr.Encode(e.URI, qr.M, qr.Auto)
	if err != nil {
		return nil, fmt.Errorf("drawing the code to scan: %w", err)
	}
	size := code.Bounds()
	rows := make([][]bool, size.Dy())
	for y := range rows {
		rows[y] = make([]bool, size.Dx())
		for x := range rows[y] {
			r, _, _, _ := code.At(x, y).RGBA()
			rows[y][x] = r == 0
		}
	}
	return rows, nil
}

// SwitchOn switches a second factor on, with the first code of the app, and returns the recovery codes, which are shown this
// once. Other sessions of the user end.
func (g *Gate) SwitchOn(w http.ResponseWriter, r *http.Request, v *Viewer, token, code string) (codes []string, err error) {
	secret, _, err := g.enrolling(v, token)
	if err != nil {
		return nil, err
	}
	if wait, _ := g.limits.second.take(v.Email, g.Clock()); wait > 0 {
		return nil, tooMany(wait)
	}
	step, err := stepOf(secret, typed(code), g.now(), 0)
	if err != nil {
		return nil, err
	}
	if step == 0 {
		return nil, &Refusal{Text: "that code is not the one of this half minute; see that the clock of the phone is right, and type the next one"}
	}
	sealed, err := g.Seal.Seal(totpPlace+strconv.FormatInt(v.ID, 10), secret)
	if err != nil {
		return nil, err
	}
	codes, hashes := newRecovery()
	return codes, g.change(w, r, v, SwitchedTOTP, func(u *store.User) error {
		if u.Password == "" {
			return &Refusal{Text: "you sign in at another service: a second factor is switched on there"}
		}
		u.TOTP, u.TOTPStep, u.Recovery = sealed, step, hashes
		return nil
	})
}

// SwitchOff switches the second factor of a viewer off. It takes the password: who finds an open browser has none.
func (g *Gate) SwitchOff(w http.ResponseWriter, r *http.Request, v *Viewer, password string) error {
	if err := g.confirm(r, v, password); err != nil {
		return err
	}
	return g.change(w, r, v, DroppedTOTP, func(u *store.User) error {
		u.TOTP, u.TOTPStep, u.Recovery = "", 0, ""
		return nil
	})
}

// Recovery makes new recovery codes, and ends those before.
func (g *Gate) Recovery(r *http.Request, v *Viewer, password string) (codes []string, err error) {
	if err := g.confirm(r, v, password); err != nil {
		return nil, err
	}
	codes, hashes := newRecovery()
	return codes, Refused(g.Store.UpdateUser(r.Context(), v.ID, func(u *store.User) (store.UserChange, error) {
		if u.TOTP == "" {
			return store.UserChange{}, &Refusal{Text: "there is no second factor to recover; switch one on first"}
		}
		u.Recovery = hashes
		return store.UserChange{Audit: []store.Audit{g.audit(r, v.Email, MadeRecovery, v.Email, "")}}, nil
	}))
}

func newRecovery() (codes []string, hashes string) {
	var list []string
	for range recoveries {
		code := newCode(4)
		codes, list = append(codes, code), append(list, hex.EncodeToString(hashOf(typed(code))))
	}
	return codes, strings.Join(list, " ")
}

// change changes the user who looks. Sessions that end with it end; the one they look in is replaced by a new one.
func (g *Gate) change(w http.ResponseWriter, r *http.Request, v *Viewer, action string, change func(*store.User) error) error {
	begin, give := g.begin(w, r, v.How)
	err := g.Store.UpdateUser(r.Context(), v.ID, func(u *store.User) (store.UserChange, error) {
		if err := change(u); err != nil {
			return store.UserChange{}, err
		}
		return store.UserChange{Begin: begin, Audit: []store.Audit{g.audit(r, v.Email, action, v.Email, "")}}, nil
	})
	if err == nil {
		give()
	}
	return Refused(err)
}

// confirm asks a viewer for the password again.
func (g *Gate) confirm(r *http.Request, v *Viewer, password string) error {
	wait, back := g.limits.pair.take(g.From(r)+" "+v.Email, g.Clock())
	if wait > 0 {
		return tooMany(wait)
	}
	u, err := g.Store.UserByID(r.Context(), v.ID)
	if err != nil {
		return err
	}
	right, _, err := g.checkPassword(r.Context(), u.Password, password)
	if err != nil {
		return err
	}
	if !right {
		if err := g.Store.AddAudit(r.Context(), g.audit(r, v.Email, SignInRefused, v.Email, "wrong password, asked again")); err != nil {
			return err
		}
		return &Refusal{Text: "that is not your password; nothing was changed"}
	}
	back()
	return nil
}
