package sessions

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

func TestSigningKeysOnDemand(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		list, err := f.SigningKeys(t.Context(), api.Nothing{})
		require.NoError(t, err)
		require.Len(t, list.Keys, 1)
		first := list.Keys[0]
		list, err = f.RotateKeys(t.Context(), api.RotateKeysRequest{})
		require.NoError(t, err)
		require.Len(t, list.Keys, 2)
		assert.Equal(t, api.KeySigning, list.Keys[0].State)
		assert.Equal(t, first.ID, list.Keys[1].ID)
		_, err = f.RevokeKey(t.Context(), api.SigningKeyRequest{ID: first.ID})
		require.NoError(t, err)
		_, err = f.keys.Verifying(t.Context(), first.ID)
		require.Error(t, err)

		_, err = f.RevokeKey(t.Context(), api.SigningKeyRequest{ID: "made up"})
		assert.True(t, fault.Is(err, fault.NotFound), "%v", err)
		_, err = f.RotateKeys(t.Context(), api.RotateKeysRequest{Algorithm: "none"})
		assert.True(t, fault.Is(err, fault.Invalid), "%v", err)
		require.NoError(t, f.outbox.Drain(t.Context()))
		var kinds []string
		for _, e := range f.audit.events {
			assert.True(t, e.Operator)
			assert.Equal(t, "sessions", e.Detail["service"])
			kinds = append(kinds, e.Kind)
		}
		assert.ElementsMatch(t, []string{"key.rotated", "key.revoked"}, kinds)
	})
}
