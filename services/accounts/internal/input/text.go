package input

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

const (
	// MaxName is how many characters the name of a person or a hub may have.
	MaxName = 1000
	// maxUserAgent and maxAddress bound what is kept of an origin, in bytes.
	maxUserAgent = 512
	maxAddress   = 64
)

// Name is a required name of a person or a hub: trimmed and in NFC.
func Name(v *fault.Violations, field, raw string) string {
	name, ok := name(v, field, raw)
	if ok && name == "" {
		v.Add(field, "validation.required")
	}
	return name
}

// OptionalName is a name that may be empty.
func OptionalName(v *fault.Violations, field, raw string) string {
	name, _ := name(v, field, raw)
	return name
}

func name(v *fault.Violations, field, raw string) (name string, ok bool) {
	return textOf(v, field, raw, MaxName)
}

// textOf is a text of one line: trimmed, in NFC, and of at most so many
// characters.
func textOf(v *fault.Violations, field, raw string, most int) (text string, ok bool) {
	if !utf8.ValidString(raw) {
		v.Add(field, "validation.utf8")
		return "", false
	}
	text, ok = norm.NFC.String(strings.TrimSpace(raw)), true
	if utf8.RuneCountInString(text) > most {
		v.Add(field, "validation.max_length", "Max", most)
		ok = false
	}
	if strings.ContainsFunc(text, unfit) {
		v.Add(field, "validation.control_characters")
		ok = false
	}
	return text, ok
}

// unfit characters do not belong into a name: control characters, line
// breaks, and those that turn the direction of the text around them, with
// which a name can look like another one.
func unfit(r rune) bool {
	return unicode.Is(unicode.Cc, r) || unicode.In(r, unicode.Zl, unicode.Zp) ||
		r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}

// Origin is o as it can be kept.
func Origin(o api.Origin) api.Origin {
	return api.Origin{Address: Clean(o.Address, maxAddress), UserAgent: Clean(o.UserAgent, maxUserAgent)}
}

// Clean makes text from outside storable: valid, without control characters,
// and at most limit bytes long.
func Clean(s string, limit int) string {
	if len(s) > limit {
		s = s[:limit] // may cut a character in two, which the next step removes
	}
	s = strings.ToValidUTF8(s, "")
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, s)
}

// Fold is text as it is compared when people look for it: without regard to
// case and width, and with single spaces.
func Fold(s string) string {
	s = norm.NFKC.String(cases.Fold().String(norm.NFKC.String(s)))
	return strings.Join(strings.Fields(s), " ")
}
