package standalone

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"

	accountsapi "github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	mailapi "github.com/gatehouse-id/gatehouse/pkg/api/mail"
	oauthapi "github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	sessionsapi "github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

const sharedURL = "GATEHOUSE_DATABASE_URL"

// ownURL is the setting with the URL of a service alone, and its value.
func (s *Settings) ownURL(service string) (name, url string) {
	own := map[string]string{
		accountsapi.Name: s.AccountsURL, sessionsapi.Name: s.SessionsURL, oauthapi.Name: s.OAuthURL, mailapi.Name: s.MailURL,
	}
	return "GATEHOUSE_" + strings.ToUpper(service) + "_DATABASE_URL", own[service]
}

// database is where a service's tables are.
func (s *Settings) database(service string) string {
	_, own := s.ownURL(service)
	return cmp.Or(own, s.DatabaseURL, "sqlite:"+s.DataDir+"/"+service+".db")
}

// databaseSetting is the setting that a service's database is, or would be, named by.
func (s *Settings) databaseSetting(service string) string {
	if name, own := s.ownURL(service); own != "" {
		return name
	}
	return sharedURL
}

// embedded reports that the databases are SQLite's.
func (s *Settings) embedded() bool {
	return s.DatabaseURL == "" && s.AccountsURL == "" && s.SessionsURL == "" && s.OAuthURL == "" && s.MailURL == ""
}

func (s *Settings) databaseProblems() []string {
	var problems []string
	check := func(name, url string) {
		if url != "" && !strings.HasPrefix(url, "postgres://") && !strings.HasPrefix(url, "postgresql://") {
			problems = append(problems, name+": must begin with postgres://, or be empty for SQLite in GATEHOUSE_DATA_DIR")
		}
	}
	check(sharedURL, s.DatabaseURL)
	for _, of := range sealed() {
		name, own := s.ownURL(of.service)
		check(name, own)
		if own == "" && s.DatabaseURL == "" && !s.embedded() {
			// A file beside the others' databases would be one that no service knows.
			problems = append(problems, name+" is not set, and neither is "+sharedURL+": give it a database on PostgreSQL as the others have")
		}
	}
	return problems
}

// open opens a service's database and brings its tables up to date, unless
// [Deps.Existing] leaves that to others.
func (g *Gatehouse) open(ctx context.Context, service string, migrations fs.FS) (*db.DB, error) {
	d, err := db.Open(ctx, g.settings.database(service), db.Options{
		Service: service, Migrations: migrations, Existing: g.existing(),
		Registry: g.deps.Obs.Registry, Tracer: g.deps.Obs.Tracer, Logger: g.deps.Obs.Logger,
		Clock: g.deps.Clock,
	})
	if errors.Is(err, db.ErrNoSchema) {
		return nil, g.unmigrated(service, err.Error())
	}
	if fault.Is(err, fault.Unavailable) {
		// A fault's text is for users: it would hide the cause from the operator.
		err = errors.New(err.Error())
	}
	if err != nil {
		return nil, fmt.Errorf("opening the %s database: %w", service, err)
	}
	g.databases[service] = d
	g.group.OnClose(service+" database", func(context.Context) error { return d.Close() })
	if g.existing() {
		err = g.requireMigrated(ctx, d)
	} else if err = d.Migrate(ctx); err != nil {
		err = fmt.Errorf("migrating the %s database: %w", service, err)
	}
	if err != nil {
		return nil, err
	}
	g.group.Ready(service+" database", d.Ping)
	g.group.Go(service+" database pulse", func(ctx context.Context) error { //nolint:contextcheck // runs for as long as the process
		d.Pulse(ctx, g.deps.Clock)
		return nil
	})
	return d, nil
}

// existing reports that nothing is to be made here. Embedded databases have no
// other program that could.
func (g *Gatehouse) existing() bool { return g.deps.Existing && !g.settings.embedded() }

// requireMigrated refuses tables that lack what this version needs. Those of a newer
// version suit the one before.
func (g *Gatehouse) requireMigrated(ctx context.Context, d *db.DB) error {
	pending, unknown, err := d.MigrationState(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("looking for the migrations of the %s database: %w", d.Service(), err)
	case pending > 0:
		return g.unmigrated(d.Service(), fmt.Sprintf("the %s database lacks %d of this version's migrations", d.Service(), pending))
	case unknown > 0:
		g.deps.Obs.Logger.WarnContext(ctx, "the database is of a newer version: use the command line of that one",
			slog.String("database", d.Service()), slog.Int("unknown_migrations", unknown))
	}
	return nil
}

// unmigrated says what to do about a database that is not ready, or not the service's.
func (g *Gatehouse) unmigrated(service, problem string) error {
	return fmt.Errorf("%s\n  this command does not make it: run `%s migrate` of this version first, as the service's own database user"+
		" (`gatehouse migrate` if `gatehouse serve` is all there is),\n  or see whether %s names the database of %s",
		problem, service, g.settings.databaseSetting(service), service)
}
