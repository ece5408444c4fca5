package claims

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/grant"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/scope"
)

func known() accounts.Account {
	return accounts.Account{
		User: accounts.User{
			FirstName: "Alice", LastName: "Example", Alias: "alice", Email: "alice@example.org", EmailVerified: true,
			Language: accounts.German, ModifiedTime: time.Unix(1767254400, 0),
		},
		Hub: &accounts.Hub{Hash: "h", Name: "Falcon"}, Role: accounts.RoleOwner, Phone: "+4915123456789",
		Profile: &accounts.Profile{
			MiddleName: "M", Nickname: "Al", Profile: "https://example.org/alice", Picture: "https://id.example/picture/x",
			Website: "https://example.org", Gender: "female", Birthdate: "0000-02-29", Zoneinfo: "Europe/Berlin", Locale: "de-AT",
			PhoneNumber: "+4989699310", Address: accounts.Address{Locality: "Wien"}, ModifiedTime: time.Unix(1767254500, 0),
		},
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
	assert.Empty(t, Select(known(), []string{"sub", "iss", "shoe_size", ""}))
	bare.Profile = &accounts.Profile{Address: accounts.Address{}, ModifiedTime: time.Unix(6, 0)}
	assert.Equal(t, map[string]any{
		"locale": "en", "updated_at": int64(6), "email": "bob@example.org", "email_verified": false,
	}, Select(bare, Names()))
}

// TestWhatUsersSayGoesFirst: a number is verified only if somebody has verified
// this one.
func TestWhatUsersSayGoesFirst(t *testing.T) {
	t.Parallel()
	names := []string{"phone_number", "phone_number_verified", "locale", "updated_at", "address"}
	got, err := json.Marshal(Select(known(), names))
	require.NoError(t, err)
	assert.JSONEq(t, `{"phone_number": "+4989699310", "phone_number_verified": false, "locale": "de-AT", "updated_at": 1767254500,
		"address": {"locality": "Wien"}}`, string(got), "an empty part of an address is left out")
	a := known()
	a.Profile.PhoneNumber, a.Profile.Locale = "", ""
	assert.Equal(t, map[string]any{"phone_number": "+4915123456789", "phone_number_verified": true, "locale": "de"}, Select(a, names[:3]))
	a = known()
	a.Profile.PhoneNumberVerified = true
	assert.Equal(t, true, Select(a, names)["phone_number_verified"])
}

func TestGrantsTellWhatTheyMeant(t *testing.T) {
	t.Parallel()
	all, hub := OfScopes(scope.User()), int64(7)
	narrow := slices.Concat(narrowProfile, []string{"email", "email_verified", "phone_number", "phone_number_verified", "hub"})
	confined := slices.Concat(narrowProfile, []string{"email", "email_verified", "hub"})
	for name, tt := range map[string]struct {
		details grant.Details
		names   []string
		want    []string
		ask     accounts.ClaimsRequest
	}{
		"now":       {grant.Details{Meaning: scope.Meaning}, all, all, accounts.ClaimsRequest{Phone: true, Profile: true}},
		"then":      {grant.Details{}, all, narrow, accounts.ClaimsRequest{Phone: true}},
		"narrow":    {grant.Details{Meaning: scope.Narrow}, all, narrow, accounts.ClaimsRequest{Phone: true}},
		"confined":  {grant.Details{Meaning: scope.Meaning, ProviderHub: &hub}, all, confined, accounts.ClaimsRequest{}},
		"an email":  {grant.Details{Meaning: scope.Meaning}, []string{"email"}, []string{"email"}, accounts.ClaimsRequest{}},
		"the hub":   {grant.Details{Meaning: scope.Meaning, Hub: &hub}, []string{"hub"}, []string{"hub"}, accounts.ClaimsRequest{Hub: &hub}},
		"a name":    {grant.Details{Meaning: scope.Meaning}, []string{"name"}, []string{"name"}, accounts.ClaimsRequest{Profile: true}},
		"a number":  {grant.Details{Meaning: scope.Meaning}, []string{"phone_number"}, []string{"phone_number"}, accounts.ClaimsRequest{Phone: true, Profile: true}},
		"no claims": {grant.Details{Meaning: scope.Meaning}, nil, nil, accounts.ClaimsRequest{}},
	} {
		told, ask := OfGrant(&grant.Grant{Subject: "s", Details: tt.details}, tt.names)
		tt.ask.Subject = "s"
		assert.ElementsMatch(t, tt.want, told, name)
		assert.Equal(t, tt.ask, ask, name)
	}
	assert.Contains(t, all, "address", "OfGrant leaves what it is given alone")
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
