package api

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"baton/internal/store"
)

// Scopes are what a key can be for. Each of read, write and admin can do what those before it can.
const (
	ScopeTrack = "track" // send events and forms: may stand in a web page
	ScopeRead  = "read"  // look at everything but the keys and the inboxes of people
	ScopeWrite = "write" // also do what people do: commands, activities, the team, imports
	ScopeAdmin = "admin" // also let an agreement apply, and make and revoke keys
)

// Scopes lists them.
var Scopes = []string{ScopeTrack, ScopeRead, ScopeWrite, ScopeAdmin}

// grants reports whether a key of a scope may do what takes another.
func grants(have, wanted string) bool {
	if have == ScopeTrack || wanted == ScopeTrack {
		return have == wanted
	}
	return slices.Index(Scopes, have) >= slices.Index(Scopes, wanted)
}

const (
	keyTrust = 5_000_000  // microseconds for which a key is let in without another look
	keyUse   = 60_000_000 // microseconds between two notes of its use
	keysKept = 10_000
)

var keyName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// unfitKey is what is wrong with what a key is asked for with.
type unfitKey struct{ text string }

func (e *unfitKey) Error() string { return e.text }

// NewKey makes a key of 256 random bits and keeps its hash. This is the only time that the key
// itself can be seen. Keys of one name are one sender: what was sent with the one is known when it
// is sent again with the other, so that a key can be replaced.
func NewKey(ctx context.Context, st *store.Store, name, scope string, at int64) (secret string, key store.APIKey, err error) {
	if !keyName.MatchString(name) {
		return "", key, fmt.Errorf("making a key: %w", &unfitKey{fmt.Sprintf("%q is no name for one; use letters, digits, dots, hyphens and underscores, at most 64", name)})
	}
	if !slices.Contains(Scopes, scope) {
		return "", key, fmt.Errorf("making a key: %w", &unfitKey{fmt.Sprintf("%q is no scope; there are %s", scope, strings.Join(Scopes, ", "))})
	}
	var random [32]byte
	rand.Read(random[:]) // never fails
	secret = "baton_" + scope + "_" + base64.RawURLEncoding.EncodeToString(random[:])
	hash := sha256.Sum256([]byte(secret))
	key, err = st.AddKey(ctx, store.APIKey{Name: name, Scope: scope, CreatedAt: at}, hash[:])
	return secret, key, err
}

// keyring remembers keys for a few seconds, so that not every request asks the database.
type keyring struct {
	store *store.Store
	lock  sync.Mutex
	known map[[sha256.Size]byte]*keyEntry
}

type keyEntry struct {
	store.APIKey
	until int64 // when to look again
	used  int64 // 0 when it is noted
}

var (
	errNoKey  = &problem{status: http.StatusUnauthorized, detail: "there is no key: give it as Authorization: Bearer KEY, as the user name of Basic authentication, or, to send events, as writeKey in the body"}
	errBadKey = &problem{status: http.StatusUnauthorized, detail: "this key is not known here, or was revoked; make one with: baton key new --scope SCOPE"}
)

// admit finds the key that a secret is, if it may do what takes a scope.
func (k *keyring) admit(ctx context.Context, secret, scope string, now int64) (store.APIKey, error) {
	key, err := k.find(ctx, secret, now)
	if err == nil && !grants(key.Scope, scope) {
		return store.APIKey{}, &problem{status: http.StatusForbidden, detail: fmt.Sprintf("this key, %s, is for %q, and what you ask for takes %q; make one with: baton key new --scope %s",
			key.Name, key.Scope, scope, scope)}
	}
	return key, err
}

// find finds the key that a secret is.
func (k *keyring) find(ctx context.Context, secret string, now int64) (store.APIKey, error) {
	if secret == "" {
		return store.APIKey{}, errNoKey
	}
	hash := sha256.Sum256([]byte(secret))
	k.lock.Lock()
	e := k.known[hash]
	if e != nil && now < e.until && now >= e.until-keyTrust {
		e.used = now
		key := e.APIKey
		k.lock.Unlock()
		return key, nil
	}
	k.lock.Unlock()
	key, err := k.store.Key(ctx, hash[:])
	if err != nil && !errors.Is(err, store.ErrNoKey) {
		return key, err
	}
	k.lock.Lock()
	defer k.lock.Unlock()
	if err != nil || key.RevokedAt != 0 {
		delete(k.known, hash)
		return store.APIKey{}, errBadKey
	}
	if e = k.known[hash]; e == nil {
		if k.known == nil || len(k.known) >= keysKept {
			k.known = map[[sha256.Size]byte]*keyEntry{}
		}
		e = &keyEntry{}
		k.known[hash] = e
	}
	e.APIKey, e.until, e.used = key, now+keyTrust, now
	return key, nil
}

// remembers reports whether a key was let in lately, so that it is no guess.
func (k *keyring) remembers(secret string) bool {
	hash := sha256.Sum256([]byte(secret))
	k.lock.Lock()
	defer k.lock.Unlock()
	return k.known[hash] != nil
}

// forget has a key looked up again at its next use: it was revoked.
func (k *keyring) forget(id int64) {
	k.lock.Lock()
	defer k.lock.Unlock()
	for hash, e := range k.known {
		if e.ID == id {
			delete(k.known, hash)
		}
	}
}

// NoteUse writes down when keys were last used: at most once a minute each, or all there is at the end.
func (a *API) NoteUse(ctx context.Context, end bool) error {
	var list []store.APIKey
	k := &a.keys
	k.lock.Lock()
	// order: each is a statement of its own
	for _, e := range k.known {
		if e.used > e.UsedAt && (end || e.used >= e.UsedAt+keyUse) {
			e.UsedAt = e.used
			list = append(list, e.APIKey)
		}
	}
	k.lock.Unlock()
	for _, key := range list {
		if err := k.store.UseKey(ctx, key.ID, key.UsedAt); err != nil {
			return err
		}
	}
	return nil
}
