package api

import (
	"net/http"
)

// settings tells Segment's browser library, which asks before it sends, to send here.
func (a *API) settings(w http.ResponseWriter, r *http.Request) error {
	secret := r.PathValue("key")
	if _, err := a.admit(r, secret, ScopeTrack, a.now()); err != nil {
		return err
	}
	protocol := "http"
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		protocol = "https"
	}
	w.Header().Set("Content-Type", "application/json")
	b := append([]byte(`{"integrations":{"Segment.io":{"apiKey":`), quote(secret)...)
	b = append(append(b, `,"apiHost":`...), quote(r.Host+"/v1")...)
	b = append(append(b, `,"protocol":`...), quote(protocol)...)
	w.Write(append(b, `}},"plan":{"track":{"__default":{"enabled":true}}},"metrics":{"sampleRate":0}}`+"\n"...))
	return nil
}
