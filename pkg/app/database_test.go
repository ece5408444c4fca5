package app

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

// away is a database server at a port where nobody listens.
const away = "GATEHOUSE_DATABASE_URL=postgres://gatehouse:hunter2@127.0.0.1:1/gatehouse"

func withDatabase(use func(context.Context, *db.DB) error) Service {
	return Service{Name: "mail", Migrations: migrations, Build: func(ctx context.Context, rt *Runtime) error {
		d, err := rt.OpenDB(ctx, migrations)
		if err != nil {
			return err
		}
		return use(ctx, d)
	}}
}

func TestMigrateThenServe(t *testing.T) {
	t.Parallel()
	url := sqlite(t)
	count := make(chan error, 1)
	s := withDatabase(func(ctx context.Context, d *db.DB) error {
		var users int
		count <- d.QueryRow(ctx, "SELECT COUNT(*) FROM users").Scan(&users)
		return nil
	})
	environ := []string{url, "INSECURE_INTERNAL=true", "GATEHOUSE_ROOT_KEY=" + rootKey, "GATEHOUSE_DRAIN=0s"}

	run(t, s, []string{"migrate"}, url).want(0, "up to date")
	run(t, s, []string{"migrate"}, url).want(0)
	r := start(t, s, clockwork.NewRealClock(), environ...)
	if err := <-count; err != nil {
		t.Error(err)
	}
	r.stop()
	r.want(0)
}

func TestMissingMigrationsAreWaitedFor(t *testing.T) {
	t.Parallel()
	url, clock := sqlite(t), clockwork.NewFakeClock()
	serves := make(chan struct{})
	s := withDatabase(func(context.Context, *db.DB) error { close(serves); return nil })
	r := start(t, s, clock, url, "INSECURE_INTERNAL=true", "GATEHOUSE_ROOT_KEY="+rootKey, "GATEHOUSE_DRAIN=0s")
	r.stderr.await(t, `"waiting for migrations"`, 1)
	for range 3 {
		if err := clock.BlockUntilContext(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		clock.Advance(migrationCheck)
	}
	if err := clock.BlockUntilContext(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	select {
	case <-serves:
		t.Fatal("serves without its tables")
	default:
	}
	run(t, s, []string{"migrate"}, url).want(0, "up to date")
	clock.Advance(migrationCheck)
	<-serves
	r.stderr.await(t, "the migrations are there", 1)
	if notices := strings.Count(r.stderr.String(), `"waiting for migrations"`); notices != 1 {
		t.Errorf("said %d times", notices)
	}
	r.stop()
	r.want(0)
}

func TestMigrationsThatDoNotCome(t *testing.T) {
	t.Parallel()
	clock := clockwork.NewFakeClock()
	r := start(t, withDatabase(nil), clock, sqlite(t), "INSECURE_INTERNAL=true", "GATEHOUSE_ROOT_KEY="+rootKey)
	for start := clock.Now(); clock.Since(start) < migrationWait; clock.Advance(migrationCheck) {
		if err := clock.BlockUntilContext(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
	}
	r.want(1, "lacks 1 of this version's migrations: run `mail migrate` first")
}

func TestADatabaseThatIsAwayIsWaitedFor(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"serve": nil, "migrate": {"migrate"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := clockwork.NewFakeClock()
			r := startProgram(t, program{service: withDatabase(nil), clock: clock, environ: []string{
				"GATEHOUSE_DEBUG_LISTEN=127.0.0.1:0", "INSECURE_INTERNAL=true", "GATEHOUSE_ROOT_KEY=" + rootKey, away,
			}}, args...)
			start := clock.Now()
			for clock.Since(start) < databaseWait {
				if err := clock.BlockUntilContext(t.Context(), 1); err != nil {
					t.Fatal(err)
				}
				clock.Advance(3 * time.Second)
			}
			r.want(1, "did not appear within 1m0s")
			if notices := strings.Count(r.stderr.String(), "waiting for the database"); notices < 5 || notices > 13 {
				t.Errorf("%d notices in a minute", notices)
			}
			if strings.Contains(r.stderr.String(), "hunter2") {
				t.Error("the password is in the log")
			}
		})
	}
}

// TestASilentDatabaseIsWaitedFor has a server that takes connections and
// says nothing, as one whose packets are dropped.
func TestASilentDatabaseIsWaitedFor(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	silent := "GATEHOUSE_DATABASE_URL=postgres://gatehouse@" + listener.Addr().String() + "/gatehouse?connect_timeout=1&sslmode=disable"
	r := start(t, withDatabase(nil), clockwork.NewFakeClock(), "INSECURE_INTERNAL=true", "GATEHOUSE_ROOT_KEY="+rootKey, silent)
	r.stderr.await(t, "waiting for the database", 1)
	r.stop()
	r.want(0)
}

func TestADatabaseThatGoesWhileMigrationsAreWaitedFor(t *testing.T) {
	t.Parallel()
	server, clock := testkit.StartPostgresServer(t, testkit.PostgresServerOptions{}), clockwork.NewFakeClock()
	r := start(t, withDatabase(nil), clock, "INSECURE_INTERNAL=true", "GATEHOUSE_ROOT_KEY="+rootKey, "GATEHOUSE_DATABASE_URL="+server.URL("postgres"))
	r.stderr.await(t, `"waiting for migrations"`, 1)
	server.Stop(t, "immediate") // unlike Kill it waits for the processes that answer on open connections
	for start := clock.Now(); clock.Since(start) < migrationWait; clock.Advance(migrationCheck) {
		if err := clock.BlockUntilContext(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
	}
	r.want(1, "looking for pending migrations: unavailable", "waiting for the database")
}

func TestStopWhileWaitingForTheDatabase(t *testing.T) {
	t.Parallel()
	r := start(t, withDatabase(nil), clockwork.NewFakeClock(), "INSECURE_INTERNAL=true", "GATEHOUSE_ROOT_KEY="+rootKey, away)
	r.stderr.await(t, "waiting for the database", 1)
	r.stop()
	r.want(0)
}

func TestAWrongDatabaseIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	r := start(t, withDatabase(nil), clockwork.NewFakeClock(), "INSECURE_INTERNAL=true", "GATEHOUSE_ROOT_KEY="+rootKey, "GATEHOUSE_DATABASE_URL=mysql://db")
	r.want(1, "opening the mail database")
}

func TestSeveralDatabasesInOneProcess(t *testing.T) {
	t.Parallel()
	s := Service{Name: "standalone", Alone: true, Build: func(ctx context.Context, rt *Runtime) error {
		for _, name := range []string{"accounts", "sessions"} {
			_, err := rt.OpenDatabase(ctx, DatabaseOptions{
				Service: name, URL: "sqlite:" + t.TempDir() + "/" + name + ".db", Migrations: migrations, Migrate: true,
			})
			if err != nil {
				return err
			}
		}
		close(rt.service.Settings.(*signalled).built)
		return nil
	}}
	settings := &signalled{built: make(chan struct{})}
	s.Settings = settings
	r := start(t, s, clockwork.NewRealClock(), "GATEHOUSE_DRAIN=0s")
	<-settings.built
	r.stop()
	r.want(0)
}

type signalled struct {
	Base  Base
	built chan struct{}
}
