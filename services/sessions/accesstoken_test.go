package sessions

import (
	"crypto/sha256"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/sessions/internal/accesstoken"
)

// accessToken makes a personal access token of whoever uses the session.
func (f *fixture) accessToken(by sessions.Token, r sessions.CreateAccessTokenRequest) sessions.CreatedAccessToken {
	f.t.Helper()
	r.Actor = actor(by)
	if r.Name == "" {
		r.Name = "Backup"
	}
	created, err := f.CreateAccessToken(f.t.Context(), r)
	require.NoError(f.t, err)
	return created
}

func (f *fixture) use(t sessions.CreatedAccessToken) sessions.AccessToken {
	f.t.Helper()
	used, err := f.UseAccessToken(f.t.Context(), sessions.UseAccessTokenRequest{Token: t.Token, Origin: browser})
	require.NoError(f.t, err)
	return used
}

// openWith opens a session with a personal access token.
func (f *fixture) openWith(t sessions.CreatedAccessToken, hub *int64) sessions.Token {
	f.t.Helper()
	r := login(t.User, hub)
	r.PAT = &t.ID
	return f.open(r)
}

func TestWhatATokenMayBe(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		now := f.clock.Now()
		in := func(d time.Duration) *time.Time { return new(now.Add(d)) }
		by := actor(f.open(login(olli, ref(1))))
		decade := now.AddDate(10, 0, 0)
		for name, tt := range map[string]struct {
			request sessions.CreateAccessTokenRequest
			fields  []string
		}{
			"longest":         {sessions.CreateAccessTokenRequest{Name: strings.Repeat("ü", 255), ExpirationTime: &decade}, nil},
			"both scopes":     {sessions.CreateAccessTokenRequest{Name: "a", Scopes: []sessions.TokenScope{"read", "*"}}, nil},
			"nameless":        {sessions.CreateAccessTokenRequest{Name: " \n "}, []string{"name"}},
			"too long":        {sessions.CreateAccessTokenRequest{Name: strings.Repeat("ü", 256)}, []string{"name"}},
			"control":         {sessions.CreateAccessTokenRequest{Name: "a\x00b"}, []string{"name"}},
			"no UTF-8":        {sessions.CreateAccessTokenRequest{Name: "a\xff"}, []string{"name"}},
			"expired":         {sessions.CreateAccessTokenRequest{Name: "a", ExpirationTime: in(0)}, []string{"expiration_time"}},
			"too late":        {sessions.CreateAccessTokenRequest{Name: "a", ExpirationTime: new(decade.Add(time.Second))}, []string{"expiration_time"}},
			"unknown scope":   {sessions.CreateAccessTokenRequest{Name: "a", Scopes: []sessions.TokenScope{"write"}}, []string{"scopes"}},
			"scope twice":     {sessions.CreateAccessTokenRequest{Name: "a", Scopes: []sessions.TokenScope{"read", "read"}}, []string{"scopes"}},
			"several at once": {sessions.CreateAccessTokenRequest{ExpirationTime: in(-time.Hour), Scopes: []sessions.TokenScope{""}}, []string{"name", "expiration_time", "scopes"}},
		} {
			tt.request.Actor = by
			created, err := f.CreateAccessToken(t.Context(), tt.request)
			if tt.fields == nil {
				require.NoError(t, err, name)
				f.use(created)
				continue
			}
			requireFault(t, err, fault.Invalid, "fault.invalid")
			require.ElementsMatch(t, tt.fields, slices.Collect(maps.Keys(fault.From(err).Fields)), name)
		}
		assert.Equal(t, int64(2), f.count(`SELECT COUNT(*) FROM access_tokens`))
	})
}

func TestTheTextOfATokenIsNotStored(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		created := f.accessToken(f.open(login(olli, ref(1))), sessions.CreateAccessTokenRequest{})
		sum := sha256.Sum256([]byte(created.Token))
		assert.Equal(t, int64(1), f.count(`SELECT COUNT(*) FROM access_tokens WHERE digest = $1`, sum[:]))
		secret := created.Token[len("gh_pat_"):]
		assert.Zero(t, f.count(`SELECT COUNT(*) FROM access_tokens WHERE hash LIKE $1 OR name LIKE $1`, "%"+secret[:40]+"%"))
		events, err := json.Marshal(f.audited())
		require.NoError(t, err)
		assert.NotContains(t, string(events), secret[:20])
	})
}

