package password

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// The length of a password, in characters after normalisation.
const (
	MinLength = 10
	MaxLength = 256
)

// minPart is the shortest name that a password may not contain. Shorter ones
// occur in ordinary words by chance.
const minPart = 4

// Person is whose password it will be: what others know of them makes a bad
// password.
type Person struct {
	FirstName, LastName, Email string
}

// Check adds every rule that a new password breaks. There are no rules on
// composition (NIST SP 800-63B, section 3.1.1.2).
func Check(v *fault.Violations, password, confirmation string, p Person) {
	if password == "" {
		v.Add("password", "validation.required")
		return
	}
	if !utf8.ValidString(password) {
		v.Add("password", "validation.utf8")
		return
	}
	if len(password) > maxBytes {
		v.Add("password", "validation.password_too_long", "Max", MaxLength)
		return
	}
	normal := norm.NFKC.String(password)
	length := utf8.RuneCountInString(normal)
	identity := containsPerson(normal, p)
	switch {
	case length < MinLength:
		v.Add("password", "validation.password_too_short", "Min", MinLength)
	case length > MaxLength:
		v.Add("password", "validation.password_too_long", "Max", MaxLength)
	case isCommon(normal):
		v.Add("password", "validation.password_common")
	case !identity && isWeak(normal, p): // the identity is the more precise reason
		v.Add("password", "validation.weak")
	}
	if strings.ContainsFunc(normal, unicode.IsControl) {
		v.Add("password", "validation.control_characters")
	}
	if identity {
		v.Add("password", "validation.password_contains_identity")
	}
	if confirmation == "" {
		v.Add("password_confirmation", "validation.required")
	} else if normal != norm.NFKC.String(confirmation) {
		v.Add("password", "validation.confirmed")
	}
}

func containsPerson(normal string, p Person) bool {
	folded := fold(normal)
	return slices.ContainsFunc(p.parts(), func(part string) bool {
		return utf8.RuneCountInString(part) >= minPart && strings.Contains(folded, part)
	})
}

// parts are the ways to write who somebody is.
func (p Person) parts() []string {
	local := p.Email
	if i := strings.LastIndex(local, "@"); i >= 0 {
		local = local[:i]
	}
	words := strings.Fields(fold(p.FirstName + " " + p.LastName))
	return append(words,
		strings.Join(words, ""), strings.Join(words, " "), strings.Join(words, "."),
		fold(local), fold(p.Email))
}

func fold(s string) string { return norm.NFKC.String(cases.Fold().String(norm.NFKC.String(s))) }
