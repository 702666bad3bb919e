package web

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
)

// flash is what an act led to, told once by the next page: in a toast, or at the lead where it was refused.
type flash struct {
	Lead    int64  `json:"lead,omitempty"`
	Who     string `json:"who,omitempty"` // whom it is about
	Text    string `json:"text"`
	Refused bool   `json:"refused,omitempty"`
	Open    string `json:"open,omitempty"` // what to open next, "tel:…"
}

const flashCookie = "said"

// putFlash keeps what to tell in a cookie of a minute. A form that was answered with a redirect can say no more.
func putFlash(a *ask, f *flash) {
	b, err := json.Marshal(f)
	if err != nil || len(b) > 2500 {
		return
	}
	http.SetCookie(a.w, &http.Cookie{Name: flashCookie, Value: base64.RawURLEncoding.EncodeToString(b), Path: "/", MaxAge: 60, HttpOnly: true,
		SameSite: http.SameSiteStrictMode, Secure: a.TLS != nil})
}

// takeFlash returns what is to be told, and forgets it.
func takeFlash(a *ask) *flash {
	c, err := a.Cookie(flashCookie)
	if err != nil {
		return nil
	}
	http.SetCookie(a.w, &http.Cookie{Name: flashCookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: a.TLS != nil})
	b, err := base64.RawURLEncoding.DecodeString(c.Value)
	var f flash
	if err != nil || json.Unmarshal(b, &f) != nil || f.Text == "" {
		return nil
	}
	return &f
}
