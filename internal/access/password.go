package access

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// Cost is how much work a guess at a password is.
type Cost struct {
	Memory  uint32 // KiB
	Passes  uint32
	Threads uint8
}

// usualCost is the second choice of RFC 9106, section 4, for machines that do other things too: 64 MiB, a tenth of a second.
var usualCost = Cost{Memory: 64 << 10, Passes: 3, Threads: 4}

const (
	saltBytes, hashBytes = 16, 32
	leastPassword        = 12  // characters
	mostPassword         = 256 // bytes
)

// hashing is how many passwords are hashed at a time, so that those who guess do not take all memory.
const hashing = 2

// hashPassword returns what is kept of a password: the usual text form of Argon2 hashes.
func hashPassword(password string, c Cost) string {
	var salt [saltBytes]byte
	rand.Read(salt[:]) // never fails
	sum := argon2.IDKey(prepared(password), salt[:], c.Passes, c.Memory, c.Threads, hashBytes)
	b := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.Memory, c.Passes, c.Threads, b.EncodeToString(salt[:]), b.EncodeToString(sum))
}

// prepared is a password as it is hashed: an é typed in two ways is one é.
func prepared(password string) []byte { return []byte(norm.NFC.String(password)) }

// parsed is a hash that was read.
type parsed struct {
	Cost
	salt, sum []byte
}

func parseHash(hash string) (p parsed, err error) {
	parts := strings.Split(hash, "$")
	wrong := errors.New("reading the hash of a password: it is none of ours")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return p, wrong
	}
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.Memory, &p.Passes, &p.Threads); n != 3 || err != nil || p.Memory > 1<<21 || p.Passes < 1 || p.Passes > 100 || p.Threads < 1 {
		return p, wrong
	}
	p.salt, err = base64.RawStdEncoding.DecodeString(parts[4])
	if err == nil {
		p.sum, err = base64.RawStdEncoding.DecodeString(parts[5])
	}
	if err != nil || len(p.sum) < 16 {
		return p, wrong
	}
	return p, nil
}

// turn waits until a password may be hashed; the caller calls done.
func (g *Gate) turn(ctx context.Context) (done func(), err error) {
	select {
	case g.hashing <- struct{}{}:
		return func() { <-g.hashing }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// checkPassword reports whether a password is the one of a hash, and whether the hash should be made anew, since it
// was made in another way than we do now. Without a hash it does as much work, and says no.
func (g *Gate) checkPassword(ctx context.Context, hash, password string) (right, renew bool, err error) {
	done, err := g.turn(ctx)
	if err != nil {
		return false, false, err
	}
	defer done()
	possible := hash != "" && password != "" && len(password) <= mostPassword
	if !possible {
		hash, password = g.nobody, ""
	}
	p, err := parseHash(hash)
	if err != nil {
		return false, false, err
	}
	sum := argon2.IDKey(prepared(password), p.salt, p.Passes, p.Memory, p.Threads, uint32(len(p.sum)))
	same := subtle.ConstantTimeCompare(sum, p.sum) == 1
	return same && possible, p.Cost != g.Cost || len(p.sum) != hashBytes || len(p.salt) != saltBytes, nil
}

// newHash hashes a new password, if it is fit to be one of somebody with these names.
func (g *Gate) newHash(ctx context.Context, password string, of ...string) (string, error) {
	if err := fit(password, of...); err != nil {
		return "", err
	}
	done, err := g.turn(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	return hashPassword(password, g.Cost), nil
}

// common are what those who guess begin with.
var common = []string{"password", "passwort", "123456", "abcdef", "abc123", "qwerty", "qwertz", "azerty", "letmein", "welcome", "iloveyou", "administrator",
	"changeme", "baton", "correcthorse", "batterystaple"}

// fit says what is wrong with a new password: it is long, and not what anybody would guess of this person. There are no rules about
// capitals and digits: they make passwords alike (NIST SP 800-63B, section 3.1.1.2).
func fit(password string, of ...string) error {
	n := utf8.RuneCountInString(norm.NFC.String(password))
	switch {
	case !utf8.ValidString(password) || strings.ContainsRune(password, 0):
		return &Refusal{Text: "the password holds something that is not text; type another"}
	case n < leastPassword:
		return &Refusal{Text: fmt.Sprintf("the password has %d characters; take at least %d: a few words are good", n, leastPassword)}
	case len(password) > mostPassword:
		return &Refusal{Text: fmt.Sprintf("the password is too long; take at most %d characters", mostPassword)}
	}
	left := strings.ToLower(password)
	for _, guess := range append(slices.Clone(common), of...) {
		guess, _, _ = strings.Cut(strings.ToLower(guess), "@")
		if utf8.RuneCountInString(guess) >= 4 {
			left = strings.ReplaceAll(left, guess, "")
		}
	}
	kinds := []rune(left)
	slices.Sort(kinds)
	if utf8.RuneCountInString(left) < leastPassword/2 || len(slices.Compact(kinds)) < 5 {
		return &Refusal{Text: "the password would be guessed soon; take a few words that have nothing to do with you"}
	}
	return nil
}
