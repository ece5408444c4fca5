package pkce

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// The pair of RFC 7636 appendix B.
const (
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

func TestVerify(t *testing.T) {
	t.Parallel()
	assert.True(t, Verify(challenge, verifier))
	assert.True(t, Verify("", ""))
	for _, wrong := range []string{
		"", challenge, verifier + "x", verifier[1:], strings.ToLower(verifier), verifier[:42] + "+", verifier + "\n", strings.Repeat("x", 129),
	} {
		assert.False(t, Verify(challenge, wrong), wrong)
	}
	assert.False(t, Verify("", verifier), "a downgrade")
}

func TestValidChallenge(t *testing.T) {
	t.Parallel()
	assert.True(t, ValidChallenge(challenge))
	for _, wrong := range []string{
		"", verifier[:42], challenge + "=", challenge + "\n", "\n" + challenge[1:], challenge[:42] + "N", strings.Repeat("+", 43), challenge + "AA",
	} {
		assert.False(t, ValidChallenge(wrong), wrong)
	}
}
