package sessions

import (
	"context"
	"embed"
	"io/fs"
	"log/slog"
	"time"

	"github.com/jonboulle/clockwork"
	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions/announce"
	"github.com/gatehouse-id/gatehouse/pkg/audit"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/keyring"
	"github.com/gatehouse-id/gatehouse/pkg/obs"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
	"github.com/gatehouse-id/gatehouse/pkg/redisdb"
	"github.com/gatehouse-id/gatehouse/services/sessions/internal/store"
	"github.com/gatehouse-id/gatehouse/services/sessions/internal/token"
)

//go:embed migrations/*.sql
var embedded embed.FS

// Migrations make the service's tables.
var Migrations, _ = fs.Sub(embedded, "migrations") // fails only for a malformed path

// How long a token lives, and with it the session; the numbers are the public
// API's.
const (
	shortLife = 30 * time.Minute
	longLife  = 30 * 24 * time.Hour
)

// Housekeeping.
const (
	housekeepingInterval = time.Minute
	// retention is how long an ended or expired session stays. It has to exceed
	// maxFeed.
	retention = 24 * time.Hour
	// tokenRetention is how long an expired personal access token is still listed.
	tokenRetention = 30 * 24 * time.Hour
	cleanBatch     = 500
	// shutdownTime bounds writing what is in memory when the service ends.
	shutdownTime = 5 * time.Second
)

// Deps are what the service works with. All but Existing are required.
type Deps struct {
	Obs      *obs.Obs
	Clock    clockwork.Clock
	DB       *db.DB // migrated
	Ring     *keyring.Ring
	Accounts accounts.Auditing
	OAuth    oauth.Logouts
	// Existing makes no first signing key, for a command beside the service.
	Existing bool
}

// Service is the sessions service.
type Service struct {
	db        *db.DB
	clock     clockwork.Clock
	logger    *slog.Logger
	keys      *keyring.Keys
	algorithm keyring.Alg
	tokens    *token.Codec
	outbox    *outbox.Outbox
	uses      *uses // of sessions
	patUses   *uses // of personal access tokens
	maxLife   time.Duration
	metrics   *metrics
	redis     *redisdb.Client // nil without one
	// announcements hasten what the feed tells.
	announcements *announce.Sender
}

var _ sessions.Service = (*Service)(nil)

// New makes the service, and its first signing key if there is none, unless d says
// otherwise.
func New(ctx context.Context, c Config, d Deps) (*Service, error) {
	c = c.withDefaults()
	keys, err := keyring.NewKeys(ctx, keyring.KeysOptions{
		DB: d.DB, Ring: d.Ring, Clock: d.DB.Clock(d.Clock), Logger: d.Obs.Logger,
		Name: "session-token", Alg: c.Algorithm, Rotate: c.KeyRotation, Retire: longLife + time.Hour, Existing: d.Existing,
	})
	if err != nil {
		return nil, err
	}
	shared, err := c.Redis.Open(sessions.Name)
	if err != nil {
		return nil, err
	}
	return &Service{
		db: d.DB, clock: d.DB.Clock(d.Clock), logger: d.Obs.Logger, keys: keys, algorithm: c.Algorithm,
		tokens: &token.Codec{Keys: keys, Issuer: c.issuer(), Audience: c.audience(), Leeway: c.Leeway},
		outbox: outbox.New(outbox.Options{
			DB: d.DB, Ring: d.Ring, Clock: d.Clock, Logger: d.Obs.Logger, Registry: d.Obs.Registry, Tracer: d.Obs.Tracer,
			Handlers: map[string]outbox.Handler{audit.Topic: audit.HandOver(d.Accounts), topicEnded: handOver(d.OAuth)},
		}),
		uses: newUses(), patUses: newUses(),
		maxLife: c.MaxLife,
		metrics: newMetrics(d.Obs.Registry),
		redis:   shared, announcements: announce.NewSender(shared, d.Clock, d.Obs),
	}, nil
}

// now is the time as it is stored.
func (s *Service) now() time.Time { return s.clock.Now().Truncate(time.Microsecond).UTC() }

// Run rotates the keys, hands over what other services have to hear and keeps house until
// ctx ends.
func (s *Service) Run(ctx context.Context) error {
	if s.redis != nil {
		defer func() { _ = s.redis.Close() }()
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.keys.Run(ctx) })
	g.Go(func() error { return s.outbox.Run(ctx) })
	g.Go(func() error { return s.announcements.Run(ctx) })
	g.Go(func() error { s.keepHouse(ctx); return nil })
	return g.Wait()
}

func (s *Service) keepHouse(ctx context.Context) {
	for {
		s.housekeeping(ctx)
		timer := s.clock.NewTimer(housekeepingInterval)
		select {
		case <-timer.Chan():
		case <-ctx.Done():
			timer.Stop()
			s.lastRound(ctx)
			return
		}
	}
}

// lastRound writes what is in memory though ctx has ended.
func (s *Service) lastRound(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	s.writeUses(ctx)
}

// housekeeping logs what fails; the next round tries again.
func (s *Service) housekeeping(ctx context.Context) {
	s.writeUses(ctx)
	now := s.now()
	if err := s.expire(ctx, now); err != nil {
		s.logger.WarnContext(ctx, "expired sessions were not ended", slog.Any("error", err))
	}
	if _, err := store.Clean(ctx, s.db, now.Add(-retention), cleanBatch); err != nil {
		s.logger.WarnContext(ctx, "old sessions were not deleted", slog.Any("error", err))
	}
	if _, err := store.CleanAccessTokens(ctx, s.db, now.Add(-tokenRetention), cleanBatch); err != nil {
		s.logger.WarnContext(ctx, "old personal access tokens were not deleted", slog.Any("error", err))
	}
	active, err := store.Count(ctx, s.db, now)
	if err != nil {
		s.logger.WarnContext(ctx, "active sessions were not counted", slog.Any("error", err))
		return
	}
	s.metrics.active.Set(float64(active))
}
