package i18n

import (
	"cmp"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// Language is a language of the catalogue. Its values are the API's numbers.
type Language int

// The languages of the catalogue.
const (
	German  Language = 0
	English Language = 1
)

// Fallback is the language of whoever asks for one that the catalogue lacks.
const Fallback = English

// maxHeader is the longest language header that is looked at, in bytes. Real
// ones stay below 200; parsing costs time in proportion to the length.
const maxHeader = 1024

// Languages lists the languages of the catalogue.
func Languages() []Language { return []Language{German, English} }

// Tag is the BCP 47 tag, as Content-Language wants it. A number that is no
// language has the fallback's.
func (l Language) Tag() string {
	if l == German {
		return "de"
	}
	return "en"
}

// String is the tag.
func (l Language) String() string { return l.Tag() }

// Valid tells whether l is a language of the catalogue.
func (l Language) Valid() bool { return slices.Contains(Languages(), l) }

// ParseLanguage reads one BCP 47 tag; region and script do not matter ("de-AT"
// is German). It is false if the catalogue has no such language.
func ParseLanguage(tag string) (Language, bool) {
	t, err := language.Parse(tag)
	if err != nil {
		return Fallback, false
	}
	base, _ := t.Base()
	for _, l := range Languages() {
		if base.String() == l.Tag() {
			return l, true
		}
	}
	return Fallback, false
}

// Match picks the language to answer in. Each argument is one source of
// preferences, the most important first: a Content-Language or Accept-Language
// header (RFC 9110 sections 8.5 and 12.5.4), or the user's own tag. The first
// source that fits any language of the catalogue decides; without one it is
// the fallback. Whatever does not parse is passed over.
func (c *Catalogue) Match(tags ...string) Language {
	for _, header := range tags {
		wanted := preferences(header)
		if len(wanted) == 0 {
			continue
		}
		if _, i, confidence := c.matcher.Match(wanted...); confidence > language.No {
			return Languages()[i]
		}
	}
	return Fallback
}

// preferences reads a language header entry by entry, because x/text refuses
// the whole header for one entry it does not know.
func preferences(header string) []language.Tag {
	if len(header) > maxHeader {
		return nil
	}
	type preference struct {
		tag     language.Tag
		quality float32
	}
	var found []preference
	for entry := range strings.SplitSeq(header, ",") {
		tags, qualities, err := language.ParseAcceptLanguage(entry)
		if err != nil {
			continue
		}
		for i, tag := range tags {
			found = append(found, preference{tag, qualities[i]})
		}
	}
	slices.SortStableFunc(found, func(a, b preference) int { return cmp.Compare(b.quality, a.quality) })

	sorted := make([]language.Tag, len(found))
	for i, p := range found {
		sorted[i] = p.tag
	}
	return sorted
}
