package grant

import (
	"reflect"
	"testing"
	"time"

	"github.com/ory/fosite"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A type that embeds fosite's session is cloned as fosite's, without its own
// fields. Ours clones itself, and shares nothing with the clone.
func TestTrap7ACloneIsWholeAndApart(t *testing.T) {
	t.Parallel()
	now := time.Now()
	build := func() *Session {
		hub, used, rotated, revoked := int64(7), now, now, now
		return &Session{
			Grant: &Grant{
				ID: ID{1}, Client: "c", Subject: "s", Session: "sid", Scopes: []string{"openid"}, CodeHash: []byte{1},
				Details: Details{
					RedirectURI: "r", Challenge: "ch", Nonce: "n", Hub: &hub, ProviderHub: &hub, Meaning: 2, Methods: []string{"pwd"}, AuthenticatedTime: now,
					Resources: []string{"https://api.example"}, Claims: []byte("{}"),
					Confirmation: &Confirmation{KeyThumbprint: "k"}, Actor: &Actor{Subject: "a"}, Parent: &ID{2},
				},
				CodeExpires: now, CodeUsed: &used, Generation: 3, Rotated: &rotated, Created: now, Expires: now, Revoked: &revoked,
			},
			Replay: true, Expires: map[fosite.TokenType]time.Time{fosite.AccessToken: now}, Issued: now, TokenID: "t", Subject: "p",
			Confirmation: &Confirmation{KeyThumbprint: "k"}, Actor: &Actor{Subject: "a"}, Acting: &Grant{Scopes: []string{"email"}},
		}
	}
	for _, v := range []reflect.Value{reflect.ValueOf(*build()), reflect.ValueOf(*build().Grant), reflect.ValueOf(build().Grant.Details)} {
		for i := range v.NumField() {
			require.False(t, v.Field(i).IsZero(), "this test does not fill %s", v.Type().Field(i).Name)
		}
	}

	original := build()
	clone, ok := original.Clone().(*Session)
	require.True(t, ok)
	assert.Equal(t, build(), clone)

	*clone.Grant.Details.Hub, *clone.Grant.CodeUsed, *clone.Grant.Rotated, *clone.Grant.Revoked = 0, time.Time{}, time.Time{}, time.Time{}
	clone.Grant.Scopes[0], clone.Grant.CodeHash[0], clone.Grant.Details.Methods[0] = "", 0, ""
	clone.Grant.Details.Resources[0], clone.Grant.Details.Claims[0] = "", 'x'
	*clone.Grant.Details.Confirmation, *clone.Grant.Details.Actor = Confirmation{}, Actor{}
	*clone.Confirmation, *clone.Actor, *clone.Grant.Details.Parent, clone.Acting.Scopes[0] = Confirmation{}, Actor{}, ID{}, ""
	clone.SetExpiresAt(fosite.AccessToken, time.Time{})
	clone.Grant.Subject = ""
	assert.Equal(t, build(), original)

	var none *Session
	assert.Empty(t, none.GetSubject())
	assert.NotPanics(t, func() { none.Clone() })
	assert.Empty(t, new(Session).GetSubject())
	assert.Empty(t, original.GetUsername())
}

func TestStanding(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) *time.Time {
		at := now.Add(-d)
		return &at
	}
	grace := 10 * time.Second
	tests := map[string]struct {
		g         Grant
		presented int64
		want      Standing
	}{
		"first":            {Grant{Generation: 1}, 1, Current},
		"replaced now":     {Grant{Generation: 2, Rotated: ago(0)}, 1, Retried},
		"replaced lately":  {Grant{Generation: 2, Rotated: ago(grace - 1)}, 1, Retried},
		"replaced before":  {Grant{Generation: 2, Rotated: ago(grace)}, 1, Reused},
		"by a clock ahead": {Grant{Generation: 2, Rotated: ago(-grace)}, 1, Reused},
		"two ago":          {Grant{Generation: 3, Rotated: ago(0)}, 1, Reused},
		"of the future":    {Grant{Generation: 1}, 2, Unknown},
		"never rotated":    {Grant{Generation: 1}, 0, Reused},
		"negative":         {Grant{Generation: 1}, -1, Reused},
	}
	for name, test := range tests {
		assert.Equal(t, test.want, test.g.Standing(test.presented, now, grace), name)
	}
	g := Grant{Generation: 2, Rotated: ago(0)}
	assert.Equal(t, Reused, g.Standing(1, now, 0), "without grace")
}

func TestIDsSortByTime(t *testing.T) {
	t.Parallel()
	now := time.Now()
	a, b := NewID(now), NewID(now.Add(time.Millisecond))
	assert.Less(t, a.String(), b.String())
	assert.NotEqual(t, a, NewID(now))
}

func TestActorsKeepTheirOrder(t *testing.T) {
	t.Parallel()
	var nobody *Actor
	assert.Zero(t, nobody.Depth())
	chain := &Actor{Subject: "b", Actor: &Actor{Subject: "a", Actor: &Actor{Subject: "administrator"}}}
	assert.Equal(t, 3, chain.Depth())
	assert.Equal(t, &Actor{Subject: "b", Actor: &Actor{Subject: "a", Actor: &Actor{Subject: "another name"}}}, chain.First("another name"))
	assert.Equal(t, "administrator", chain.Actor.Actor.Subject)
}

func TestIDsAsText(t *testing.T) {
	t.Parallel()
	id := NewID(time.Now())
	text, err := id.MarshalText()
	require.NoError(t, err)
	var again ID
	require.NoError(t, again.UnmarshalText(text))
	assert.Equal(t, id, again)
	for _, bad := range []string{"", "00", string(text) + "00", "x" + string(text)[1:]} {
		require.Error(t, again.UnmarshalText([]byte(bad)), bad)
	}
}
