package oauth

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
)

// stored is the client as it is in the database.
func (h *harness) stored(id string) client.Client {
	h.t.Helper()
	found, err := h.service.clients.GetClient(h.t.Context(), id)
	require.NoError(h.t, err)
	c, ok := found.(*client.Client)
	require.True(h.t, ok)
	return *c
}

// What is written of a client is read again, each thing where it belongs.
func TestClientsAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		hub, number := int64(7), int64(41)
		at := func(hours int) time.Time {
			return h.clock.Now().Add(time.Duration(hours) * time.Hour).UTC().Truncate(time.Microsecond)
		}
		secretTime, formerTime := at(3), at(4)
		var first client.Client
		first.ID, first.Number, first.Hash, first.Hub, first.HubHash = "first", number, "0a", &hub, "0b"
		first.Name, first.AuthMethod = "Name", client.AuthBasic
		first.RedirectURIs, first.GrantTypes, first.Scopes = []string{callback}, []string{client.AuthorizationCode}, []string{"openid"}
		first.ResponseTypes, first.FirstParty, first.LogoURI = []string{"code"}, true, "https://app.example/logo.png"
		first.CreatedTime, first.ModifiedTime = at(1), at(2)
		first.SecretHash, first.SecretTime = []byte("secret"), &secretTime
		first.FormerSecretHash, first.FormerSecretExpirationTime = []byte("former"), &formerTime
		first.RegistrationHash, first.Registration = []byte("registration"), client.ByToken
		require.NoError(t, h.service.clients.Insert(t.Context(), h.db, &first))
		read := h.stored("first")
		assert.Equal(t, first, read)

		changed := read
		changed.Name, changed.AuthMethod, changed.AnySecret, changed.HubHash = "Other name", client.AuthPost, true, "0c"
		changed.RedirectURIs, changed.GrantTypes = []string{callback, "https://b.example/cb"}, []string{client.AuthorizationCode, client.RefreshToken}
		changed.Scopes, changed.FirstParty, changed.PKCEOptional, changed.ResourceServer = []string{"openid", "email"}, false, true, true
		changed.LogoURI, changed.ModifiedTime = "", at(5)
		require.True(t, h.updated(&read, &changed))
		assert.Equal(t, changed, h.stored("first"))
		assert.False(t, h.updated(&read, &changed), "it is not as it was read any more")

		open := changed
		open.AuthMethod, open.ModifiedTime = client.AuthNone, at(6)
		require.True(t, h.updated(&changed, &open))
		open.SecretHash, open.SecretTime, open.FormerSecretHash, open.FormerSecretExpirationTime = nil, nil, nil, nil
		assert.Equal(t, open, h.stored("first"), "without a secret")
		var public bool
		require.NoError(t, h.db.QueryRow(t.Context(), "SELECT public FROM clients WHERE id = 'first'").Scan(&public))
		assert.True(t, public)
	})
}

func (h *harness) updated(read, changed *client.Client) (done bool) {
	h.t.Helper()
	require.NoError(h.t, h.db.Tx(h.t.Context(), func(ctx context.Context, tx *db.Tx) (err error) {
		done, err = h.service.clients.Update(ctx, tx, read, changed)
		return err
	}))
	return done
}