func TestUnusableTokensAreAllAlike(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		by := f.open(login(olli, ref(1)))
		soon := f.clock.Now().Add(time.Minute)
		expired := f.accessToken(by, sessions.CreateAccessTokenRequest{ExpirationTime: &soon})
		deleted := f.accessToken(by, sessions.CreateAccessTokenRequest{})
		_, err := f.DeleteAccessToken(t.Context(), sessions.DeleteAccessTokenRequest{Actor: actor(by), Token: api.Ref{Hash: deleted.Hash}})
		require.NoError(t, err)
		f.clock.Advance(time.Minute)
		for name, text := range map[string]string{
			"expired": expired.Token, "deleted": deleted.Token, "unknown": accesstoken.New(), "malformed": "gh_pat_x", "empty": "",
		} {
			_, err := f.UseAccessToken(t.Context(), sessions.UseAccessTokenRequest{Token: text})
			require.Error(t, err, name)
			assert.Equal(t, fault.New(fault.Unauthenticated, "fault.credentials"), fault.From(err).Sent(), name)
		}
		for _, id := range []int64{expired.ID, deleted.ID, 987654} {
			request := login(olli, nil)
			request.PAT = &id
			_, err := f.Create(t.Context(), request)
			requireFault(t, err, fault.Unauthenticated, "fault.credentials")
		}
		others := f.accessToken(f.open(login(mia, nil)), sessions.CreateAccessTokenRequest{})
		request := login(olli, nil)
		request.PAT = &others.ID
		_, err = f.Create(t.Context(), request)
		requireFault(t, err, fault.Unauthenticated, "fault.credentials")
	})
}

func TestASessionOfATokenIsNoMoreThanTheToken(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		by := f.open(login(olli, ref(1)))
		end := f.clock.Now().Add(45 * time.Minute)
		reading := f.accessToken(by, sessions.CreateAccessTokenRequest{
			ExpirationTime: &end, Scopes: []sessions.TokenScope{sessions.TokenRead},
		})
		all := f.accessToken(by, sessions.CreateAccessTokenRequest{})
		assert.False(t, f.openWith(all, nil).Session.ReadOnly)

		request := login(olli, ref(1))
		request.PAT, request.Remember = &reading.ID, true
		token := f.open(request)
		assert.True(t, token.Session.ReadOnly)
		assert.InDelta(t, float64(reading.ID), claimsOf(t, token.Token)["pat"], 0)
		f.clock.Advance(20 * time.Minute)
		for _, next := range []sessions.Token{token, f.refresh(token), f.switchHub(token.Session.ID, ref(2))} {
			assert.True(t, next.ExpirationTime.Equal(end))
			assert.True(t, next.Session.ReadOnly)
			token = next
		}
		f.clock.Advance(25*time.Minute - time.Microsecond)
		f.good(token)
		f.clock.Advance(time.Second + time.Microsecond)
		f.over(token)
	})
}

func TestDeletingATokenEndsItsSessions(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		by := f.open(login(olli, ref(1)))
		one, two := f.accessToken(by, sessions.CreateAccessTokenRequest{Name: "One"}), f.accessToken(by, sessions.CreateAccessTokenRequest{})
		first, second, other := f.openWith(one, nil), f.openWith(one, ref(1)), f.openWith(two, nil)
		f.audited()
		stranger := actor(f.open(login(mia, nil)))
		_, err := f.DeleteAccessToken(t.Context(), sessions.DeleteAccessTokenRequest{Actor: stranger, Token: api.Ref{ID: one.ID}})
		requireFault(t, err, fault.NotFound, "fault.not_found")
		request := sessions.DeleteAccessTokenRequest{Actor: actor(by), Token: api.Ref{ID: one.ID}}
		_, err = f.DeleteAccessToken(t.Context(), request)
		require.NoError(t, err)
		f.over(first, second)
		f.good(other, by)
		_, err = f.DeleteAccessToken(t.Context(), request)
		requireFault(t, err, fault.NotFound, "fault.not_found")
		assert.Equal(t, []accounts.RecordEventRequest{{
			Kind: "token.deleted", User: olli, Hub: ref(1), ActorUser: ref(olli), Origin: browser, Time: f.clock.Now(), Notify: true,
			Detail: map[string]any{"token": float64(one.ID), "name": "One"},
		}}, f.audited())
	})
}

