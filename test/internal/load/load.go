package load

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/test/internal/sink"
	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// Options choose what a load is like.
type Options struct {
	// System is the cluster, whose mails go to Sink.
	System *system.System
	Sink   *sink.Server
	// ByConnection balances connections rather than requests; see [Balancer].
	ByConnection bool
	// Pace is the time that a worker rests between two of its turns; 0 is 100ms.
	Pace time.Duration
	// Patience bounds how long a worker waits after a failure, even if it is asked
	// to wait longer; 0 is a second.
	Patience time.Duration
	// Timeout is when a request without an answer is given up; 0 is 10 seconds.
	Timeout time.Duration
}

// Load is a load and what was promised to its clients.
type Load struct {
	t        testing.TB
	options  Options
	balancer *Balancer
	record   record
	ledger   *ledger
	number   atomic.Int64
	app      *system.App
	checker  *visitor // does what Verify asks of the app

	gate    sync.RWMutex // held for reading by whoever has a turn
	stop    context.CancelFunc
	working sync.WaitGroup
}

// worker is one client, which keeps its cookies.
type worker struct {
	load   *Load
	client *http.Client
}

var errNotArrived = errors.New("the browser did not come back to the app")

// Start makes the people and the app, and begins. The load ends with the test.
func Start(t testing.TB, o Options) *Load {
	t.Helper()
	if o.Pace == 0 {
		o.Pace = 100 * time.Millisecond
	}
	if o.Patience == 0 {
		o.Patience = time.Second
	}
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	l := &Load{t: t, options: o, balancer: NewBalancer(o.System.Gateways(), o.ByConnection), ledger: newLedger(), stop: stop}
	t.Cleanup(l.Stop)
	l.app = system.NewApp(t, o.System)
	turns := l.people()
	for _, turn := range turns {
		l.working.Go(func() { l.work(ctx, turn) })
	}
	return l
}

// people makes everybody, and tells what each does in a turn.
func (l *Load) people() []func(context.Context) error {
	t, s := l.t, l.options.System
	var turns []func(context.Context) error
	for i := range 3 {
		registered, founded := s.Register(t, fmt.Sprintf("owner%d@example.org", i))
		res := s.Call(t, http.MethodPut, "/v1/hub/"+founded.Hub.Hash, founded.Token, map[string]any{"session_limit": 0})
		require.Equal(t, http.StatusOK, res.Status, "%s", res.Body)
		p := &person{worker: l.worker(t, byPath), Person: registered}
		remembered := l.remembered(p)
		l.ledger.hubs[founded.Hub.Hash] = &hub{token: remembered, name: registered.Hub}
		switch i {
		case 0, 1:
			turns = append(turns, p.logIn, (&person{worker: l.worker(t, byPath)}).watch(remembered))
		default:
			turns = append(turns, p.rename(founded.Hub.Hash), p.register, (&person{worker: l.worker(t, as(Ended))}).haunt)
		}
		v := &visitor{worker: l.worker(t, byForm), Person: registered, app: l.app}
		if i == 0 {
			turns = append(turns, v.visit)
			l.checker = &visitor{worker: l.worker(t, as("check")), app: l.app}
		} else {
			turns = append(turns, v.refresh)
		}
	}
	return turns
}

// remembered logs a person in for as long as the load lasts.
func (l *Load) remembered(p *person) string {
	a, err := p.call(l.t.Context(), http.MethodPost, "/v1/auth", "", map[string]any{"user": p.Email, "password": p.Password, "remember": true})
	require.NoError(l.t, err)
	token := tokenOf(a)
	require.NotEmpty(l.t, token, "%s", a.body)
	l.ledger.open[token] = time.Now()
	return token
}

func (l *Load) worker(t testing.TB, kind func(*http.Request) string) *worker {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &worker{load: l, client: &http.Client{
		Transport: &recorder{next: l.balancer, record: &l.record, kind: kind}, Jar: jar, Timeout: l.options.Timeout,
	}}
}

func (w *worker) call(ctx context.Context, method, path, token string, body any) (answer, error) {
	return call(ctx, w.client, method, w.load.options.System.URL+path, token, body)
}

// byPath is the kind of a request to the JSON API.
func byPath(r *http.Request) string {
	switch {
	case r.URL.Path != "/v1/auth":
		if strings.HasPrefix(r.URL.Path, "/v1/hub/") {
			return Change
		}
		return Register
	case r.Method == http.MethodPost:
		return Login
	case r.Method == http.MethodDelete:
		return Logout
	}
	return Session
}

// byForm is the kind of a request of the app and its visitors.
func byForm(r *http.Request) string {
	if r.URL.Path != "/oauth2/token" {
		return Browse
	}
	body, err := r.GetBody()
	if err != nil {
		return Browse
	}
	defer func() { _ = body.Close() }()
	form := make([]byte, 4096)
	n, _ := body.Read(form) // of a buffer: all at once
	if strings.Contains(string(form[:n]), "grant_type=refresh_token") {
		return Refresh
	}
	return Code
}

func as(kind string) func(*http.Request) string { return func(*http.Request) string { return kind } }

// work has one turn after the other.
func (l *Load) work(ctx context.Context, turn func(context.Context) error) {
	for ctx.Err() == nil {
		l.gate.RLock()
		err := turn(ctx)
		l.gate.RUnlock()
		rest := l.options.Pace
		if err != nil {
			rest = l.options.Patience / 4
		}
		var out *outage
		if errors.As(err, &out) && out.after > 0 {
			rest = min(out.after, l.options.Patience)
		}
		timer := time.NewTimer(rest)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}

// Reconnect closes the connections that rest, so that all gateways have their share
// of new ones.
func (l *Load) Reconnect() { l.balancer.pool.CloseIdleConnections() }

// Stop ends the load. It may be called twice.
func (l *Load) Stop() {
	l.stop()
	l.working.Wait()
	l.balancer.Close()
}

// Phase is a time that is reported on.
type Phase struct {
	load *Load
	name string
	from time.Time
}

// Phase begins one.
func (l *Load) Phase(name string) *Phase { return &Phase{load: l, name: name, from: time.Now()} }

// End sums up the phase.
func (p *Phase) End() Report {
	to := time.Now()
	return sumUp(p.name, p.from, to, p.load.record.between(p.from, to))
}

// AwaitWell waits until requests of every kind succeed that were made after now.
func (l *Load) AwaitWell(t testing.TB) {
	t.Helper()
	now := time.Now()
	var missing []string
	defer func() {
		if len(missing) > 0 {
			t.Logf("no success since: %v", missing)
		}
	}()
	system.Eventually(t, "everything to be well again", func() bool {
		missing = nil
		well := l.record.succeededSince(now)
		for _, kind := range Kinds() {
			if !well[kind] {
				missing = append(missing, kind)
			}
		}
		return len(missing) == 0
	})
}

// AwaitFailure waits until a request of one of the kinds fails that was made
// after now: the fault has been noticed. Without kinds any will do.
func (l *Load) AwaitFailure(t testing.TB, kinds ...string) {
	t.Helper()
	now := time.Now()
	system.Eventually(t, "somebody to notice", func() bool {
		for _, one := range l.record.between(now, time.Now()) {
			if one.Failure != "" && one.Start.After(now) && (len(kinds) == 0 || slices.Contains(kinds, one.Kind)) {
				return true
			}
		}
		return false
	})
}
