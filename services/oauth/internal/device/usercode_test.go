package device

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestUserCodesAreReadAsPeopleTypeThem(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"BCDF-GHJK":                           "BCDF-GHJK",
		"BCDFGHJK":                            "BCDF-GHJK",
		"bcdf-ghjk":                           "BCDF-GHJK",
		"  bCdF gHjK\t\n":                     "BCDF-GHJK",
		"B-C-D-F-G-H-J-K":                     "BCDF-GHJK",
		"BCDF\u2010GHJK":                      "BCDF-GHJK", // a hyphen, as word processors have it
		"BCDF\u2013GHJK":                      "BCDF-GHJK",
		"BCDF\u00a0\u2014\u00a0GHJK":          "BCDF-GHJK",
		"-BCDFGHJK-":                          "BCDF-GHJK",
		"":                                    "",
		"-":                                   "",
		"BCDF-GHJ":                            "",
		"BCDF-GHJKL":                          "",
		"ACDF-GHJK":                           "", // no vowels
		"BCDF-GHJ1":                           "",
		"BCDF_GHJK":                           "",
		"BCDF.GHJK":                           "",
		"BCDF-GHJ\u212a":                      "", // the Kelvin sign
		"BCDF-GHJ\xff":                        "",
		"BCDFGHJK\x00":                        "",
		strings.Repeat("B", 1<<20):            "",
		"BCDFGHJK" + strings.Repeat(" ", 100): "",
	} {
		code, ok := ParseUserCode(typed)
		require.Equal(t, want != "", ok, "%q", typed)
		if ok {
			assert.Equal(t, want, code.String(), "%q", typed)
		}
	}
}

func TestNewUserCodesDiffer(t *testing.T) {
	t.Parallel()
	seen, letters := map[UserCode]bool{}, map[rune]int{}
	for range 2000 {
		code := NewUserCode()
		again, ok := ParseUserCode(code.String())
		require.True(t, ok, code)
		require.Equal(t, code, again)
		require.False(t, seen[code])
		seen[code] = true
		for _, r := range code {
			letters[r]++
		}
	}
	assert.Len(t, letters, len(alphabet))
	for r, n := range letters { // 800 expected of each; six standard deviations are 165
		assert.InDelta(t, 800, n, 165, string(r))
	}
}

func FuzzParseUserCode(f *testing.F) {
	for _, seed := range []string{"BCDF-GHJK", "bcdfghjk", " b c d f g h j k ", "BCDF\u2013GHJK", "\xff", "ſcdfghjk", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		code, ok := ParseUserCode(typed)
		if !ok {
			return
		}
		require.True(t, utf8.ValidString(typed), "%q", typed)
		require.Len(t, string(code), userCodeSize)
		require.Empty(t, strings.Trim(string(code), alphabet))
		again, ok := ParseUserCode(code.String())
		require.True(t, ok)
		require.Equal(t, code, again)
	})
}
