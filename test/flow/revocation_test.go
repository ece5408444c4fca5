package flow_test

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// bound is how long a gateway may take a session that has ended for alive.
const bound = time.Second

// TestEndedSessionsAreRefusedEverywhere ends sessions in every way there is, with
// two gateways under load: whoever calls later than a second after that is
// refused by both.
func TestEndedSessionsAreRefusedEverywhere(t *testing.T) { //nolint:tparallel // one way after the other, under one load
	t.Parallel()
	redis := miniredis.RunT(t)
	s := system.ClusterWith(t, system.ClusterOptions{
		Replicas: 1, Environ: []string{"GATEHOUSE_LOG_LEVEL=warn"}, Redis: redis.Addr(),
	})
	gateways := []*system.System{s, s.Replica(0)}
	owner, founded := s.Register(t, "owner@example.org")
	unlimited := s.Call(t, http.MethodPut, "/v1/hub/"+founded.Hub.Hash, founded.Token, map[string]any{"session_limit": 0})
	require.Equal(t, http.StatusOK, unlimited.Status, "%s", unlimited.Body)
	load(t, gateways, s.LogIn(t, owner).Token)

	ownToken := func(token string) system.Response {
		return s.Call(t, http.MethodPost, "/v1/token", token, map[string]any{"name": "script"})
	}
	for i, way := range []struct {
		name string
		// end is done on the first gateway to a member's session.
		end func(t *testing.T, p system.Person, a system.Authentication)
	}{
		{"logout without Redis", func(t *testing.T, _ system.Person, a system.Authentication) {
			redis.Close()
			require.Equal(t, http.StatusOK, s.Call(t, http.MethodDelete, "/v1/auth", a.Token, nil).Status)
		}},
		{"logout with Redis back", func(t *testing.T, _ system.Person, a system.Authentication) {
			require.NoError(t, redis.Restart())
			require.Equal(t, http.StatusOK, s.Call(t, http.MethodDelete, "/v1/auth", a.Token, nil).Status)
		}},
		{"logout", func(t *testing.T, _ system.Person, a system.Authentication) {
			require.Equal(t, http.StatusOK, s.Call(t, http.MethodDelete, "/v1/auth", a.Token, nil).Status)
		}},
		{"another of the user's sessions ends it", func(t *testing.T, p system.Person, a system.Authentication) {
			res := s.Call(t, http.MethodDelete, "/v1/session/"+a.Session.Hash, s.LogIn(t, p).Token, nil)
			require.Equal(t, http.StatusOK, res.Status, "%s", res.Body)
		}},
		{"change of the password", func(t *testing.T, p system.Person, _ system.Authentication) {
			res := s.Call(t, http.MethodPut, "/v1/password", s.LogIn(t, p).Token, map[string]any{
				"current_password": p.Password, "password": p.Password + " new", "password_confirmation": p.Password + " new",
			})
			require.Equal(t, http.StatusOK, res.Status, "%s", res.Body)
		}},
		{"change of the password in the session itself", func(t *testing.T, p system.Person, a system.Authentication) {
			res := s.Call(t, http.MethodPut, "/v1/password", a.Token, map[string]any{
				"current_password": p.Password, "password": p.Password + " new", "password_confirmation": p.Password + " new",
			})
			require.Equal(t, http.StatusOK, res.Status, "%s", res.Body)
		}},
		{"removal from the hub", func(t *testing.T, p system.Person, _ system.Authentication) {
			res := s.Call(t, http.MethodDelete, "/v1/user/"+p.Hash, s.LogIn(t, owner).Token, nil)
			require.Equal(t, http.StatusOK, res.Status, "%s", res.Body)
		}},
		{"the operator disables the user", func(t *testing.T, p system.Person, _ system.Authentication) {
			s.Operate(t, "user", "disable", p.Hash)
		}},
		{"change of the hub", func(t *testing.T, _ system.Person, a system.Authentication) {
			require.Equal(t, http.StatusOK, s.Call(t, http.MethodDelete, "/v1/auth/hub", a.Token, nil).Status)
		}},
	} {
		member := s.Invited(t, s.LogIn(t, owner).Token, "member"+strconv.Itoa(i)+"@example.org")
		t.Run(way.name, func(t *testing.T) {
			login := s.LogIn(t, member)
			for _, g := range gateways {
				require.Equal(t, http.StatusOK, g.Call(t, http.MethodGet, "/v1/auth", login.Token, nil).Status, "so that it is remembered")
			}
			way.end(t, member, login)
			refusedFromNow(t, gateways, login.Token)
		})
	}

	t.Run("deletion of the personal access token", func(t *testing.T) {
		login := s.LogIn(t, owner)
		var pat struct {
			Hash  string `json:"hash"`
			Token string `json:"token"`
		}
		ownToken(login.Token).Into(t, &pat)
		var script system.Authentication
		s.Call(t, http.MethodPost, "/v1/auth", "", map[string]any{"token": pat.Token}).Into(t, &script)
		for _, g := range gateways {
			require.Equal(t, http.StatusOK, g.Call(t, http.MethodGet, "/v1/auth", script.Token, nil).Status)
		}
		require.Equal(t, http.StatusOK, s.Call(t, http.MethodDelete, "/v1/token/"+pat.Hash, login.Token, nil).Status)
		refusedFromNow(t, gateways, script.Token)
	})
}

// refusedFromNow makes sure that no gateway takes the token any more in a request
// that is sent later than the bound from now.
func refusedFromNow(t *testing.T, gateways []*system.System, token string) {
	t.Helper()
	ended := time.Now()
	for _, g := range gateways {
		refusals := 0
		for refusals < 5 { // and stays refused
			sent := time.Since(ended)
			status := g.Call(t, http.MethodGet, "/v1/auth", token, nil).Status
			if status == http.StatusUnauthorized {
				refusals++
				continue
			}
			require.Equal(t, http.StatusOK, status)
			require.Zero(t, refusals, "refused once, a session came back")
			require.LessOrEqual(t, sent, bound, "still good on %s", g.URL)
		}
	}
}

// load keeps all gateways busy until the test ends.
func load(t *testing.T, gateways []*system.System, token string) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for _, g := range gateways {
		for range 2 {
			group.Go(func() {
				for ctx.Err() == nil {
					res, err := g.TryCall(t, http.MethodGet, "/v1/auth", token, nil)
					if err == nil {
						assert.Equal(t, http.StatusOK, res.Status)
					}
				}
			})
		}
	}
	t.Cleanup(func() {
		stop()
		group.Wait()
	})
}
