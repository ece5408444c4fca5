package mail

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/jonboulle/clockwork"
	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/keyring"
	"github.com/gatehouse-id/gatehouse/pkg/obs"
	"github.com/gatehouse-id/gatehouse/services/mail/internal/letter"
	"github.com/gatehouse-id/gatehouse/services/mail/internal/sms"
	"github.com/gatehouse-id/gatehouse/services/mail/internal/smtp"
)

//go:embed migrations/*.sql
var embedded embed.FS

// Migrations make the service's tables.
var Migrations, _ = fs.Sub(embedded, "migrations") // fails only for a malformed path

// Deps are what the service works with. All fields are required.
type Deps struct {
	Obs   *obs.Obs
	Clock clockwork.Clock
	DB    *db.DB // migrated
	Ring  *keyring.Ring
}

// Service is the mail service.
type Service struct {
	db      *db.DB
	clock   clockwork.Clock
	logger  *slog.Logger
	letters *letter.Set
	queues  queues
	metrics *metrics
	mailbox *mailbox     // nil: there is none
	server  *smtp.Server // nil: there is a mailbox
	gateway *sms.Gateway // nil: there is none
	// publicURL is the origin of the hosted pages; empty if it is not known.
	publicURL string
}

var _ mail.Service = (*Service)(nil)

// New makes the service. It does not connect to the SMTP server.
func New(_ context.Context, c Config, d Deps) (*Service, error) {
	c = c.withDefaults()
	letters, err := letter.Load(c.ProductName)
	if err != nil {
		return nil, err
	}
	s := &Service{
		db: d.DB, clock: d.DB.Clock(d.Clock), logger: d.Obs.Logger, letters: letters, metrics: newMetrics(d.Obs.Registry),
		publicURL: c.PublicURL,
	}
	carryMail, carrySMS := s.toServer, s.toGateway
	if c.DevMailbox {
		s.mailbox, carryMail = &mailbox{db: d.DB, ring: d.Ring}, s.toMailbox
	} else if s.server, err = newServer(c.SMTP, d.Obs); err != nil {
		return nil, err
	}
	if c.SMS.URL != "" {
		if s.gateway, err = sms.New(c.SMS.options(d.Obs)); err != nil {
			return nil, fmt.Errorf("mail: GATEHOUSE_SMS_URL %w", err)
		}
	} else if c.DevMailbox {
		carrySMS = s.toMailbox
	}
	s.queues = newQueues(d, s.deliverBy(carryMail), s.deliverBy(carrySMS))
	return s, nil
}

func newServer(c SMTP, o *obs.Obs) (*smtp.Server, error) {
	options, err := c.options()
	if err != nil {
		return nil, err
	}
	options.Tracer = o.Tracer
	return smtp.New(options)
}

// Run delivers mails and forgets old keys until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, queue := range s.queues {
		group.Go(func() error { return queue.Run(ctx) })
	}
	group.Go(func() error { s.sweepForever(ctx); return nil })
	return group.Wait()
}
