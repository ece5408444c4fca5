package outbox

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jonboulle/clockwork"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/keyring"
)

// Schema creates the table. Each service that has an outbox has this text in
// one of its migrations, and a test that says so.
//
//go:embed schema.sql
var Schema string

// SchemaLanes adds what LaneLimit needs to [Schema]'s table.
//
//go:embed lanes.sql
var SchemaLanes string

// sealing is the purpose that payloads are sealed for.
const sealing = "outbox"

// Defaults of Options. A message that keeps failing is tried for about a day.
const (
	defaultPoll        = 5 * time.Second
	defaultLease       = 10 * time.Second
	defaultTimeout     = 2 * time.Minute
	defaultGrace       = 5 * time.Second
	defaultRetention   = 7 * 24 * time.Hour
	defaultDead        = 30 * 24 * time.Hour
	defaultConcurrency = 4
	defaultMaxAttempts = 300
	defaultFirstWait   = time.Second
	defaultLongestWait = 5 * time.Minute
)

// Message is what is to be delivered.
type Message struct {
	// Topic names the handler.
	Topic string
	// Key is the idempotency key: within the topic, a second message with the
	// same one is ignored until the first has been delivered and Retention is
	// over, or given up and DeadRetention is. It is stored in clear.
	Key string
	// Payload is up to the handler; it is stored sealed.
	Payload []byte
	// Lane says with which others the message shares LaneLimit, such as whom it is
	// for; empty: with none. It is stored in clear.
	Lane string
}

// Delivery is one attempt to deliver a message.
type Delivery struct {
	ID      int64
	Topic   string
	Key     string
	Payload []byte
	Attempt int       // the first is 1
	Created time.Time // when the message was added
}

// Handler delivers a message. An error means later again, after the backoff
// or a fault's RetryAfter if that is longer; see [Permanent]. The error's text
// is stored and logged, so it must not hold secrets. The context ends when
// the attempt takes longer than Timeout, when the lease is lost and when the
// process stops; an attempt cut short by the stop does not count.
type Handler func(ctx context.Context, m Delivery) error

// Permanent marks an error that trying again would not cure.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return permanentError{err}
}

type permanentError struct{ error }

func (e permanentError) Unwrap() error { return e.error }

// Options is what an outbox needs. DB, Ring and Clock are required, everything
// else has a default.
type Options struct {
	DB       *db.DB
	Ring     *keyring.Ring
	Clock    clockwork.Clock
	Logger   *slog.Logger
	Registry prometheus.Registerer
	Tracer   trace.TracerProvider
	// Handlers by topic. Only these topics can be added and are delivered.
	Handlers map[string]Handler
	// Poll is how often to look for messages that other replicas added or left
	// behind; those added here are delivered at once. Default 5 s.
	Poll time.Duration
	// Lease is how long after the death of a worker its messages are taken
	// over. It is renewed at a third of its length. Default 10 s.
	Lease time.Duration
	// Timeout bounds an attempt. Default 2 min.
	Timeout time.Duration
	// Grace is how long running attempts may go on when Run is to end.
	// Default 5 s.
	Grace time.Duration
	// Concurrency is how many attempts run at once. Default 4.
	Concurrency int
	// LaneLimit is how many attempts of one lane run at once in this process, so
	// that others need not wait for one that hangs. 0: messages have no lanes, and
	// the table needs no [SchemaLanes].
	LaneLimit int
	// MaxAttempts is how often a message is tried before it is dead. Default 300.
	MaxAttempts int
	// Backoff is the wait after the attempt, counted from 1.
	// Default Exponential(1 s, 5 min).
	Backoff func(attempt int) time.Duration
	// Retention is how long a delivered message's row is kept. Default 7 days.
	Retention time.Duration
	// DeadRetention is how long a message that was given up waits for an
	// operator to retry it. Default 30 days.
	DeadRetention time.Duration
}

