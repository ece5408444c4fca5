package input

import (
	"net/url"
	"regexp"
	"strings"
	"time"
	_ "time/tzdata" // the zones that there are do not depend on the machine
	"unicode/utf8"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"

	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

const (
	// maxLine is how many characters a short text about somebody may have, and
	// maxLines a text of several lines.
	maxLine  = 200
	maxLines = 1000
	// These bound what is looked at, in bytes.
	maxURL   = 2000
	maxTag   = 100
	maxPhone = 100
)

// Line is a short text that may be empty: trimmed and in NFC.
func Line(v *fault.Violations, field, raw string) string {
	line, _ := textOf(v, field, raw, maxLine)
	return line
}

// Lines is a text of several lines, which end in LF.
func Lines(v *fault.Violations, field, raw string) string {
	if !utf8.ValidString(raw) {
		v.Add(field, "validation.utf8")
		return ""
	}
	raw = strings.TrimSpace(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(raw))
	if utf8.RuneCountInString(raw) > maxLines {
		v.Add(field, "validation.max_length", "Max", maxLines)
		return ""
	}
	lines := strings.Split(raw, "\n")
	for i, line := range lines {
		lines[i] = norm.NFC.String(strings.TrimSpace(line))
		if strings.ContainsFunc(lines[i], unfit) {
			v.Add(field, "validation.control_characters")
			return ""
		}
	}
	return strings.Join(lines, "\n")
}

// OptionalURL is an absolute https URL, or empty. Others follow it, so it carries
// no password and does nothing.
func OptionalURL(v *fault.Violations, field, raw string) string {
	raw = strings.TrimSpace(raw)
	switch {
	case !utf8.ValidString(raw):
		v.Add(field, "validation.utf8")
		return ""
	case len(raw) > maxURL:
		v.Add(field, "validation.max_length", "Max", maxURL)
		return ""
	case raw == "":
		return ""
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" || u.User != nil || u.Hostname() == "" || strings.ContainsFunc(raw, unfitInURL) {
		v.Add(field, "validation.https")
		return ""
	}
	u.Host = strings.ToLower(u.Host)
	return u.String()
}

// unfitInURL characters end a URL in a text, or cannot be seen in it.
func unfitInURL(r rune) bool { return r <= ' ' || strings.ContainsRune("\"<>\\^`{|}", r) || unfit(r) }

// Locale is a BCP 47 language tag in its usual spelling, or empty.
func Locale(v *fault.Violations, field, raw string) string {
	raw = strings.TrimSpace(raw)
	if raw == "" {
		return ""
	}
	tag, err := language.Parse(raw)
	if len(raw) > maxTag || err != nil || tag.IsRoot() {
		v.Add(field, "validation.locale")
		return ""
	}
	return tag.String()
}

// zone is the form of a name in the IANA time zone database. Some machines have
// its zones again below lower-case directories.
var zone = regexp.MustCompile(`^[A-Z][A-Za-z0-9+_-]*(/[A-Za-z0-9+_-]+){0,2}$`)

// Zone is a time zone of the IANA database, or empty.
func Zone(v *fault.Violations, field, raw string) string {
	raw = strings.TrimSpace(raw)
	if raw == "" {
		return ""
	}
	if len(raw) <= maxTag && zone.MatchString(raw) && raw != "Local" {
		if _, err := time.LoadLocation(raw); err == nil {
			return raw
		}
	}
	v.Add(field, "validation.zone")
	return ""
}

// OptionalPhone is a telephone number in E.164 form, or empty. It has to have its
// country code and a length that is possible there; whether anybody has it,
// nobody but its network knows.
func OptionalPhone(v *fault.Violations, field, raw string) string {
	raw = strings.TrimSpace(raw)
	if raw == "" {
		return ""
	}
	if len(raw) <= maxPhone && utf8.ValidString(raw) && strings.HasPrefix(raw, "+") {
		number, err := phonenumbers.Parse(raw, "ZZ") // no country: it has to name its own
		if err == nil && number.GetExtension() == "" && phonenumbers.IsPossibleNumber(number) {
			return phonenumbers.Format(number, phonenumbers.E164)
		}
	}
	v.Add(field, "validation.phone")
	return ""
}

// Day is a date somewhere on earth.
type Day struct{ last time.Time }

// Today is the latest date that it is anywhere at a time.
func Today(now time.Time) Day {
	const first = 14 * time.Hour // of UTC, where the day begins
	return Day{now.UTC().Add(first).Truncate(24 * time.Hour)}
}

// noYear stands for a year that is not told, and is a leap year as that is.
const noYear = "0000"

// Birthdate is YYYY-MM-DD, 0000-MM-DD without the year, or YYYY alone (OpenID
// Connect Core 1.0 section 5.1), not after today; or empty.
func (d Day) Birthdate(v *fault.Violations, field, raw string) string {
	raw = strings.TrimSpace(raw)
	if raw == "" {
		return ""
	}
	layout := time.DateOnly
	if len(raw) == len(noYear) {
		layout = "2006"
	}
	born, err := time.Parse(layout, raw)
	if err != nil || raw == noYear || born.After(d.last) {
		v.Add(field, "validation.birthdate")
		return ""
	}
	return raw
}
