package crash_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/gatehouse-id/gatehouse/pkg/testkit"
	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// replicated starts a primary and a standby, and returns the URL that names both. A
// commit is confirmed once the standby has it.
func replicated(t *testing.T) (primary, standby *testkit.PostgresServer, address string) {
	t.Helper()
	primary = testkit.StartPostgresServer(t, testkit.PostgresServerOptions{
		Settings: "wal_level = replica\nmax_wal_senders = 5\nsynchronous_commit = on\nfull_page_writes = on",
	})
	primary.Exec(t, "postgres", "CREATE DATABASE gatehouse")
	standby = testkit.StartPostgresServer(t, testkit.PostgresServerOptions{Follow: primary})
	primary.Exec(t, "postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'")
	primary.Exec(t, "postgres", "SELECT pg_reload_conf()")
	q := url.Values{"host": {primary.Socket() + "," + standby.Socket()}, "target_session_attrs": {"read-write"}}
	u, err := url.Parse(primary.URL("gatehouse"))
	require.NoError(t, err)
	q.Set("user", u.Query().Get("user"))
	return primary, standby, "postgres:///gatehouse?" + q.Encode()
}

// TestPostgresFailsOver kills the primary under load and has the standby take its
// place. Until then whatever needs the database says when to come back; then all
// goes on without a restart, and nothing that was acknowledged is lost.
func TestPostgresFailsOver(t *testing.T) {
	t.Parallel()
	primary, standby, address := replicated(t)
	s := system.ClusterWith(t, system.ClusterOptions{DatabaseURL: address, Environ: []string{"GATEHOUSE_LOG_LEVEL=info"}})
	person, _ := s.Register(t, "owner@example.org")
	app := system.NewApp(t, s)
	b := system.NewBrowser(t, app.Config.RedirectURL)
	request := app.Start()
	b.Open(request.URL)
	b.Submit("/login", url.Values{"user": {person.Email}, "password": {person.Password}})
	b.Submit("/consent", url.Values{"decision": {"allow"}})
	token, _ := app.Finish(request, b.Arrived)
	session, ended := s.LogIn(t, person), s.LogIn(t, person)
	require.Equal(t, http.StatusOK, s.Call(t, http.MethodDelete, "/v1/auth", ended.Token, nil).Status)

	people := newcomers{t: t, s: s}
	people.start()
	people.awaitMore(30)
	primary.Kill(t)

	system.Eventually(t, "the database to be missed", func() bool {
		return s.Call(t, http.MethodGet, "/v1/auth", session.Token, nil).Status == http.StatusServiceUnavailable
	})
	for _, c := range []struct {
		method, path string
		body         any
	}{
		{http.MethodPost, "/v1/auth", map[string]any{"user": person.Email, "password": person.Password}},
		{http.MethodDelete, "/v1/auth", nil},
		{http.MethodGet, "/v1/session", nil},
	} {
		res := s.Call(t, c.method, c.path, session.Token, c.body)
		assert.Equal(t, http.StatusServiceUnavailable, res.Status, "%s %s: %s", c.method, c.path, res.Body)
		assert.NotEmpty(t, res.Header.Get("Retry-After"), "%s %s", c.method, c.path)
	}
	for path, form := range map[string]url.Values{
		"/oauth2/token":      {"grant_type": {"refresh_token"}, "refresh_token": {token.RefreshToken}},
		"/oauth2/introspect": {"token": {token.AccessToken}},
		"/oauth2/revoke":     {"token": {token.RefreshToken}},
	} {
		status, header, failure := oauthCall(t, s.URL+path, app, form)
		assert.Equal(t, http.StatusServiceUnavailable, status, "%s: %s", path, failure)
		assert.NotEmpty(t, header.Get("Retry-After"), path)
		assert.Equal(t, "temporarily_unavailable", failure, path)
	}

	standby.Exec(t, "postgres", "SELECT pg_promote()")
	system.Eventually(t, "the standby to be found", func() bool {
		return s.Call(t, http.MethodGet, "/v1/auth", session.Token, nil).Status == http.StatusOK
	})
	people.awaitMore(30)
	people.stop()

	assert.Equal(t, http.StatusUnauthorized, s.Call(t, http.MethodGet, "/v1/auth", ended.Token, nil).Status, "an ended session came back to life")
	s.LogIn(t, person)
	refreshed, err := app.Config.TokenSource(app.Context(), &oauth2.Token{RefreshToken: token.RefreshToken}).Token()
	require.NoError(t, err, "the family of refresh tokens")
	assert.Equal(t, person.Hash, app.Verify(refreshed, "").Subject)
	people.haveTheirMails()
}

// oauthCall posts a form as the app's client.
func oauthCall(t *testing.T, address string, a *system.App, form url.Values) (status int, header http.Header, failure string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(url.QueryEscape(a.Config.ClientID), url.QueryEscape(a.Secret))
	res, err := system.HTTP().Do(r)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	var answer struct {
		Error string `json:"error"`
	}
	_ = json.NewDecoder(res.Body).Decode(&answer) // some answers are empty
	return res.StatusCode, res.Header, answer.Error
}

// newcomers register, one after the other in a few lanes, and come back when asked
// to.
type newcomers struct {
	t *testing.T
	s *system.System

	cancel       context.CancelFunc
	lanes        sync.WaitGroup
	acknowledged atomic.Int64
	registered   sync.Map // by address
}

func (n *newcomers) start() {
	ctx, cancel := context.WithCancel(n.t.Context())
	n.cancel = cancel
	for lane := range 3 {
		n.lanes.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				n.register(ctx, fmt.Sprintf("p%d-%d@example.org", lane, i))
			}
		})
	}
}

func (n *newcomers) register(ctx context.Context, email string) {
	res, err := n.s.TryCall(n.t, http.MethodPost, "/v1/activation/initiate", "", map[string]any{
		"first_name": "P", "last_name": "Q", "email": email,
	})
	switch {
	case ctx.Err() != nil && err != nil:
	case err != nil:
		n.t.Errorf("the gateway was never away: %v", err)
	case res.Status == http.StatusCreated:
		n.registered.Store(email, true)
		n.acknowledged.Add(1)
	case res.Status != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "":
		n.t.Errorf("status %d: %s", res.Status, res.Body)
	}
	select { // not all of the mailbox's 500, and not as a flood while there is no answer
	case <-ctx.Done():
	case <-time.After(100 * time.Millisecond):
	}
}

func (n *newcomers) awaitMore(count int64) {
	n.t.Helper()
	goal := n.acknowledged.Load() + count
	system.Eventually(n.t, "more registrations", func() bool { return n.acknowledged.Load() >= goal })
}

func (n *newcomers) stop() {
	n.cancel()
	n.lanes.Wait()
}

// haveTheirMails sees that whoever was acknowledged has one mail.
func (n *newcomers) haveTheirMails() {
	n.t.Helper()
	n.registered.Range(func(email, _ any) bool {
		address, _ := email.(string)
		system.Eventually(n.t, "the mail to "+address, func() bool { return len(n.s.Mails(n.t, address)) > 0 })
		return assert.Len(n.t, n.s.Mails(n.t, address), 1, address)
	})
}
