package challenge

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

// What seals factors again has to open them as they were sealed.
func TestSealedOpensFactors(t *testing.T) {
	t.Parallel()
	c := New(Options{Ring: testkit.Ring(t)})
	for _, channel := range []accounts.Channel{accounts.ChannelSMS, accounts.ChannelApp} {
		sealed, err := c.Seal(channel, "some-hash", "secret")
		require.NoError(t, err)
		purpose, aad := Sealed().Opens([]string{"some-hash", strconv.Itoa(int(channel))})
		plain, err := c.o.Ring.Open(purpose, sealed, aad)
		require.NoError(t, err)
		assert.Equal(t, "secret", string(plain))
	}
	assert.Equal(t, []string{"hash", "channel"}, Sealed().Bound)
}
