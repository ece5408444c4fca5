package oauth

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// TestClientsGoByNumberHashOrID as their hub's technical administrators name them;
// nobody else's are there.
func TestClientsGoByNumberHashOrID(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		hub := int64(7)
		administrator := &api.Actor{User: 1, Hub: &hub}
		create := oauth.CreateClientRequest{
			Actor: administrator, Metadata: oauth.Metadata{Name: "Reports", RedirectURIs: []string{callback}},
		}
		_, err := h.service.CreateClient(t.Context(), create)
		require.True(t, fault.Is(err, fault.Forbidden), "an administrator is no technical one: %v", err)

		h.accounts.mu.Lock()
		they := h.accounts.users[alice]
		they.Role = accounts.RoleTechnicalAdministrator
		h.accounts.users[alice] = they
		h.accounts.mu.Unlock()
		mine, err := h.service.CreateClient(t.Context(), create)
		require.NoError(t, err)
		require.NotEmpty(t, mine.Secret)
		others := h.web().Client

		names := []string{mine.Client.ID, mine.Client.Hash, strconv.FormatInt(mine.Client.Number, 10)}
		for _, name := range names {
			found, err := h.service.GetClient(t.Context(), oauth.ClientRequest{Actor: administrator, ID: name})
			require.NoError(t, err, name)
			assert.Equal(t, mine.Client, found)
			rotated, err := h.service.RotateSecret(t.Context(), oauth.RotateSecretRequest{Actor: administrator, ID: name, Overlap: 60})
			require.NoError(t, err, name)
			mine.Client = rotated.Client
			mine.Client, err = h.service.UpdateClient(t.Context(), oauth.UpdateClientRequest{
				Actor: administrator, ID: name, Changes: []byte(`{"client_name":"` + name + `"}`),
			})
			require.NoError(t, err, name)
		}
		for _, name := range []string{others.ID, others.Hash, strconv.FormatInt(others.Number, 10), "nobody", "1", alice} {
			_, err := h.service.GetClient(t.Context(), oauth.ClientRequest{Actor: administrator, ID: name})
			assert.True(t, fault.Is(err, fault.NotFound), "%s: %v", name, err)
			_, err = h.service.DeleteClient(t.Context(), oauth.ClientRequest{Actor: administrator, ID: name})
			assert.True(t, fault.Is(err, fault.NotFound), "%s: %v", name, err)
			_, err = h.service.RotateSecret(t.Context(), oauth.RotateSecretRequest{Actor: administrator, ID: name})
			assert.True(t, fault.Is(err, fault.NotFound), "%s: %v", name, err)
		}
		_, err = h.service.DeleteClient(t.Context(), oauth.ClientRequest{Actor: administrator, ID: names[1]})
		require.NoError(t, err)
		_, err = h.service.GetClient(t.Context(), oauth.ClientRequest{ID: names[0]})
		assert.True(t, fault.Is(err, fault.NotFound), "%v", err)
	})
}

func TestPagesOfRegistrationTokens(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		var hashes []string
		for _, name := range []string{"a", "b", "c"} {
			made, err := h.service.CreateRegistrationToken(t.Context(), oauth.CreateRegistrationTokenRequest{Name: name})
			require.NoError(t, err)
			assert.NotContains(t, made.Token, made.Hash)
			hashes = append(hashes, made.Hash)
		}
		page, err := h.service.ListRegistrationTokens(t.Context(), oauth.ListRegistrationTokensRequest{Page: api.Page{Number: 2, Size: 2}})
		require.NoError(t, err)
		assert.Equal(t, 3, page.Total)
		require.Len(t, page.Tokens, 1)
		assert.Equal(t, hashes[2], page.Tokens[0].Hash)
		assert.Nil(t, page.Tokens[0].Issuer, "the operator made it")

		_, err = h.service.DeleteRegistrationToken(t.Context(), oauth.RegistrationTokenRequest{Hash: hashes[0]})
		require.NoError(t, err)
		_, err = h.service.DeleteRegistrationToken(t.Context(), oauth.RegistrationTokenRequest{Hash: hashes[0]})
		assert.True(t, fault.Is(err, fault.NotFound), "%v", err)
		all, err := h.service.ListRegistrationTokens(t.Context(), oauth.ListRegistrationTokensRequest{})
		require.NoError(t, err)
		assert.Len(t, all.Tokens, 2)
	})
}
