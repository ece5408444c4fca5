package accounts

import (
	"context"
	"sync"
	"testing"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

// others are the services that hear of what happens to accounts.
type others struct {
	mu        sync.Mutex
	ended     []sessions.EndAllRequest
	forgotten []int64
	subjects  []string
}

type otherSessions struct {
	sessions.Service
	*others
}

func (o otherSessions) EndAll(_ context.Context, r sessions.EndAllRequest) (api.Nothing, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = append(o.ended, r)
	return api.Nothing{}, nil
}

func (o otherSessions) Forget(_ context.Context, r sessions.ForgetRequest) (api.Nothing, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.forgotten = append(o.forgotten, r.User)
	return api.Nothing{}, nil
}

type otherOAuth struct {
	oauth.Service
	*others
}

func (o otherOAuth) Forget(_ context.Context, r oauth.SubjectRequest) (api.Nothing, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.subjects = append(o.subjects, r.Subject)
	return api.Nothing{}, nil
}

// onEachAmong is onEach with other services around.
func onEachAmong(t *testing.T, test func(f *fixture, o *others)) {
	t.Helper()
	t.Parallel()
	testkit.EachDB(t, accounts.Name, Migrations, func(t *testing.T, d *db.DB) {
		o := &others{}
		test(newFixture(t, d, func(_ *Config, d *Deps) {
			d.Sessions, d.OAuth = otherSessions{others: o}, otherOAuth{others: o}
		}), o)
	})
}

// guarded are actors who may not touch what secures an account.
func guarded(i accounts.Identity) map[string]api.Actor {
	impersonated, byToken, byHub := actor(i), actor(i), actor(i)
	impersonated.Impersonator, byToken.PAT, byHub.ProviderHub = &i.User.ID, &i.User.ID, byHub.Hub
	return map[string]api.Actor{
		"fault.impersonating": impersonated, "fault.personal_token": byToken, "fault.provider_session": byHub,
	}
}
