package upstream

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

// What seals the secrets again has to open them as they were sealed.
func TestSealedOpensProviders(t *testing.T) {
	t.Parallel()
	ring := testkit.Ring(t)
	r := hubRow{Hash: "h", Issuer: "https://idp.example", ClientID: "app"}
	require.NoError(t, r.seal(ring, "secret"))
	assert.Equal(t, []string{"hash", "issuer", "client_id"}, Sealed().Bound)
	purpose, aad := Sealed().Opens([]string{r.Hash, r.Issuer, r.ClientID})
	plain, err := ring.Open(purpose, r.Secret, aad)
	require.NoError(t, err)
	assert.Equal(t, "secret", string(plain))
}
