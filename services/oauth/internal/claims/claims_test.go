package claims

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/scope"
)

func known() accounts.Account {
	return accounts.Account{
		User: accounts.User{
			FirstName: "Alice", LastName: "Example", Alias: "alice", Email: "alice@example.org", EmailVerified: true,
			Language: accounts.German, ModifiedTime: time.Unix(1767254400, 0),
		},
		Hub: &accounts.Hub{Hash: "h", Name: "Falcon"}, Role: accounts.RoleOwner, Phone: "+4915123456789",
	}
}

// TestEveryNameHasAValue keeps discovery true.
func TestEveryNameHasAValue(t *testing.T) {
	t.Parallel()
	selected := Select(known(), Names())
	for _, name := range Names() {
		_, about := selected[name]
		assert.NotEqual(t, about, slices.Contains(protocol, name), name)
	}
	assert.Len(t, values(known()), len(OfScopes(scope.User())), "and every value a scope")
}

func TestWhatHasNoValueIsLeftOut(t *testing.T) {
	t.Parallel()
	bare := accounts.Account{User: accounts.User{Email: "bob@example.org", Language: accounts.English, ModifiedTime: time.Unix(5, 0)}}
	assert.Equal(t, map[string]any{
		"locale": "en", "updated_at": int64(5), "email": "bob@example.org", "email_verified": false,
	}, Select(bare, Names()))
	assert.Empty(t, Select(known(), nil))
	assert.Empty(t, Select(known(), []string{"sub", "iss", "address", "picture", ""}))
}

func TestWhatIsAskedForIsWhatScopesWouldGive(t *testing.T) {
	t.Parallel()
	r, err := Parse(`{"userinfo": {"email": null, "name#de": {"essential": true}, "name": null, "x": {"y": 1}}, "id_token": {"acr": null, "hub": null}}`)
	require.NoError(t, err)
	c := &client.Client{Client: oauth.Client{Metadata: oauth.Metadata{Scopes: []string{scope.OpenID, scope.Profile, scope.Email}}}}
	assert.Equal(t, []string{"email", "name"}, About(r.UserInfo, c))
	assert.Empty(t, About(r.IDToken, c))
	assert.Equal(t, []string{scope.Profile, scope.Email}, r.Scopes(c))
	c.Scopes = []string{scope.OpenID, scope.Profile, scope.Hub}
	assert.Equal(t, []string{"name"}, About(r.UserInfo, c), "no more than a scope would give the client")
	assert.Equal(t, []string{"hub"}, About(r.IDToken, c))
	assert.Equal(t, []string{scope.Profile, scope.Hub}, r.Scopes(c))
}
