package i18n_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gatehouse-id/gatehouse/pkg/i18n"
)

func TestMatch(t *testing.T) {
	t.Parallel()
	c := catalogue(t)
	tests := map[string]struct {
		sources []string
		want    i18n.Language
	}{
		"nothing":                     {nil, i18n.English},
		"empty":                       {[]string{"", ""}, i18n.English},
		"German":                      {[]string{"de"}, i18n.German},
		"a region":                    {[]string{"de-AT"}, i18n.German},
		"lower and upper case":        {[]string{"DE-at"}, i18n.German},
		"a dialect":                   {[]string{"gsw"}, i18n.German},
		"the first source decides":    {[]string{"en", "de"}, i18n.English},
		"an unknown one does not":     {[]string{"ja", "de"}, i18n.German},
		"an empty one does not":       {[]string{"", "de"}, i18n.German},
		"any will do, so the user's":  {[]string{"*", "de"}, i18n.German},
		"by quality":                  {[]string{"en;q=0.4, de;q=0.6"}, i18n.German},
		"by order at equal quality":   {[]string{"de, en"}, i18n.German},
		"refused":                     {[]string{"de;q=0, en;q=0.1"}, i18n.English},
		"what browsers send":          {[]string{"de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7"}, i18n.German},
		"the best that there is":      {[]string{"ja, fr;q=0.9, de;q=0.5, en;q=0.2"}, i18n.German},
		"an unparsable entry":         {[]string{"not_a-language-at-all!, de"}, i18n.German},
		"an unparsable header":        {[]string{";;;q=,,,", "de"}, i18n.German},
		"a header beyond any measure": {[]string{strings.Repeat("de,", 1000), "en"}, i18n.English},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tt.want, c.Match(tt.sources...))
		})
	}
}

func FuzzMatch(f *testing.F) {
	c := catalogue(f)
	for _, header := range []string{"de", "en-US,en;q=0.5", "*", ";q=", "de;q=NaN, en", "x-a-b-c", strings.Repeat("-", 2000)} {
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		got := c.Match(header)
		if !got.Valid() {
			t.Errorf("Match(%q) = %d, which is no language", header, got)
		}
		german, english := c.Match(header, "de"), c.Match(header, "en")
		if german != english && got != i18n.Fallback {
			t.Errorf("Match(%q) = %v, yet a less important source changes it", header, got)
		}
		if german == english && german != got {
			t.Errorf("Match(%q) = %v, yet %v if anything follows", header, got, german)
		}
	})
}

func TestParseLanguage(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		want i18n.Language
		ok   bool
	}{
		"de":    {i18n.German, true},
		"de-CH": {i18n.German, true},
		"en":    {i18n.English, true},
		"EN-gb": {i18n.English, true},
		"fr":    {i18n.Fallback, false},
		"gsw":   {i18n.Fallback, false},
		"":      {i18n.Fallback, false},
		"de,en": {i18n.Fallback, false},
	}
	for tag, tt := range tests {
		t.Run(tag, func(t *testing.T) {
			t.Parallel()
			got, ok := i18n.ParseLanguage(tag)
			assert.Equal(t, tt.want, got)
			assert.Equal(t, tt.ok, ok)
		})
	}
}

func TestLanguageNumbersAreTheAPIs(t *testing.T) {
	t.Parallel()
	assert.EqualValues(t, 0, i18n.German)
	assert.EqualValues(t, 1, i18n.English)
	assert.Equal(t, "de", i18n.German.Tag())
	assert.Equal(t, "en", i18n.English.Tag())
	assert.Equal(t, "en", i18n.Language(7).Tag(), "a stored number that is no language")
	assert.False(t, i18n.Language(7).Valid())
	assert.False(t, i18n.Language(-1).Valid())
	for _, l := range i18n.Languages() {
		assert.True(t, l.Valid())
		parsed, ok := i18n.ParseLanguage(l.Tag())
		assert.True(t, ok)
		assert.Equal(t, l, parsed)
	}
}
