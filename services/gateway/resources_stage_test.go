package gateway_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/config"
	"github.com/gatehouse-id/gatehouse/pkg/obs"
	"github.com/gatehouse-id/gatehouse/services/gateway"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/gatewaytest"
)

// resources is a gateway in front of services that remember what they were last
// asked, and answer that or fail.
type resources struct {
	*stage
	asked  *asked
	marked *markedSessions
}

// asked is the last request to a double, and its answer.
type asked struct {
	mu      sync.Mutex
	request any
	calls   int
	fail    error
	// good is how many requests succeed before they fail.
	good int
	// events are what the audit record has, the newest first.
	events []accounts.Event
}

func (a *asked) note(request any) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.request = request
	a.calls++
	if a.good--; a.good >= 0 {
		return nil
	}
	return a.fail
}

// failAfter makes requests fail after so many good ones.
func (a *asked) failAfter(good int, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.good, a.fail = good, err
}

// last is the request that came in last, and none before the first.
func (a *asked) last() any {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.request
}

func newResources(tb testing.TB) *resources {
	tb.Helper()
	var c gateway.Config
	require.NoError(tb, config.Load(&c, []string{"GATEHOUSE_PUBLIC_URL=https://id.example.org"}))
	clock := clockwork.NewFakeClockAt(time.Date(2026, time.January, 2, 15, 4, 5, 0, time.UTC))
	r := &resources{asked: &asked{}}
	r.marked = &markedSessions{Sessions: gatewaytest.NewSessions(clock), asked: r.asked, marks: map[string]func(*sessions.Session){}}
	r.stage = &stage{clock: clock, accounts: gatewaytest.NewAccounts(clock.Now()), sessions: r.marked.Sessions, obs: obs.Nop()}
	service, err := gateway.New(tb.Context(), c, gateway.Deps{
		Obs: r.obs, Clock: clock, Mail: &gatewaytest.Mail{}, Sessions: r.marked, OAuth: consentDouble{asked: r.asked, now: clock.Now()},
		Accounts:    accountsDouble{Accounts: r.accounts, asked: r.asked, now: clock.Now()},
		OAuthPublic: http.NotFoundHandler(),
	})
	require.NoError(tb, err)
	r.Service = service
	return r
}

// markedSessions are sessions of which some are special.
type markedSessions struct {
	*gatewaytest.Sessions
	asked *asked

	mu    sync.Mutex
	marks map[string]func(*sessions.Session)
}

// special opens a full session in the first hub and makes something of it.
func (r *resources) special(mark func(*sessions.Session)) string {
	token := r.full()
	r.marked.mu.Lock()
	defer r.marked.mu.Unlock()
	r.marked.marks[token] = mark
	return token
}

// Resolve implements sessions.Service.
func (m *markedSessions) Resolve(ctx context.Context, r sessions.ResolveRequest) (sessions.Resolved, error) {
	resolved, err := m.Sessions.Resolve(ctx, r)
	m.mu.Lock()
	defer m.mu.Unlock()
	if mark := m.marks[r.Token]; mark != nil {
		mark(&resolved.Session)
	}
	return resolved, err
}

// List implements sessions.Service: there are 101, so that there are two pages.
func (m *markedSessions) List(_ context.Context, r sessions.ListRequest) (sessions.SessionList, error) {
	list := sessions.SessionList{Total: 101}
	for i := r.Page.Offset(); i < min(r.Page.Offset()+r.Page.Size, list.Total); i++ {
		list.Sessions = append(list.Sessions, sessions.Opened{
			Session: sessions.Session{ID: int64(i + 1), Hash: gatewaytest.UserHash}, UserAgent: "curl/8", Address: "192.0.2.7",
		})
	}
	return list, nil
}

// ListAccessTokens implements sessions.Service.
func (m *markedSessions) ListAccessTokens(context.Context, sessions.ListRequest) (sessions.AccessTokenList, error) {
	return sessions.AccessTokenList{
		Total: 1, Tokens: []sessions.AccessToken{{ID: 9, Hash: gatewaytest.HubHash, Name: "backup", Scopes: []sessions.TokenScope{"read"}}},
	}, nil
}

// consentDouble has one consent and one client.
type consentDouble struct {
	oauth.Service
	asked *asked
	now   time.Time
}

func (d consentDouble) ListConsents(_ context.Context, r oauth.SubjectRequest) (oauth.ConsentList, error) {
	return oauth.ConsentList{Consents: []oauth.Consented{{
		ID: 4, Hash: gatewaytest.HubHash, Client: "falcon", ClientName: "Falcon", Scopes: []string{"openid"},
	}}}, d.asked.note(r)
}

func (d consentDouble) RevokeConsent(_ context.Context, r oauth.RevokeConsentRequest) (api.Nothing, error) {
	return api.Nothing{}, d.asked.note(r)
}
