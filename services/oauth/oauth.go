// Package oauth is the OAuth 2.0 and OpenID Connect provider: clients,
// consents, grants, tokens and their keys. People are the gateway's business
// (see package authorize), and who they are is accounts'.
//
// The library beneath is fosite: it reads requests, calls our handlers and
// names errors. Its own handlers for codes, refresh tokens and ID tokens are
// not used, because they read, decide and write in turn; package token says
// more.
package oauth

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/jonboulle/clockwork"
	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/keyring"
	"github.com/gatehouse-id/gatehouse/pkg/obs"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/authorize"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/consent"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/device"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/grant"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/keys"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/logo"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/logout"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/registration"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/replay"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/subject"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/upstream"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the service's tables.
var Migrations = sub(migrations, "migrations")

func sub(f embed.FS, dir string) fs.FS {
	root, err := fs.Sub(f, dir)
	if err != nil {
		panic(err) // the name is a constant
	}
	return root
}

const (
	// sweepEvery is how often expired rows are looked for.
	sweepEvery = time.Minute
	// spentKept is how much longer than they are good one-time ids of others are
	// known. What these sign is judged by each process's own clock, the rows leave by
	// that of the database: this is how far the two may be apart.
	spentKept = 10 * time.Minute
)

// Deps are what the service stands on.
type Deps struct {
	Obs      *obs.Obs
	Clock    clockwork.Clock
	DB       *db.DB
	Ring     *keyring.Ring
	Accounts accounts.Service
	// LogoNetworks are where logos may be beside the public network, as in development. What
	// FetchAllow allows is not: whoever manages a client would see the pictures there.
	LogoNetworks []netip.Prefix
	// Existing makes no first signing keys and salt, for a command beside the service.
	Existing bool
}

// Service is the oauth service.
type Service struct {
	db        *db.DB
	records   *outbox.Outbox
	notices   *outbox.Outbox
	flow      *authorize.Flow
	registrar *registration.Registrar
	clients   *client.Store
	grants    *grant.Store
	sessions  *logout.Sessions
	logouts   *logout.Requests
	consents  *consent.Store
	devices   *device.Desk
	logos     *logo.Logos
	upstream  *upstream.Logins
	signer    *keys.Signer
	public    http.Handler
	clock     clockwork.Clock
	logger    *slog.Logger
}

var _ oauth.Service = (*Service)(nil)

// New makes the service. The database has to be migrated. It makes the first
// signing keys if there are none, unless d says otherwise.
func New(ctx context.Context, c Config, d Deps) (*Service, error) {
	if problems := c.Validate(); len(problems) > 0 {
		return nil, fmt.Errorf("oauth: %s", problems[0])
	}
	signer, err := keys.New(ctx, keys.Options{
		Issuer: c.PublicURL, DB: d.DB, Ring: d.Ring, Clock: d.DB.Clock(d.Clock), Logger: d.Obs.Logger,
		Rotate: c.KeyRotation, Retire: c.KeyRetirement, Existing: d.Existing,
	})
	if err != nil {
		return nil, fmt.Errorf("oauth: %w", err)
	}
	loadNames := subject.Load
	if d.Existing {
		loadNames = subject.Existing
	}
	names, err := loadNames(ctx, d.DB, d.Ring)
	if err != nil {
		return nil, fmt.Errorf("oauth: %w", err)
	}
	authorities, err := c.clientAuthorities()
	if err != nil {
		return nil, fmt.Errorf("oauth: GATEHOUSE_OAUTH_CLIENT_CA: %w", err)
	}
	return assemble(c, d, signer, names, authorities), nil
}

// Run rotates keys and deletes what has expired, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.signer.Run(ctx) })
	group.Go(func() error { return s.records.Run(ctx) })
	group.Go(func() error { return s.notices.Run(ctx) })
	group.Go(func() error { return s.sweep(ctx) })
	return group.Wait()
}

func (s *Service) sweep(ctx context.Context) error {
	tick := s.clock.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.Chan():
		}
		now := s.clock.Now()
		grants, err := s.grants.Sweep(ctx, now)
		requests, err2 := s.flow.Requests.Sweep(ctx, now)
		logins, err3 := s.upstream.Sweep(ctx, now)
		spent, err4 := replay.Sweep(ctx, s.db, now.Add(-spentKept))
		devices, err5 := s.devices.Devices.Sweep(ctx, now)
		ended, err6 := s.sessions.Sweep(ctx, now)
		registered, err7 := s.registrar.Sweep(ctx)
		if err := errors.Join(err, err2, err3, err4, err5, err6, err7); err != nil && ctx.Err() == nil {
			s.logger.WarnContext(ctx, "expired rows were not deleted; another attempt follows", slog.Any("error", err))
		}
		s.logger.DebugContext(ctx, "expired rows deleted", slog.Int64("count", grants+requests+logins+spent+devices+ended+registered))
	}
}

// Authorize implements [oauth.Service].
func (s *Service) Authorize(ctx context.Context, r oauth.AuthorizeRequest) (oauth.Authorization, error) {
	return s.flow.Authorize(ctx, r)
}

// Resume implements [oauth.Service].
func (s *Service) Resume(ctx context.Context, r oauth.ResumeRequest) (oauth.Authorization, error) {
	return s.flow.Resume(ctx, r)
}

// Pending implements [oauth.Service].
func (s *Service) Pending(ctx context.Context, r oauth.PendingRequest) (oauth.Interaction, error) {
	return s.flow.Pending(ctx, r)
}