func (o Options) withDefaults() Options {
	o.Logger = cmp.Or(o.Logger, slog.New(slog.DiscardHandler))
	if o.Tracer == nil {
		o.Tracer = noop.NewTracerProvider()
	}
	if o.Backoff == nil {
		o.Backoff = Exponential(defaultFirstWait, defaultLongestWait)
	}
	o.Handlers = maps.Clone(o.Handlers)
	o.Poll = cmp.Or(o.Poll, defaultPoll)
	o.Lease = cmp.Or(o.Lease, defaultLease)
	o.Timeout = cmp.Or(o.Timeout, defaultTimeout)
	o.Grace = cmp.Or(o.Grace, defaultGrace)
	o.Retention = cmp.Or(o.Retention, defaultRetention)
	o.DeadRetention = cmp.Or(o.DeadRetention, defaultDead)
	o.Concurrency = cmp.Or(o.Concurrency, defaultConcurrency)
	o.MaxAttempts = cmp.Or(o.MaxAttempts, defaultMaxAttempts)
	return o
}

// Outbox is one service's queue. It is safe for concurrent use.
type Outbox struct {
	o       Options
	store   store
	tracer  trace.Tracer
	metrics *metrics
	lanes   *lanes
	wake    chan struct{} // holds one token: look again
}

// New makes an outbox on the service's database, which has [Schema]'s table.
// Missing requirements are a mistake of the program, on which it panics.
func New(o Options) *Outbox {
	if o.DB == nil || o.Ring == nil || o.Clock == nil {
		panic("outbox: DB, Ring and Clock are required")
	}
	o = o.withDefaults()
	o.Clock = o.DB.Clock(o.Clock) // leases are between processes
	return &Outbox{
		o:       o,
		store:   store{db: o.DB, topics: slices.Sorted(maps.Keys(o.Handlers)), lanes: o.LaneLimit > 0},
		tracer:  o.Tracer.Tracer("github.com/gatehouse-id/gatehouse/pkg/outbox"),
		metrics: newMetrics(o.Registry, o.DB.Service()),
		lanes:   &lanes{limit: o.LaneLimit, busy: map[string]int{}},
		wake:    make(chan struct{}, 1),
	}
}

// Add queues the message if, and as soon as, tx commits. A key that the topic
// has had already is silently ignored, whatever the payload.
func (o *Outbox) Add(ctx context.Context, tx *db.Tx, m Message) error {
	if err := o.check(m); err != nil {
		return err
	}
	sealed, err := o.o.Ring.Seal(sealing, m.Payload, aad(m.Topic, m.Key))
	if err != nil {
		return fmt.Errorf("outbox: sealing: %w", err)
	}
	added, err := o.store.add(ctx, tx, m, sealed, traceOf(ctx), o.o.Clock.Now())
	if err != nil {
		return err
	}
	if added {
		tx.OnCommit(o.look)
	}
	return nil
}

func (o *Outbox) check(m Message) error {
	if _, ok := o.o.Handlers[m.Topic]; !ok {
		return fmt.Errorf("outbox: there is no handler for topic %q", m.Topic)
	}
	if m.Key == "" || !utf8.ValidString(m.Key) || strings.ContainsRune(m.Key, 0) {
		return errors.New("outbox: a message needs a key, of text")
	}
	if m.Lane != "" && o.o.LaneLimit == 0 {
		return errors.New("outbox: there are no lanes")
	}
	if !utf8.ValidString(m.Lane) || strings.ContainsRune(m.Lane, 0) {
		return errors.New("outbox: a lane is text")
	}
	return nil
}

// look tells Run that there is something to do.
func (o *Outbox) look() {
	select {
	case o.wake <- struct{}{}:
	default: // it has been told, and has not looked yet
	}
}

// aad binds a sealed payload to its place. A topic is a constant of the
// program and holds no NUL.
func aad(topic, key string) []byte { return []byte(topic + "\x00" + key) }
