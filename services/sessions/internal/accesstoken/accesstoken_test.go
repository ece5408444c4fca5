package accesstoken_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/services/sessions/internal/accesstoken"
)

// known was made once; its form must not change, as it is in people's scripts.
const known = "gh_pat_00112233445566778899aabbccddeeff001122333cRcYA"

func TestTokensAreOfTheDocumentedForm(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^gh_pat_[0-9a-f]{40}[0-9A-Za-z]{6}$`)
	seen := map[string]bool{}
	for range 100 {
		token := accesstoken.New()
		require.Regexp(t, form, token)
		digest, ok := accesstoken.Digest(token)
		require.True(t, ok)
		require.Len(t, digest, 32)
		seen[string(digest)] = true
	}
	assert.Len(t, seen, 100)
	_, ok := accesstoken.Digest(known)
	assert.True(t, ok)
}

func TestTyposAreNoTokens(t *testing.T) {
	t.Parallel()
	for i := range len(known) {
		for _, c := range "0aZ" {
			typo := known[:i] + string(c) + known[i+1:]
			_, ok := accesstoken.Digest(typo)
			assert.Equal(t, typo == known, ok, typo)
		}
	}
	for _, text := range []string{"", "gh_pat_", known + "0", known[1:], strings.ToUpper(known), known + "\n", strings.Repeat("x", 1<<16)} {
		_, ok := accesstoken.Digest(text)
		assert.False(t, ok, text)
	}
}

func FuzzDigest(f *testing.F) {
	f.Add(known)
	f.Add("gh_pat_")
	f.Fuzz(func(t *testing.T, text string) {
		digest, ok := accesstoken.Digest(text)
		if ok != (len(digest) == 32) || ok && (len(text) != len(known) || !strings.HasPrefix(text, "gh_pat_")) {
			t.Errorf("%q: %x, %t", text, digest, ok)
		}
	})
}
