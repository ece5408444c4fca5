package relay

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// calls are what the other services were asked, in a channel with room for all.
type calls struct {
	all  chan any
	fail func() error
}

func (c *calls) note(r any) (api.Nothing, error) {
	if c.fail != nil {
		if err := c.fail(); err != nil {
			return api.Nothing{}, err
		}
	}
	c.all <- r
	return api.Nothing{}, nil
}

// next is the one call that there was.
func (c *calls) next(t *testing.T) any {
	t.Helper()
	require.Len(t, c.all, 1)
	return <-c.all
}

type mailer struct {
	mail.Service
	*calls
}

func (m mailer) Send(_ context.Context, r mail.SendRequest) (api.Nothing, error) { return m.note(r) }

type ender struct {
	sessions.Service
	*calls
}

func (e ender) EndAll(_ context.Context, r sessions.EndAllRequest) (api.Nothing, error) {
	return e.note(r)
}

func (e ender) Forget(_ context.Context, r sessions.ForgetRequest) (api.Nothing, error) {
	return e.note(r)
}

type granter struct {
	oauth.Service
	*calls
}

func (g granter) Forget(_ context.Context, r oauth.SubjectRequest) (api.Nothing, error) {
	return g.note(r)
}

// fixture is an outbox between a database and the other services.
type fixture struct {
	*outbox.Outbox
	t     *testing.T
	db    *db.DB
	clock *clockwork.FakeClock
	calls
}

func each(t *testing.T, test func(f *fixture)) {
	t.Helper()
	t.Parallel()
	testkit.EachDB(t, "accounts", os.DirFS("../../migrations"), func(t *testing.T, d *db.DB) {
		f := &fixture{t: t, db: d, clock: testkit.Clock(), calls: calls{all: make(chan any, 8)}}
		f.Outbox = outbox.New(outbox.Options{
			DB: d, Ring: testkit.Ring(t), Clock: f.clock,
			Handlers: Handlers(Services{Mail: mailer{calls: &f.calls}, Sessions: ender{calls: &f.calls}, OAuth: granter{calls: &f.calls}}, f.clock),
		})
		test(f)
	})
}

func (f *fixture) tx(fn func(ctx context.Context, tx *db.Tx) error) {
	f.t.Helper()
	require.NoError(f.t, f.db.Tx(f.t.Context(), fn))
}

func (f *fixture) drain() {
	f.t.Helper()
	require.NoError(f.t, f.Drain(f.t.Context()))
}

func (f *fixture) dead() []outbox.Dead {
	f.t.Helper()
	dead, err := f.Dead(f.t.Context(), 10)
	require.NoError(f.t, err)
	return dead
}

func letter() Mail {
	return Mail{Request: mail.SendRequest{Key: "k", Template: mail.PasswordReset, To: "titan@example.com"}}
}

// kinds are all that can be queued, and the one call that comes of it.
func (f *fixture) kinds() map[string]struct {
	queue func(ctx context.Context, tx *db.Tx) error
	want  []any
} {
	hub, session := int64(8), int64(9)
	end := sessions.EndAllRequest{User: 7, Hub: &hub, Except: &session, Before: f.clock.Now(), Tokens: true}
	return map[string]struct {
		queue func(ctx context.Context, tx *db.Tx) error
		want  []any
	}{
		"a mail":  {func(ctx context.Context, tx *db.Tx) error { return Post(ctx, f.Outbox, tx, letter()) }, []any{letter().Request}},
		"no mail": {func(ctx context.Context, tx *db.Tx) error { return PostNothing(ctx, f.Outbox, tx, letter()) }, nil},
		"an end":  {func(ctx context.Context, tx *db.Tx) error { return EndSessions(ctx, f.Outbox, tx, end) }, []any{end}},
		"forgetting": {
			func(ctx context.Context, tx *db.Tx) error { return Forget(ctx, f.Outbox, tx, 7, "s") },
			[]any{sessions.ForgetRequest{User: 7}, oauth.SubjectRequest{Subject: "s"}},
		},
	}
}

