package oauth

import (
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
)

// With a key instead of a secret: a signature is made and checked, and an id
// used up.
func BenchmarkClientCredentialsByAssertion(b *testing.B) {
	benchmark(b, func(b *testing.B, h *harness, _ oauth.CreatedClient) {
		b.Helper()
		key := ecKey(b)
		c := h.keyed(key)
		for b.Loop() {
			h.mustDo(b, post("/oauth2/token", asserted(ownToken(), sign(b, jose.ES256, key, h.asserting(c)))))
		}
	})
}
