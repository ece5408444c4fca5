package cluster_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// TestThePreviousVersionSuitsTheSchema replaces the services one after the other by
// those of the previous version, on the schema of this one, and then in another
// order by this one's again, as an upgrade does that is given up and made good.
// After each step people and apps do what they always do, and what they got
// from the other version goes on.
func TestThePreviousVersionSuitsTheSchema(t *testing.T) {
	t.Parallel()
	before := system.BuildPrevious(t)
	if before == nil {
		return // it has been said
	}
	t.Logf("the previous version is %s", before.Commit)
	s := system.ClusterWith(t, system.ClusterOptions{Environ: []string{"GATEHOUSE_LOG_LEVEL=info"}})
	j := newJob(t, s)
	j.does("this version alone")
	for _, service := range system.Services() {
		s.Stop(service)
		s.Change(service, system.Program{Path: before.Path(service)})
		s.Restart(t, service)
		j.does("with the previous version of " + service + " and of those before it")
	}
	for _, service := range slices.Backward(system.Services()) {
		s.Stop(service)
		s.Change(service, system.Program{})
		s.Restart(t, service)
		j.does("with this version of " + service + " again and of those before it")
	}
}

// job is what Gatehouse is for.
type job struct {
	t    *testing.T
	s    *system.System
	app  *system.App
	runs int
	// What is kept from step to step.
	person  system.Person
	session system.Authentication
	token   *oauth2.Token
}

func newJob(t *testing.T, s *system.System) *job {
	t.Helper()
	j := &job{t: t, s: s, app: system.NewApp(t, s)}
	var founded system.Authentication
	j.person, founded = s.Register(t, "kept@example.org")
	unlimited := s.Call(t, http.MethodPut, "/v1/hub/"+founded.Hub.Hash, founded.Token, map[string]any{"session_limit": 0})
	require.Equal(t, http.StatusOK, unlimited.Status, "%s", unlimited.Body)
	j.session = s.LogIn(t, j.person)
	j.token = j.signsIn(j.person)
	return j
}

func (j *job) does(step string) {
	j.t.Helper()
	j.runs++
	started := time.Now()
	j.awaitAll()
	t, s := j.t, j.s

	person, first := s.Register(t, fmt.Sprintf("new%d@example.org", j.runs))
	login := s.LogIn(t, person)
	var fresh system.Authentication
	s.Call(t, http.MethodPut, "/v1/auth", login.Token, nil).Into(t, &fresh)
	sessions := s.Call(t, http.MethodGet, "/v1/session", first.Token, nil)
	require.Equal(t, http.StatusOK, sessions.Status, "%s: %s", step, sessions.Body)
	token := j.signsIn(person)
	assert.True(t, j.active(token.AccessToken), step)
	token, err := j.app.Config.TokenSource(j.app.Context(), &oauth2.Token{RefreshToken: token.RefreshToken}).Token()
	require.NoError(t, err, step)
	assert.Equal(t, person.Hash, j.app.Verify(token, "").Subject, step)
	require.Equal(t, http.StatusOK, s.Call(t, http.MethodDelete, "/v1/auth", fresh.Token, nil).Status, step)
	assert.Equal(t, http.StatusUnauthorized, s.Call(t, http.MethodGet, "/v1/auth", fresh.Token, nil).Status, step)

	assert.True(t, j.active(j.token.AccessToken), "%s: a token of the step before", step)
	j.token, err = j.app.Config.TokenSource(j.app.Context(), &oauth2.Token{RefreshToken: j.token.RefreshToken}).Token()
	require.NoError(t, err, "%s: a refresh token of the step before", step)
	assert.Equal(t, j.person.Hash, j.app.Verify(j.token, "").Subject, step)
	s.LogIn(t, j.person)
	t.Log(step, time.Since(started).Round(time.Millisecond))
}

// awaitAll waits until a service that was started has been found by the others.
func (j *job) awaitAll() {
	j.t.Helper()
	well := func(method, path, token string, body any) bool {
		res, err := j.s.TryCall(j.t, method, path, token, body)
		return err == nil && res.Status == http.StatusOK
	}
	system.Eventually(j.t, "the services to find each other", func() bool {
		return well(http.MethodGet, "/.well-known/openid-configuration", "", nil) &&
			well(http.MethodGet, "/mailbox/messages", "", nil) &&
			well(http.MethodGet, "/v1/auth", j.session.Token, nil) &&
			well(http.MethodPost, "/v1/auth", "", map[string]any{"user": j.person.Email, "password": j.person.Password})
	})
}

func (j *job) signsIn(p system.Person) *oauth2.Token {
	j.t.Helper()
	b := system.NewBrowser(j.t, j.app.Config.RedirectURL)
	request := j.app.Start()
	b.Open(request.URL)
	b.Submit("/login", url.Values{"user": {p.Email}, "password": {p.Password}})
	if b.Arrived == nil {
		b.Submit("/consent", url.Values{"decision": {"allow"}})
	}
	token, id := j.app.Finish(request, b.Arrived)
	assert.Equal(j.t, p.Hash, id.Subject)
	return token
}

// active asks for the state of a token (RFC 7662).
func (j *job) active(token string) bool {
	j.t.Helper()
	r, err := http.NewRequestWithContext(j.t.Context(), http.MethodPost, j.s.URL+"/oauth2/introspect",
		strings.NewReader(url.Values{"token": {token}}.Encode()))
	require.NoError(j.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(url.QueryEscape(j.app.Config.ClientID), url.QueryEscape(j.app.Secret))
	res, err := system.HTTP().Do(r)
	require.NoError(j.t, err)
	defer func() { _ = res.Body.Close() }()
	require.Equal(j.t, http.StatusOK, res.StatusCode)
	var state struct {
		Active bool `json:"active"`
	}
	require.NoError(j.t, json.NewDecoder(res.Body).Decode(&state))
	return state.Active
}
