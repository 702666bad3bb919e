// Package seal keeps secrets that have to be had in the clear again: what signs webhooks, what makes
// one-time passwords. They lie sealed in the database, and open with a key that is not in it.
//
// It never keeps what can be kept as a hash: passwords, keys and links are compared, not shown. Start
// reading at Keys.
package seal

import (
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"
)

// Keys seal with the first of them, and open with any, so that a new key can be put before the old one. None (nil)
// can do neither.
type Keys struct{ list []key }

type key struct {
	id   string // 8 characters that say which key it was
	aead cipher.AEAD
}

// Errors of sealing and opening.
var (
	ErrNoKey = errors.New("there is no key to seal secrets with: set seal-key, or BATON_SEAL_KEY_FILE to a file that holds it; make one with: head -c 32 /dev/urandom | base64")
	// ErrOtherKey means that a secret was sealed with a key that is not here, for another place, or was changed.
	ErrOtherKey = errors.New("the secret was sealed with another key than the one that is set now; set that one too, after the new one, or make the secret anew")
)

// New makes a key, as text.
func New() string {
	var b [chacha20poly1305.KeySize]byte
	rand.Read(b[:]) // never fails
	return base64.StdEncoding.EncodeToString(b[:])
}

// Parse reads keys: each is 32 bytes in base64, with spaces or line breaks between. A text with nothing in it is no keys.
func Parse(text string) (*Keys, error) {
	var k *Keys
	for word := range strings.FieldsSeq(text) {
		b, err := base64.StdEncoding.DecodeString(word)
		if err != nil || len(b) != chacha20poly1305.KeySize {
			return nil, errors.New("reading the key that seals secrets: a key is 32 bytes in base64; make one with: head -c 32 /dev/urandom | base64")
		}
		aead, err := chacha20poly1305.NewX(b)
		if err != nil {
			return nil, fmt.Errorf("reading the key that seals secrets: %w", err)
		}
		sum := sha256.Sum256(append([]byte("baton seal "), b...))
		if k == nil {
			k = &Keys{}
		}
		k.list = append(k.list, key{base64.RawURLEncoding.EncodeToString(sum[:6]), aead})
	}
	return k, nil
}

// File reads the keys in a file. One that is not there is made, with a new key in it, for its owner alone.
func File(path string) (*Keys, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := create(path, New()+"\n"); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("making the key that seals secrets: %w", err)
		}
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the key that seals secrets: %w", err)
	}
	k, err := Parse(string(text))
	if err == nil && k == nil {
		err = errors.New("reading the key that seals secrets: there is none in it")
	}
	if err != nil {
		return nil, fmt.Errorf("file %s: %w", path, err)
	}
	return k, nil
}

// create makes a file whole or not at all, if it is not there.
func create(path, text string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".seal-") // for its owner alone
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(text)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Link(f.Name(), path)
}

const mark = "sealed1."

// Seal returns a secret as it can be kept: letters, digits, dots, hyphens and underscores. Where says whose it is, as "webhook 3"; it opens
// there and nowhere else, so that nobody who can write to the database can make one secret serve for another.
func (k *Keys) Seal(where, secret string) (string, error) {
	if k == nil {
		return "", fmt.Errorf("sealing a secret: %w", ErrNoKey)
	}
	first := k.list[0]
	sealed := make([]byte, chacha20poly1305.NonceSizeX, chacha20poly1305.NonceSizeX+len(secret)+chacha20poly1305.Overhead)
	rand.Read(sealed) // 24 bytes: random ones do not meet
	sealed = first.aead.Seal(sealed, sealed, []byte(secret), []byte(where))
	return mark + first.id + "." + base64.RawURLEncoding.EncodeToString(sealed), nil
}

// Open returns a secret that was sealed for a place.
func (k *Keys) Open(where, sealed string) (string, error) {
	if k == nil {
		return "", fmt.Errorf("opening a secret: %w", ErrNoKey)
	}
	id, text, _ := strings.Cut(strings.TrimPrefix(sealed, mark), ".")
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil && Sealed(sealed) && len(b) >= chacha20poly1305.NonceSizeX {
		for _, one := range k.list {
			if one.id != id {
				continue
			}
			secret, err := one.aead.Open(nil, b[:chacha20poly1305.NonceSizeX], b[chacha20poly1305.NonceSizeX:], []byte(where))
			if err == nil {
				return string(secret), nil
			}
		}
	}
	return "", fmt.Errorf("opening a secret: %w", ErrOtherKey)
}

// Sealed reports whether a text is a sealed secret.
func Sealed(text string) bool { return strings.HasPrefix(text, mark) }
