package channel

import (
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Webhooks follow Standard Webhooks 1.0 (https://www.standardwebhooks.com).

// The headers of a webhook.
const (
	headerID        = "Webhook-Id"
	headerTimestamp = "Webhook-Timestamp"
	headerSignature = "Webhook-Signature"
)

// Tolerance is how far the time of a webhook may be from the receiver's: what Standard Webhooks' libraries allow.
const Tolerance = 5 * time.Minute

// Key signs webhooks, or verifies them, or both. It shows nothing of itself when printed.
type Key struct {
	secret  []byte             // v1: HMAC-SHA256
	private ed25519.PrivateKey // v1a
	public  ed25519.PublicKey
}

// ParseKey reads a key in its written form: "whsec_" (a shared secret of 24 to 64 bytes; the prefix may be missing),
// "whsk_" (an ed25519 private key) or "whpk_" (a public key, which only verifies), each followed by standard base64.
// The error never repeats the key.
func ParseKey(s string) (Key, error) {
	kind, rest := "whsec_", s
	if i := strings.IndexByte(s, '_'); i >= 0 {
		kind, rest = s[:i+1], s[i+1:]
	}
	// Strict: one key has one spelling
	raw, err := base64.StdEncoding.Strict().DecodeString(rest)
	if err != nil {
		return Key{}, errors.New("reading a webhook key: it is not base64 after its prefix")
	}
	switch {
	case kind == "whsec_" && len(raw) >= 24 && len(raw) <= 64:
		return Key{secret: raw}, nil
	case kind == "whsec_":
		return Key{}, fmt.Errorf("reading a webhook key: a secret has 24 to 64 bytes, this one has %d", len(raw))
	case kind == "whsk_" && (len(raw) == ed25519.PrivateKeySize || len(raw) == ed25519.SeedSize):
		private := ed25519.NewKeyFromSeed(raw[:ed25519.SeedSize])
		if len(raw) == ed25519.PrivateKeySize && !private.Equal(ed25519.PrivateKey(raw)) {
			return Key{}, errors.New("reading a webhook key: the halves of the private key do not belong together")
		}
		return Key{private: private, public: private.Public().(ed25519.PublicKey)}, nil
	case kind == "whpk_" && len(raw) == ed25519.PublicKeySize:
		return Key{public: raw}, nil
	case kind == "whsk_" || kind == "whpk_":
		return Key{}, fmt.Errorf("reading a webhook key: it is no ed25519 key: %d bytes", len(raw))
	}
	return Key{}, errors.New("reading a webhook key: it begins with none of whsec_, whsk_ and whpk_")
}

// NewSecret makes the written form of a new shared secret, of 32 bytes from random.
func NewSecret(random io.Reader) (string, error) {
	var raw [32]byte
	if _, err := io.ReadFull(random, raw[:]); err != nil {
		return "", fmt.Errorf("making a webhook secret: %w", err)
	}
	return "whsec_" + base64.StdEncoding.EncodeToString(raw[:]), nil
}

// Format hides the key, whatever the verb.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "(webhook key)") }

// signs reports whether the key can sign.
func (k Key) signs() bool { return k.secret != nil || k.private != nil }

// append adds the signature of content.
func (k Key) append(b, content []byte) []byte {
	if k.private != nil {
		return base64.StdEncoding.AppendEncode(append(b, "v1a,"...), ed25519.Sign(k.private, content))
	}
	var sum [sha256.Size]byte
	mac := hmac.New(sha256.New, k.secret)
	mac.Write(content)
	return base64.StdEncoding.AppendEncode(append(b, "v1,"...), mac.Sum(sum[:0]))
}

// verifies reports whether a signature of that version is this key's.
func (k Key) verifies(version string, signature, content []byte) bool {
	switch {
	case version == "v1" && k.secret != nil:
		mac := hmac.New(sha256.New, k.secret)
		mac.Write(content)
		return hmac.Equal(mac.Sum(nil), signature)
	case version == "v1a" && k.public != nil:
		return len(signature) == ed25519.SignatureSize && ed25519.Verify(k.public, content, signature)
	}
	return false
}

// content is what is signed: the ID, the seconds and the body, with dots between.
func content(id, seconds string, body []byte) []byte {
	b := make([]byte, 0, len(id)+len(seconds)+2+len(body))
	b = append(append(b, id...), '.')
	b = append(append(b, seconds...), '.')
	return append(b, body...)
}

// Sign returns the webhook-signature of a body: one signature for each key, so that receivers can change to
// a new key while the old one still counts. seconds is the time of this try since 1970.
func Sign(id string, seconds int64, body []byte, keys ...Key) (string, error) {
	if !deliveryID(id) {
		return "", errors.New("signing a webhook: its ID is not 1 to 64 letters, digits, _ and -")
	}
	if len(keys) == 0 {
		return "", errors.New("signing a webhook: there is no key")
	}
	signed := content(id, strconv.FormatInt(seconds, 10), body)
	var b []byte
	for i, k := range keys {
		if !k.signs() {
			return "", errors.New("signing a webhook: a public key cannot sign")
		}
		if i > 0 {
			b = append(b, ' ')
		}
		b = k.append(b, signed)
	}
	return string(b), nil
}

// deliveryID reports whether an ID can be one of a delivery: it ends up in headers, and a dot in it would let the parts of
// what is signed be read in two ways.
func deliveryID(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

// signatureMost is how many signatures of a webhook are looked at.
const signatureMost = 16

// Verify checks a webhook that was received: that one of the keys signed it, and that it was sent within Tolerance
// of now (seconds since 1970), on either side. It returns the ID, by which the receiver knows a delivery that
// comes again. The body is the bytes as received, not JSON written anew.
func Verify(header http.Header, body []byte, now int64, keys ...Key) (id string, err error) {
	id, err = single(header, headerID)
	if err != nil {
		return "", err
	}
	if len(id) > 256 || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return "", errors.New("verifying a webhook: webhook-id is not an ID")
	}
	stamp, err := single(header, headerTimestamp)
	if err != nil {
		return "", err
	}
	seconds, err := strconv.ParseUint(stamp, 10, 62)
	if err != nil || stamp[0] == '0' && stamp != "0" {
		return "", errors.New("verifying a webhook: webhook-timestamp is not a number of seconds")
	}
	list, err := single(header, headerSignature)
	if err != nil {
		return "", err
	}
	signed := content(id, stamp, body)
	found, looked := false, 0
	for one := range strings.FieldsSeq(list) {
		if looked++; looked > signatureMost {
			break
		}
		version, text, ok := strings.Cut(one, ",")
		if !ok || version != "v1" && version != "v1a" {
			continue // of a version to come
		}
		signature, err := base64.StdEncoding.Strict().DecodeString(text)
		if err != nil {
			continue
		}
		for _, k := range keys {
			found = k.verifies(version, signature, signed) || found
		}
	}
	if !found {
		return "", errors.New("verifying a webhook: no signature is of a known key")
	}
	// after the signature, so that only who can sign learns what our clock says
	tolerance := int64(Tolerance / time.Second)
	if off := now - int64(seconds); off > tolerance {
		return "", errors.New("verifying a webhook: it was sent more than 5 minutes ago")
	} else if off < -tolerance {
		return "", errors.New("verifying a webhook: its time is more than 5 minutes ahead")
	}
	return id, nil
}

// single returns the one value of a header.
func single(header http.Header, name string) (string, error) {
	values := header.Values(name)
	if len(values) != 1 || values[0] == "" {
		return "", fmt.Errorf("verifying a webhook: it needs one %s, and has %d", strings.ToLower(name), len(values))
	}
	return values[0], nil
}

// Webhook is one event for one receiver.
type Webhook struct {
	ID   string // of the delivery: the same for all tries; letters, digits, _ and -
	At   int64  // when this try is made
	URL  string
	Keys []Key  // the newest first; more than one while receivers change over
	Body []byte // JSON, at most 256 KB (20 KB is what Standard Webhooks asks for)
}

// Webhook sends a webhook and says how it went: 2xx is Done, 410 Gone, everything else Later, with the time that the
// receiver asked to wait. Never is for what cannot be sent at all: an address the guard refuses, a body too
// long, a key that cannot sign.
func (p *Poster) Webhook(ctx context.Context, w Webhook) Result {
	seconds := time.UnixMicro(w.At).Unix()
	signature, err := Sign(w.ID, seconds, w.Body, w.Keys...)
	if err != nil {
		return Result{Outcome: Never, Why: err.Error()}
	}
	r, _ := p.post(ctx, w.URL, http.Header{
		"Content-Type":  {"application/json"},
		headerID:        {w.ID},
		headerTimestamp: {strconv.FormatInt(seconds, 10)},
		headerSignature: {signature},
	}, w.Body, w.At)
	return r
}
