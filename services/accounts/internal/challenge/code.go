package challenge

import (
	"crypto/rand"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// The purposes of what is kept of codes.
const (
	purposeCode         = "challenge.code"
	purposeRecoveryCode = "recovery.code"
	purposeRecovery     = "recovery.request"
)

// The lengths of codes, without the hyphens; they tell the kinds apart.
const (
	codeDigits     = 6
	recoveryLength = 10 // 50 bits
	approvedLength = 20 // 100 bits
	groupLength    = 5
)

// alphabet is that of Crockford's base 32: nothing in it looks like anything else
// in it.
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"

// maxTyped bounds what is looked at as a code, in bytes.
const maxTyped = 100

// kind is what a code can be by its form.
type kind int

const (
	malformed    kind = iota
	kindCode          // was sent, or is an app's
	kindRecovery      // one of the user's recovery codes
	kindApproved      // of an approved recovery
)

// parse reads a code as people type it: spaces and hyphens mean nothing, nor does
// the case, and what looks like a character of the alphabet is that one.
func parse(typed string) (code string, k kind) {
	if len(typed) > maxTyped || !utf8.ValidString(typed) {
		return "", malformed
	}
	code = strings.Map(func(r rune) rune {
		switch r {
		case ' ', '-', '\u00a0', '\u2010', '\u2011':
			return -1
		}
		return r
	}, strings.ToLower(typed))
	switch len(code) {
	case codeDigits:
		if strings.Trim(code, "0123456789") == "" {
			return code, kindCode
		}
		return "", malformed
	case recoveryLength:
		k = kindRecovery
	case approvedLength:
		k = kindApproved
	default:
		return "", malformed
	}
	code = strings.NewReplacer("o", "0", "i", "1", "l", "1").Replace(code)
	if strings.Trim(code, alphabet) != "" {
		return "", malformed
	}
	return code, k
}

// checkTyped is parse with the fault for what is no code.
func checkTyped(typed string) (string, kind, error) {
	if typed == "" {
		return "", malformed, fault.Field("code", "validation.required")
	}
	code, k := parse(typed)
	if k == malformed {
		return "", malformed, fault.Field("code", "validation.wrong_code")
	}
	return code, k, nil
}

// newCode is six random digits.
func newCode() string {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		panic(err) // crypto/rand.Reader never fails since Go 1.24
	}
	return fmt.Sprintf("%0*d", codeDigits, n)
}

// newWord is random text of the alphabet.
func newWord(length int) string {
	b := make([]byte, length)
	_, _ = rand.Read(b) // never fails
	for i := range b {
		b[i] = alphabet[int(b[i])%len(alphabet)] // 32 divides 256
	}
	return string(b)
}

// grouped is a word as it is shown.
func grouped(word string) string {
	var groups []string
	for ; len(word) > groupLength; word = word[groupLength:] {
		groups = append(groups, word[:groupLength])
	}
	return strings.Join(append(groups, word), "-")
}

// bound is a code together with whose it is, so that a MAC fits nothing else.
func bound(id int64, code string) []byte {
	return []byte(strconv.FormatInt(id, 10) + ":" + code)
}

// NewRecoveryCodes makes n recovery codes of a user: as they are shown, and as they
// are kept.
func (c *Challenges) NewRecoveryCodes(user int64, n int) (shown []string, macs [][]byte) {
	for range n {
		word := newWord(recoveryLength)
		shown = append(shown, grouped(word))
		macs = append(macs, c.o.Ring.MAC(purposeRecoveryCode, bound(user, word)))
	}
	return shown, macs
}

// NewApproval makes the code of an approved request: as it is mailed, and as it is
// kept.
func (c *Challenges) NewApproval(request int64) (shown string, mac []byte) {
	word := newWord(approvedLength)
	return grouped(word), c.o.Ring.MAC(purposeRecovery, bound(request, word))
}

// MaskNumber hides most of a number in E.164.
func MaskNumber(number string) string {
	const head, tail = 3, 3 // of at least eight characters
	if len(number) <= head+tail {
		return "•••"
	}
	return number[:head] + " ••• " + number[len(number)-tail:]
}

// maskEmail hides most of what is before the @.
func maskEmail(address string) string {
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return "•••"
	}
	_, size := utf8.DecodeRuneInString(address)
	return address[:min(size, at)] + "•••" + address[at:]
}
