package access

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"strings"
)

// newToken returns 256 random bits as they stand in a cookie or a link, and the hash that is kept. A hash made to be slow
// protects what can be guessed; this cannot.
func newToken() (token string, hash []byte) {
	var b [32]byte
	rand.Read(b[:]) // never fails
	token = base64.RawURLEncoding.EncodeToString(b[:])
	return token, hashOf(token)
}

func hashOf(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// letters are those of codes that people read and type: without 0, 1, O and I, which look alike.
var letters = base32.NewEncoding("ABCDEFGHJKLMNPQRSTUVWXYZ23456789").WithPadding(base32.NoPadding)

// newCode returns a code of groups of four letters that a person can type: 20 random bits each.
func newCode(groups int) string {
	b := make([]byte, (groups*4*5+7)/8)
	rand.Read(b)
	text := letters.EncodeToString(b)[:groups*4]
	var list []string
	for ; text != ""; text = text[4:] {
		list = append(list, text[:4])
	}
	return strings.Join(list, "-")
}

// typed is a code as it is hashed: however somebody typed it.
func typed(code string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		case 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
			return r
		}
		return -1
	}, code)
}
