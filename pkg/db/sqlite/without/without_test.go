// Package without_test is a program that does not import package sqlite.
package without_test

import (
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/app"
	"github.com/gatehouse-id/gatehouse/pkg/db"
)

func TestAProgramWithoutSQLiteSaysSo(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "things.db")
	_, err := db.Open(t.Context(), "sqlite:"+file, db.Options{Service: "things"})
	require.ErrorIs(t, err, db.ErrNoSQLite)
	assert.NoFileExists(t, file)
	assert.False(t, db.HasSQLite())
}

func TestCheckConfigKnowsThatThereIsNoSQLite(t *testing.T) {
	t.Parallel()
	var out, failure strings.Builder
	s := app.Service{Name: "things", Migrations: fstest.MapFS{}}
	code := app.Run(t.Context(), s, []string{"check-config"}, []string{
		"GATEHOUSE_DATABASE_URL=sqlite:/tmp/x.db", "INSECURE_INTERNAL=true",
		"GATEHOUSE_ROOT_KEY=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
	}, &out, &failure)
	assert.Equal(t, 2, code)
	assert.Contains(t, failure.String(), "GATEHOUSE_DATABASE_URL: "+db.ErrNoSQLite.Error())
}
