package input

import (
	"errors"
	"net/mail"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

const (
	// MaxEmail is the longest usable address in bytes (RFC 5321, section
	// 4.5.3.1.3, less the angle brackets).
	MaxEmail = 254
	maxLocal = 64 // RFC 5321, section 4.5.3.1.1
)

// Email is an address that mail can be sent to.
type Email struct {
	// Address is as typed, but with the domain in lower-case ASCII: that is
	// what every mail server understands.
	Address string
	// Key identifies the mailbox. By RFC 5321 the local part could be case
	// sensitive; nowhere it is, and people do not type it consistently.
	Key string
}

// RequiredEmail is the address in a field.
func RequiredEmail(v *fault.Violations, field, raw string) Email {
	switch trimmed := strings.TrimSpace(raw); {
	case !utf8.ValidString(raw):
		v.Add(field, "validation.utf8")
	case trimmed == "":
		v.Add(field, "validation.required")
	case len(trimmed) > MaxEmail:
		v.Add(field, "validation.max_length", "Max", MaxEmail)
	default:
		email, err := ParseEmail(trimmed)
		if err == nil {
			return email
		}
		v.Add(field, "validation.email")
	}
	return Email{}
}

var errEmail = errors.New("not a usable email address")

// ParseEmail accepts less than RFC 5322 does: no display name, comment, quoted
// local part or address literal, a domain of at least two labels, and only
// ASCII before the @, since not every server takes more (RFC 6531).
func ParseEmail(raw string) (Email, error) {
	raw = strings.TrimSpace(raw)
	local, domain, found := cutLast(raw, "@")
	if !found || !utf8.ValidString(raw) || len(raw) > MaxEmail || len(local) > maxLocal || !dotAtom(local) {
		return Email{}, errEmail
	}
	domain, err := asciiDomain(domain)
	if err != nil {
		return Email{}, errEmail
	}
	address := local + "@" + domain
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Name != "" || parsed.Address != address || len(address) > MaxEmail {
		return Email{}, errEmail
	}
	return Email{Address: address, Key: strings.ToLower(address)}, nil
}

// Local is the part of an address before the @.
func Local(address string) string {
	local, _, _ := cutLast(address, "@")
	return local
}

// LoginKey is what somebody typed to log in, as the key of an address or of an
// alias. An alias has no @. A text that can be neither gives two empty keys,
// which nobody has.
func LoginKey(raw string) (email, alias string) {
	raw = strings.TrimSpace(raw)
	if !utf8.ValidString(raw) || strings.ContainsFunc(raw, unfit) || len(raw) > 4*MaxEmail {
		return "", ""
	}
	if !strings.Contains(raw, "@") {
		return "", AliasKey(raw)
	}
	parsed, err := ParseEmail(raw)
	if err != nil {
		return "", ""
	}
	return parsed.Key, ""
}

// AliasKey identifies an alias whatever its case.
func AliasKey(alias string) string {
	return strings.ToLower(norm.NFKC.String(alias))
}

// dotAtom is RFC 5322's, section 3.2.3.
func dotAtom(s string) bool {
	for _, atom := range strings.Split(s, ".") {
		if atom == "" {
			return false
		}
		for _, c := range []byte(atom) {
			letter := c|0x20 >= 'a' && c|0x20 <= 'z'
			digit := c >= '0' && c <= '9'
			if !letter && !digit && !strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", rune(c)) {
				return false
			}
		}
	}
	return true
}

// domains are names that can be looked up (UTS #46), of DNS length.
var domains = idna.New(
	idna.MapForLookup(),
	idna.BidiRule(),
	idna.StrictDomainName(true),
	idna.CheckHyphens(true),
	idna.ValidateLabels(true),
	idna.VerifyDNSLength(true),
	idna.Transitional(false),
)

func asciiDomain(domain string) (string, error) {
	ascii, err := domains.ToASCII(domain)
	if err != nil {
		return "", errEmail
	}
	if again, err := domains.ToASCII(ascii); err != nil || again != ascii {
		return "", errEmail // encodes what may not be in a name
	}
	_, last, found := cutLast(ascii, ".")
	if !found || last == "" || strings.Trim(last, "0123456789") == "" {
		return "", errEmail // one label, a trailing dot, or an IP address
	}
	return ascii, nil
}

func cutLast(s, separator string) (before, after string, found bool) {
	i := strings.LastIndex(s, separator)
	if i < 0 {
		return "", s, false
	}
	return s[:i], s[i+len(separator):], true
}
