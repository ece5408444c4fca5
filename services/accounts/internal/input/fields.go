package input

import (
	"math"
	"strings"
	"unicode/utf8"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// MaxAlias is how many characters an alias may have.
const MaxAlias = 64

// OptionalAlias is an alias, or empty. It is ASCII, so that none looks like
// another one.
func OptionalAlias(v *fault.Violations, field, raw string) string {
	switch {
	case !utf8.ValidString(raw):
		v.Add(field, "validation.utf8")
	case len(raw) > MaxAlias:
		v.Add(field, "validation.max_length", "Max", MaxAlias)
	case raw != "" && !isAlias(raw):
		v.Add(field, "validation.alias")
	default:
		return raw
	}
	return ""
}

func isAlias(s string) bool {
	for i, c := range []byte(s) {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (i == 0 || (c < '0' || c > '9') && !strings.ContainsRune(".-_", rune(c))) {
			return false
		}
	}
	return true
}

// Language checks that it is one of those there are.
func Language(v *fault.Violations, field string, language accounts.Language) {
	if language != accounts.German && language != accounts.English {
		v.Add(field, "validation.one_of", "Values", "0, 1")
	}
}

// Role checks that it is one of those there are, from the least on.
func Role(v *fault.Violations, field string, role, least accounts.Role) {
	if role < least || role > accounts.RoleOwner {
		const all = "0, 1, 2, 3, 4, 5"
		v.Add(field, "validation.one_of", "Values", all[3*int(least):])
	}
}

// Page checks that there can be such a page.
func Page(v *fault.Violations, p api.Page) {
	const last = math.MaxInt32 // lists are shorter
	if p.Number < 1 || p.Number > last {
		v.Add("page", "validation.between", "Min", 1, "Max", last)
	}
	if p.Size < 1 || p.Size > api.MaxPageSize {
		v.Add("per_page", "validation.between", "Min", 1, "Max", api.MaxPageSize)
	}
}

// Needle is what to look for in a list, folded.
func Needle(v *fault.Violations, field, raw string) string {
	return Fold(OptionalName(v, field, raw))
}
