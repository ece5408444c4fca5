package input

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// TestWhatPeopleSayOfThemselves: a rule is broken, or what is kept is wanted.
func TestWhatPeopleSayOfThemselves(t *testing.T) {
	t.Parallel()
	today := Today(time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC))
	late := Today(time.Date(2026, 11, 22, 11, 0, 0, 0, time.UTC)) // tomorrow has begun on the other side
	for _, tt := range []struct {
		name         string
		clean        func(*fault.Violations, string, string) string
		raw          string
		want, broken string
	}{
		{"line", Line, "  Zu\u0308rich ", "Zürich", ""},
		{"line, two", Line, "a\nb", "", "validation.control_characters"},
		{"line, longest", Line, strings.Repeat("ä", 200), strings.Repeat("ä", 200), ""},
		{"line, too long", Line, strings.Repeat("ä", 201), "", "validation.max_length"},
		{"line, turned around", Line, "a\u202eb", "", "validation.control_characters"},
		{"line, not UTF-8", Line, "\xff", "", "validation.utf8"},

		{"lines", Lines, "\r\n Säbener Str. 51 \r\n81547 Mu\u0308nchen\rGermany\n", "Säbener Str. 51\n81547 München\nGermany", ""},
		{"lines, empty", Lines, " \r\n ", "", ""},
		{"lines, too long", Lines, strings.Repeat("a\n", 501), "", "validation.max_length"},
		{"lines, NUL", Lines, "a\n\x00b", "", "validation.control_characters"},
		{"lines, a tab", Lines, "a\tb", "", "validation.control_characters"},
		{"lines, line separator", Lines, "a\u2028b", "", "validation.control_characters"},
		{"lines, not UTF-8", Lines, "a\n\xff", "", "validation.utf8"},

		{"url", OptionalURL, " https://Example.org/~olli?a=1#b ", "https://example.org/~olli?a=1#b", ""},
		{"url, other alphabet", OptionalURL, "https://bücher.example/ä", "https://b%C3%BCcher.example/%C3%A4", ""},
		{"url, empty", OptionalURL, " ", "", ""},
		{"url, http", OptionalURL, "http://example.org/", "", "validation.https"},
		{"url, script", OptionalURL, "javascript:alert(1)", "", "validation.https"},
		{"url, data", OptionalURL, "data:text/html,x", "", "validation.https"},
		{"url, no scheme", OptionalURL, "//example.org", "", "validation.https"},
		{"url, no host", OptionalURL, "https:///x", "", "validation.https"},
		{"url, a port alone", OptionalURL, "https://:443/x", "", "validation.https"},
		{"url, password", OptionalURL, "https://a:b@example.org/", "", "validation.https"},
		{"url, a space in it", OptionalURL, "https://example.org/a b", "", "validation.https"},
		{"url, a quote in it", OptionalURL, `https://example.org/"a`, "", "validation.https"},
		{"url, a tag in it", OptionalURL, "https://example.org/<b>", "", "validation.https"},
		{"url, a line in it", OptionalURL, "https://example.org/\r\nx", "", "validation.https"},
		{"url, turned around", OptionalURL, "https://example.org/\u202ea", "", "validation.https"},
		{"url, too long", OptionalURL, "https://example.org/" + strings.Repeat("a", 1981), "", "validation.max_length"},
		{"url, not UTF-8", OptionalURL, "https://example.org/\xff", "", "validation.utf8"},

		{"locale", Locale, "de_at", "de-AT", ""},
		{"locale, script", Locale, "zh-hant-tw", "zh-Hant-TW", ""},
		{"locale, empty", Locale, "", "", ""},
		{"locale, none", Locale, "und", "", "validation.locale"},
		{"locale, unknown", Locale, "yyy-XX", "", "validation.locale"},
		{"locale, a word", Locale, "German language", "", "validation.locale"},
		{"locale, not UTF-8", Locale, "\xff", "", "validation.locale"},
		{"locale, too long", Locale, "de" + strings.Repeat("-x-abcdefg", 20), "", "validation.locale"},

		{"zone", Zone, "Europe/Berlin", "Europe/Berlin", ""},
		{"zone, three parts", Zone, "America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires", ""},
		{"zone, UTC", Zone, "UTC", "UTC", ""},
		{"zone, fixed", Zone, "Etc/GMT+5", "Etc/GMT+5", ""},
		{"zone, empty", Zone, "", "", ""},
		{"zone, of the machine", Zone, "Local", "", "validation.zone"},
		{"zone, unknown", Zone, "Europe/Atlantis", "", "validation.zone"},
		{"zone, a copy", Zone, "posix/Europe/Berlin", "", "validation.zone"},
		{"zone, a file", Zone, "../../etc/passwd", "", "validation.zone"},
		{"zone, absolute", Zone, "/etc/localtime", "", "validation.zone"},
		{"zone, lower case", Zone, "europe/berlin", "", "validation.zone"},
		{"zone, not UTF-8", Zone, "Europe/\xff", "", "validation.zone"},

		{"phone", OptionalPhone, "+49 (89) 699-310", "+4989699310", ""},
		{"phone, Switzerland", OptionalPhone, "+41 44 668 18 00", "+41446681800", ""},
		{"phone, empty", OptionalPhone, "", "", ""},
		{"phone, no country", OptionalPhone, "089 699310", "", "validation.phone"},
		{"phone, no such country", OptionalPhone, "+999123456789", "", "validation.phone"},
		{"phone, too short there", OptionalPhone, "+1 555 010", "", "validation.phone"},
		{"phone, too long there", OptionalPhone, "+1 202 555 01234", "", "validation.phone"},
		{"phone, extension", OptionalPhone, "+1 202 555 0123 ext. 5", "", "validation.phone"},
		{"phone, a word", OptionalPhone, "+FLOWERS", "", "validation.phone"},
		{"phone, not UTF-8", OptionalPhone, "+4989\xff699310", "", "validation.phone"},
		{"phone, too much", OptionalPhone, "+" + strings.Repeat("4", 200), "", "validation.phone"},

		{"birthdate", today.Birthdate, "1969-06-15", "1969-06-15", ""},
		{"birthdate, year", today.Birthdate, "1969", "1969", ""},
		{"birthdate, this year", today.Birthdate, "2026", "2026", ""},
		{"birthdate, day", today.Birthdate, "0000-06-15", "0000-06-15", ""},
		{"birthdate, leap day", today.Birthdate, "0000-02-29", "0000-02-29", ""},
		{"birthdate, today", today.Birthdate, "2026-11-22", "2026-11-22", ""},
		{"birthdate, tomorrow", today.Birthdate, "2026-11-23", "", "validation.birthdate"},
		{"birthdate, today in Kiribati", late.Birthdate, "2026-11-23", "2026-11-23", ""},
		{"birthdate, empty", today.Birthdate, " ", "", ""},
		{"birthdate, next year", today.Birthdate, "2027", "", "validation.birthdate"},
		{"birthdate, no year alone", today.Birthdate, "0000", "", "validation.birthdate"},
		{"birthdate, no such day", today.Birthdate, "1999-02-29", "", "validation.birthdate"},
		{"birthdate, no such month", today.Birthdate, "0000-13-01", "", "validation.birthdate"},
		{"birthdate, a month", today.Birthdate, "1999-02", "", "validation.birthdate"},
		{"birthdate, German", today.Birthdate, "15.06.1969", "", "validation.birthdate"},
		{"birthdate, a time", today.Birthdate, "1969-06-15T00:00:00Z", "", "validation.birthdate"},
		{"birthdate, signed", today.Birthdate, "-969", "", "validation.birthdate"},
		{"birthdate, not UTF-8", today.Birthdate, "\xff", "", "validation.birthdate"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var v fault.Violations
			got := tt.clean(&v, "field", tt.raw)
			if tt.broken != "" {
				assert.Equal(t, []string{tt.broken}, messages(v["field"]))
				return
			}
			assert.Empty(t, v)
			assert.Equal(t, tt.want, got)
			assert.Equal(t, got, tt.clean(&v, "field", got), "it stays as it is")
		})
	}
}
