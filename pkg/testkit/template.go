package testkit

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/db"
)

// template is a database that the migrations of a service have been applied to,
// and that nobody writes to again. There is one per set of migrations and dialect
// in a process.
type template struct {
	made sync.Once
	err  error

	// file is the content of SQLite's.
	file []byte

	// database is the name of PostgreSQL's; the rest is for a copy that a test is
	// done with, see [server.reset].
	database string
	reset    resetting
}

var templates struct {
	sync.Mutex
	all map[string]*template
}

// templateOf is the template of these migrations, which the first test makes.
func templateOf(tb testing.TB, dialect, service string, migrations fs.FS) *template {
	tb.Helper()
	key, err := templateKey(dialect, service, migrations)
	require.NoError(tb, err)
	templates.Lock()
	if templates.all == nil {
		templates.all = map[string]*template{}
	}
	t := templates.all[key]
	if t == nil {
		t = &template{}
		templates.all[key] = t
	}
	templates.Unlock()

	if dialect == db.Postgres {
		postgres.require(tb)
	}
	t.made.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), startTimeout) // not the first test's: it is for all
		defer cancel()
		if dialect == db.Postgres {
			t.err = t.makePostgres(ctx, service, migrations)
		} else {
			t.err = t.makeSQLite(ctx, service, migrations)
		}
	})
	require.NoError(tb, t.err, "testkit: migrating the template of %s", service)
	return t
}

// templateKey goes by what the migrations say.
func templateKey(dialect, service string, migrations fs.FS) (string, error) {
	digest := sha256.New()
	err := fs.WalkDir(migrations, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(migrations, path)
		_, _ = fmt.Fprintf(digest, "%q %q\n", path, text) // never fails
		return err
	})
	return fmt.Sprintf("%s %s %x", dialect, service, digest.Sum(nil)), err
}

func (t *template) makeSQLite(ctx context.Context, service string, migrations fs.FS) error {
	dir, err := os.MkdirTemp("", "gatehouse-template-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "template.db")
	if err := migrate(ctx, "sqlite:"+file, service, migrations); err != nil {
		return err
	}
	t.file, err = os.ReadFile(file)
	return err
}

func (t *template) makePostgres(ctx context.Context, service string, migrations fs.FS) error {
	name, err := postgres.take(ctx, nil)
	if err != nil {
		return err
	}
	t.database = name
	if err := migrate(ctx, postgres.url(name), service, migrations); err != nil {
		return err
	}
	return postgres.learn(ctx, t)
}

// migrate closes the database again, with which SQLite's log goes into the file.
func migrate(ctx context.Context, url, service string, migrations fs.FS) error {
	d, err := db.Open(ctx, url, db.Options{Service: service, Migrations: migrations, MaxConns: 1, Volatile: true})
	if err != nil {
		return err
	}
	if err := d.Migrate(ctx); err != nil {
		_ = d.Close()
		return err
	}
	return d.Close()
}
