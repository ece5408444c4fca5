package db

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"

	"github.com/pressly/goose/v3"
)

// versionTable is where goose writes down what has been applied.
const versionTable = goose.DefaultTablename

// migrator is what a backend lends for a migration; close frees its lock.
type migrator struct {
	pool    *sql.DB
	dialect goose.Dialect
	options []goose.ProviderOption
	close   func() error
}

// Migrate applies the migrations that are missing, each in its transaction,
// and stops at the first that fails. There is no way back: a migration must
// suit the version before it as well. Processes that start at once wait for
// each other, at most five minutes.
func (d *DB) Migrate(ctx context.Context) (err error) {
	versions, err := d.versions()
	if err != nil || len(versions) == 0 {
		return err
	}
	m, err := d.backend.migrator(ctx, d)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.close()) }()

	provider, err := d.provider(m.dialect, m.pool, m.options...)
	if err != nil {
		return err
	}
	results, err := provider.Up(ctx)
	if err != nil {
		return fmt.Errorf("db: migrating %s: %w", d.service, mapError(ctx, err))
	}
	for _, r := range results {
		d.logger.InfoContext(ctx, "migrated the database", slog.String("database", d.service),
			slog.String("migration", r.Source.Path), slog.Duration("took", r.Duration))
	}
	return nil
}

// Pending counts the migrations that are known but not yet applied. It changes
// nothing, so it may be asked before the first Migrate and by a readiness probe.
func (d *DB) Pending(ctx context.Context) (int, error) {
	missing, err := d.versions()
	if err != nil || len(missing) == 0 {
		return 0, err
	}
	var exists bool
	if err := d.QueryRow(ctx, d.backend.hasTable(), versionTable).Scan(&exists); err != nil || !exists {
		return len(missing), err
	}
	rows, err := d.Query(ctx, "SELECT version_id FROM "+versionTable+" WHERE is_applied")
	if err != nil {
		return 0, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var version int64
		if err := rows.Scan(&version); err != nil {
			return 0, err
		}
		delete(missing, version)
	}
	return len(missing), rows.Err()
}

// versions of the migrations that the program brings along.
func (d *DB) versions() (map[int64]bool, error) {
	if d.sources == nil {
		return nil, nil
	}
	// goose wants a pool, and does not use it to list files.
	provider, err := d.provider(goose.DialectSQLite3, d.read)
	if errors.Is(err, goose.ErrNoMigrations) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	versions := map[int64]bool{}
	for _, source := range provider.ListSources() {
		versions[source.Version] = true
	}
	return versions, nil
}

func (d *DB) provider(dialect goose.Dialect, pool *sql.DB, more ...goose.ProviderOption) (*goose.Provider, error) {
	options := append([]goose.ProviderOption{
		goose.WithDisableGlobalRegistry(true),
		goose.WithLogger(goose.NopLogger()),
	}, more...)
	provider, err := goose.NewProvider(dialect, pool, rendered{d.sources, d.backend}, options...)
	if err != nil {
		return nil, fmt.Errorf("db: the migrations of %s: %w", d.service, err)
	}
	return provider, nil
}

// rendered is a folder of migrations in which {{identity}} and {{random_hash}}
// are filled in.
type rendered struct {
	fs.FS
	backend backend
}

func (r rendered) Open(name string) (fs.File, error) {
	f, err := r.FS.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil || info.IsDir() {
		return f, err
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	text = bytes.ReplaceAll(text, []byte("{{identity}}"), []byte(r.backend.identity()))
	text = bytes.ReplaceAll(text, []byte("{{random_hash}}"), []byte(r.backend.randomHash()))
	return renderedFile{bytes.NewReader(text), info}, nil
}

type renderedFile struct {
	*bytes.Reader
	info fs.FileInfo
}

func (f renderedFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f renderedFile) Close() error               { return nil }
