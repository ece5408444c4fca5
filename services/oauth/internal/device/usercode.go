package device

import (
	"crypto/rand"
	"strings"
	"unicode"
)

// The code that a user types (RFC 8628 section 6.1): consonants only, so that it
// spells no word, and none that is easily taken for a digit or another one. It
// has 20^8, about 2.6e10, values. Guessing is the gateway's to limit, by
// address; with that many values no further brake is needed, as one guess finds
// one of even ten thousand waiting devices with a chance of 1 in 2.5 million, and
// gains no more than that a stranger's device gets the guesser's own account.
const (
	alphabet     = "BCDFGHJKLMNPQRSTVWXZ"
	userCodeSize = 8
	// maxTyped bounds what is looked at, in bytes.
	maxTyped = 64
)

// UserCode is a user code without its hyphen.
type UserCode string

// NewUserCode draws a code.
func NewUserCode() UserCode {
	code := make([]byte, 0, userCodeSize)
	var random [2 * userCodeSize]byte
	for {
		_, _ = rand.Read(random[:]) // never fails since Go 1.24
		for _, b := range random {
			if int(b) >= 256/len(alphabet)*len(alphabet) {
				continue // would make the first letters likelier
			}
			code = append(code, alphabet[int(b)%len(alphabet)])
			if len(code) == userCodeSize {
				return UserCode(code)
			}
		}
	}
}

// ParseUserCode reads a code as a person has typed it: in any case, and with
// spaces and hyphens of any kind anywhere. ok is false if it cannot be a code.
func ParseUserCode(typed string) (code UserCode, ok bool) {
	if len(typed) > maxTyped {
		return "", false
	}
	letters := make([]byte, 0, userCodeSize)
	for _, r := range typed {
		if unicode.IsSpace(r) || unicode.Is(unicode.Dash, r) {
			continue
		}
		if r >= 'a' && r <= 'z' {
			r -= 'a' - 'A'
		}
		if len(letters) == userCodeSize || !strings.ContainsRune(alphabet, r) {
			return "", false
		}
		letters = append(letters, byte(r))
	}
	return UserCode(letters), len(letters) == userCodeSize
}

// String is the code as it is shown: two groups of four letters.
func (c UserCode) String() string {
	return string(c[:userCodeSize/2]) + "-" + string(c[userCodeSize/2:])
}
