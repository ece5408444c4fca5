package accounts

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"log/slog"

	"github.com/jonboulle/clockwork"
	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/keyring"
	"github.com/gatehouse-id/gatehouse/pkg/obs"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/activation"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/challenge"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/directory"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/identity"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/metrics"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/passkey"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/password"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/relay"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the service's tables.
var Migrations = sub(migrations, "migrations")

func sub(files fs.FS, dir string) fs.FS {
	root, err := fs.Sub(files, dir)
	if err != nil {
		panic(err) // only an invalid path can fail
	}
	return root
}

// Deps are what the service works with; all are required.
type Deps struct {
	Obs      *obs.Obs
	Clock    clockwork.Clock
	DB       *db.DB // migrated
	Ring     *keyring.Ring
	Mail     mail.Service
	Sessions sessions.Service
	OAuth    oauth.Service

	// aroundHash is called around every password hash; tests count with it.
	aroundHash func(compute func())
}

// Service is the accounts service. It implements accounts.Service of pkg/api.
type Service struct {
	config  Config
	deps    Deps
	metrics *metrics.Metrics
	outbox  *outbox.Outbox

	logins     logins
	activation *activation.Flow
	factors    factors
	passkeys   *passkey.Passkeys
	directory  *directory.Directory
	records    records
	teams
}

var _ accounts.Service = (*Service)(nil)

var errNoPublicURL = errors.New("accounts: a public URL is required, for links")

// New makes the service. It does nothing in the background before Run.
func New(_ context.Context, c Config, d Deps) (*Service, error) {
	c = c.withDefaults()
	if c.PublicURL == "" {
		return nil, errNoPublicURL
	}
	d.Clock = d.DB.Clock(d.Clock) // which sessions goes by, too: it compares the two
	box := outbox.New(outbox.Options{
		DB: d.DB, Ring: d.Ring, Clock: d.Clock, Logger: d.Obs.Logger, Registry: d.Obs.Registry, Tracer: d.Obs.Tracer,
		Handlers: relay.Handlers(relay.Services{Mail: d.Mail, Sessions: d.Sessions, OAuth: d.OAuth}, d.Clock),
	})
	hasher := password.NewHasher(password.Options{
		MemoryKiB:   uint32(c.Argon2Memory), // Validate has bounded these three
		Passes:      uint32(c.Argon2Passes),
		Lanes:       uint8(c.Argon2Lanes),
		Concurrency: c.HashConcurrency, Queue: c.HashQueue, Registry: d.Obs.Registry, Around: d.aroundHash,
	})
	counters := metrics.New(d.Obs.Registry)
	challenges := challenge.New(challenge.Options{DB: d.DB, Outbox: box, Ring: d.Ring, Clock: d.Clock})
	termsTime, err := c.termsTime()
	if err != nil {
		return nil, err
	}
	people := directory.New(directory.Options{
		DB: d.DB, Clock: d.Clock, TermsTime: termsTime, Unseal: challenges.Unseal, PublicURL: activation.TrimURL(c.PublicURL),
	})
	entrance := newLogins(c, d, box, hasher, counters, challenges, people)
	confirm := entrance.login.Confirm
	flow := activation.New(activation.Options{
		DB: d.DB, Outbox: box, Hasher: hasher, Clock: d.Clock, Metrics: counters, Confirm: confirm,
		Identities: identity.New(identity.Options{DB: d.DB, Outbox: box, Clock: d.Clock}),
		PublicURL:  activation.TrimURL(c.PublicURL), SelfRegistration: c.SelfRegistration,
		LinkLife: c.LinkLife, InvitationLife: c.InvitationLife, FinishWindow: c.FinishWindow,
	})
	passkeys, err := newPasskeys(c, d, box, entrance.login)
	if err != nil {
		return nil, err
	}
	return &Service{
		config: c, deps: d, metrics: counters, outbox: box,
		logins:     entrance,
		activation: flow,
		factors:    newFactors(c, d, box, challenges, entrance.login),
		passkeys:   passkeys,
		directory:  people,
		records:    newRecords(c, d, box, challenges, confirm),
		teams:      newTeams(c, d, box, flow, entrance, people),
	}, nil
}

// Run hands over mail and clears out what has expired until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.outbox.Run(ctx) })
	group.Go(func() error { return s.sweepForever(ctx) })
	group.Go(func() error { return s.factors.recovery.Run(ctx) })
	err := group.Wait()
	if err != nil && !errors.Is(err, context.Canceled) {
		s.deps.Obs.Logger.ErrorContext(ctx, "background work ended", slog.Any("error", err))
	}
	return err
}

// Describe implements the API.
func (s *Service) Describe(ctx context.Context, r accounts.DescribeRequest) (accounts.Account, error) {
	return s.directory.Describe(ctx, r)
}

// InitiateActivation implements the API.
func (s *Service) InitiateActivation(ctx context.Context, r accounts.InitiateActivationRequest) (api.Nothing, error) {
	return api.Nothing{}, s.activation.Initiate(ctx, r)
}

// OpenLink implements the API.
func (s *Service) OpenLink(ctx context.Context, r accounts.OpenLinkRequest) (accounts.OpenedLink, error) {
	return s.activation.Open(ctx, r)
}

// FinishActivation implements the API.
func (s *Service) FinishActivation(ctx context.Context, r accounts.FinishActivationRequest) (accounts.Identity, error) {
	return s.activation.Finish(ctx, r)
}

// Invite implements the API.
func (s *Service) Invite(ctx context.Context, r accounts.InviteRequest) (accounts.Invitation, error) {
	return s.activation.Invite(ctx, r)
}

// Claims implements the API.
func (s *Service) Claims(ctx context.Context, r accounts.ClaimsRequest) (accounts.Account, error) {
	return s.directory.Claims(ctx, r)
}

// Statistics implements the API.
func (s *Service) Statistics(ctx context.Context, _ api.Nothing) (accounts.StatisticsAnswer, error) {
	return s.directory.Statistics(ctx)
}