func TestTokensBelongToTheUserInPerson(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		own, stranger := f.open(login(olli, ref(1))), f.open(login(mia, ref(1)))
		token := f.accessToken(own, sessions.CreateAccessTokenRequest{})
		child := f.impersonate(stranger, olli)
		opened, narrow, ended := f.openWith(token, nil), f.open(step(sessions.ScopeCode)), f.open(login(olli, ref(1)))
		f.end(ended.Session.ID)
		lying := func(t sessions.Token) api.Actor {
			a := actor(t)
			a.User, a.Impersonator, a.PAT = olli, nil, nil
			return a
		}
		for name, tt := range map[string]struct {
			actor   api.Actor
			kind    fault.Kind
			message string
		}{
			"impersonating":                {actor(child), fault.Forbidden, "fault.impersonating"},
			"personal token":               {actor(opened), fault.Forbidden, "fault.personal_token"},
			"impersonating, and hides it":  {lying(child), fault.Forbidden, "fault.impersonating"},
			"personal token, and hides it": {lying(opened), fault.Forbidden, "fault.personal_token"},
			"narrow":                       {actor(narrow), fault.Forbidden, "fault.scope"},
			"ended":                        {actor(ended), fault.Unauthenticated, "fault.session_expired"},
			"somebody else's session":      {lying(stranger), fault.Unauthenticated, "fault.session_expired"},
			"no session":                   {api.Actor{User: olli}, fault.Unauthenticated, "fault.session_expired"},
		} {
			t.Run(name, func(t *testing.T) {
				_, err := f.CreateAccessToken(t.Context(), sessions.CreateAccessTokenRequest{Actor: tt.actor, Name: "a"})
				requireFault(t, err, tt.kind, tt.message)
				_, err = f.DeleteAccessToken(t.Context(), sessions.DeleteAccessTokenRequest{Actor: tt.actor, Token: api.Ref{ID: token.ID}})
				requireFault(t, err, tt.kind, tt.message)
			})
		}
		f.use(token)
		assert.Equal(t, int64(1), f.count(`SELECT COUNT(*) FROM access_tokens`))
	})
}

func TestEndAllMayTakeTheTokensAlong(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		by, mias := f.open(login(olli, nil)), f.open(login(mia, nil))
		early, kept := f.accessToken(by, sessions.CreateAccessTokenRequest{Name: "Early"}), f.accessToken(mias, sessions.CreateAccessTokenRequest{})
		f.endAll(sessions.EndAllRequest{User: olli, Except: &by.Session.ID})
		f.use(early)
		f.clock.Advance(time.Second)
		cause := f.clock.Now()
		late := f.accessToken(by, sessions.CreateAccessTokenRequest{})
		before, after, own := f.openWith(early, nil), f.openWith(late, nil), f.openWith(kept, nil)
		f.audited()
		f.clock.Advance(time.Second)
		for range 2 {
			f.endAll(sessions.EndAllRequest{User: olli, Except: &by.Session.ID, Before: cause, Tokens: true})
		}
		f.over(before)
		f.good(by, after, own)
		f.use(late)
		f.use(kept)
		_, err := f.UseAccessToken(t.Context(), sessions.UseAccessTokenRequest{Token: early.Token})
		requireFault(t, err, fault.Unauthenticated, "fault.credentials")
		assert.Equal(t, []accounts.RecordEventRequest{{
			Kind: "token.deleted", User: olli, Time: f.clock.Now(),
			Detail: map[string]any{"token": float64(early.ID), "name": "Early"},
		}}, f.audited())
	})
}

