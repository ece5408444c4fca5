package standalone

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/db/sqlite"
)

// ErrNotEmbedded says that the databases are PostgreSQL's to back up.
var ErrNotEmbedded = errors.New("the databases are on PostgreSQL: back them up with pg_dump or its other means")

// Backup copies the embedded databases into a new folder while they are in use,
// all as they are at one moment.
func (s *Settings) Backup(ctx context.Context, folder string) (files []string, err error) {
	if !s.embedded() {
		return nil, ErrNotEmbedded
	}
	var copies []db.Copy
	defer func() {
		for _, c := range copies {
			err = errors.Join(err, c.DB.Close())
		}
	}()
	for _, of := range sealed() {
		from := filepath.Join(s.DataDir, of.service+".db")
		if _, err := os.Stat(from); err != nil { // opening would make it
			return nil, fmt.Errorf("backing up %s: %w", of.service, err)
		}
		d, err := db.Open(ctx, "sqlite:"+from, db.Options{Service: of.service, MaxConns: 1})
		if err != nil {
			return nil, fmt.Errorf("backing up %s: %w", of.service, err)
		}
		copies = append(copies, db.Copy{DB: d, To: filepath.Join(folder, of.service+".db")})
		files = append(files, filepath.Join(folder, of.service+".db"))
	}
	if err := os.Mkdir(folder, 0o700); err != nil { // never into an older backup
		return nil, fmt.Errorf("making the folder of the backup: %w", err)
	}
	return files, db.CopyAll(ctx, sqlite.BackUp, copies...)
}