func (f *fixture) called() (got []any) {
	for len(f.all) > 0 {
		got = append(got, <-f.all)
	}
	return got
}

func TestEachReachesWhoItIsForOnce(t *testing.T) {
	each(t, func(f *fixture) {
		for name, kind := range f.kinds() {
			f.tx(kind.queue)
			f.drain()
			require.ElementsMatch(f.t, kind.want, f.called(), name)
			f.clock.Advance(time.Hour)
			f.drain()
			require.Empty(f.t, f.called(), "%s: again", name)

			failed := errors.New("changed my mind")
			require.ErrorIs(f.t, f.db.Tx(f.t.Context(), func(ctx context.Context, tx *db.Tx) error {
				return errors.Join(kind.queue(ctx, tx), failed)
			}), failed)
			f.drain()
			require.Empty(f.t, f.called(), "%s: rolled back", name)
		}
		require.Empty(f.t, f.dead())
	})
}

func TestWhatIsAwayIsTriedAgain(t *testing.T) {
	each(t, func(f *fixture) {
		for name, kind := range f.kinds() {
			f.fail = func() error { return fault.New(fault.Unavailable, "") }
			f.tx(kind.queue)
			f.drain()
			f.clock.Advance(time.Minute)
			f.drain()
			require.Empty(f.t, f.called(), name)
			f.fail = nil
			f.clock.Advance(time.Minute)
			f.drain()
			require.ElementsMatch(f.t, kind.want, f.called(), name)
		}
		require.Empty(f.t, f.dead())
	})
}

func TestWhatIsWrongIsNotTriedAgain(t *testing.T) {
	each(t, func(f *fixture) {
		f.fail = func() error { return fault.Field("to", "validation.email") }
		want := 0
		for name, kind := range f.kinds() {
			f.tx(kind.queue)
			f.drain()
			want += len(kind.want)
			require.Len(f.t, f.dead(), want, name)
		}
		for _, d := range f.dead() {
			require.Equal(f.t, 1, d.Attempts)
			require.NotContains(f.t, d.Error, "titan")
		}
	})
}

func TestAMailMayComeTooLate(t *testing.T) {
	each(t, func(f *fixture) {
		m := letter()
		m.Expires = f.clock.Now().Add(time.Hour)
		f.tx(func(ctx context.Context, tx *db.Tx) error { return Post(ctx, f.Outbox, tx, m) })
		m.Request.Key = "late"
		f.clock.Advance(time.Hour - time.Second)
		f.drain()
		want := letter().Request
		want.Expires = m.Expires
		require.Equal(f.t, want, f.next(f.t), "the mail service is told, too")
		f.tx(func(ctx context.Context, tx *db.Tx) error { return Post(ctx, f.Outbox, tx, m) })
		f.clock.Advance(time.Second)
		f.drain()
		require.Empty(f.t, f.called())
		require.Len(f.t, f.dead(), 1)
	})
}

// TestSessionsEndAsSoonAsTheCauseIsCommitted: the clock stands still, so that
// nothing but the commit can wake whoever hands over.
func TestSessionsEndAsSoonAsTheCauseIsCommitted(t *testing.T) {
	each(t, func(f *fixture) {
		ctx, stop := context.WithCancel(f.t.Context())
		done := make(chan error, 1)
		go func() { done <- f.Run(ctx) }()
		require.NoError(f.t, f.clock.BlockUntilContext(ctx, 1), "it has found nothing, and waits")
		want := sessions.EndAllRequest{User: 7, Before: f.clock.Now()}
		f.tx(func(ctx context.Context, tx *db.Tx) error { return EndSessions(ctx, f.Outbox, tx, want) })
		select {
		case got := <-f.all:
			require.Equal(f.t, want, got)
		case <-time.After(30 * time.Second):
			require.Fail(f.t, "nobody was woken")
		}
		stop()
		require.NoError(f.t, <-done)
	})
}