func TestOfManyTokensAtOnceFiftyAreMade(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		by := f.open(login(olli, nil))
		for range maxTokens - 2 {
			f.accessToken(by, sessions.CreateAccessTokenRequest{})
		}
		replicas := []*Service{f.Service, f.replica()}
		var all sync.WaitGroup
		for i := range 6 {
			all.Go(func() {
				_, err := replicas[i%2].CreateAccessToken(t.Context(), sessions.CreateAccessTokenRequest{Actor: actor(by), Name: "a"})
				if err != nil {
					assert.True(t, fault.Is(err, fault.Conflict), "%v", err)
				}
			})
		}
		all.Wait()
		assert.Equal(t, int64(maxTokens), f.count(`SELECT COUNT(*) FROM access_tokens`))
		_, err := f.CreateAccessToken(t.Context(), sessions.CreateAccessTokenRequest{Actor: actor(by), Name: "a"})
		requireFault(t, err, fault.Conflict, "fault.too_many")
		f.accessToken(f.open(login(mia, nil)), sessions.CreateAccessTokenRequest{})
	})
}

func TestTokensAreListedWithTheirLastUse(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		by := f.open(login(olli, nil))
		var ids []int64
		tokens := map[int64]sessions.CreatedAccessToken{}
		for range 3 {
			token := f.accessToken(by, sessions.CreateAccessTokenRequest{})
			ids = append([]int64{token.ID}, ids...)
			tokens[token.ID] = token
		}
		f.use(tokens[ids[0]])
		used := f.clock.Now()
		f.housekeeping(t.Context()) // writes it
		f.clock.Advance(time.Second)
		f.use(tokens[ids[1]]) // only in memory
		assert.Equal(t, int64(1), f.count(`SELECT COUNT(*) FROM access_token_uses`))

		list, err := f.ListAccessTokens(t.Context(), sessions.ListRequest{User: olli, Page: api.Page{Number: 1, Size: 2}})
		require.NoError(t, err)
		require.Len(t, list.Tokens, 2)
		assert.Equal(t, 3, list.Total)
		assert.Equal(t, []int64{list.Tokens[0].ID, list.Tokens[1].ID}, ids[:2])
		assert.True(t, list.Tokens[0].LastUsedTime.Equal(used))
		assert.True(t, list.Tokens[1].LastUsedTime.Equal(f.clock.Now()))
		list, err = f.ListAccessTokens(t.Context(), sessions.ListRequest{User: olli, Page: api.Page{Number: 2, Size: 2}})
		require.NoError(t, err)
		require.Len(t, list.Tokens, 1)
		assert.Nil(t, list.Tokens[0].LastUsedTime)
		list, err = f.ListAccessTokens(t.Context(), sessions.ListRequest{User: mia})
		require.NoError(t, err)
		assert.Equal(t, sessions.AccessTokenList{Tokens: []sessions.AccessToken{}}, list)
	})
}

func TestExpiredTokensGo(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		by := f.open(login(olli, nil))
		soon := f.clock.Now().Add(time.Minute)
		f.accessToken(by, sessions.CreateAccessTokenRequest{ExpirationTime: &soon})
		f.accessToken(by, sessions.CreateAccessTokenRequest{})
		f.clock.Advance(time.Minute + tokenRetention)
		f.housekeeping(t.Context())
		assert.Equal(t, int64(2), f.count(`SELECT COUNT(*) FROM access_tokens`))
		f.clock.Advance(time.Second)
		f.housekeeping(t.Context())
		assert.Equal(t, int64(1), f.count(`SELECT COUNT(*) FROM access_tokens`))
	})
}

// The event is queued with what it tells of, and handed over once.
func TestEventsSurviveThatAccountsIsAway(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		by := f.open(login(olli, nil))
		f.audit.err = fault.New(fault.Unavailable, "")
		f.accessToken(by, sessions.CreateAccessTokenRequest{})
		assert.Empty(t, f.audited())
		f.clock.Advance(time.Minute)
		require.Len(t, f.audited(), 1)
		assert.Empty(t, f.audited())

		f.audit.err = fault.New(fault.Invalid, "")
		f.accessToken(by, sessions.CreateAccessTokenRequest{})
		assert.Empty(t, f.audited())
		assert.Equal(t, int64(1), f.count(`SELECT COUNT(*) FROM outbox WHERE state = 'dead'`))
	})
}
