package doctor_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/doctor"
	"github.com/gatehouse-id/gatehouse/pkg/keyring"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

var schema = fstest.MapFS{"00001_keys.sql": {Data: []byte("-- +goose Up\n" + keyring.Schema)}}

// diagnose makes one check; the status is the worst of its findings.
func diagnose(t *testing.T, c doctor.Check) (status doctor.Status, text string) {
	t.Helper()
	results := doctor.Run(t.Context(), 20*time.Second, c)
	require.NotEmpty(t, results)
	for _, r := range results {
		assert.Equal(t, r.Status == doctor.OK, r.Advice == "", "what is wrong has advice: %+v", r)
	}
	return doctor.Worst(results), doctor.Text(results)
}

func TestDatabases(t *testing.T) {
	t.Parallel()
	for _, dialect := range []string{db.SQLite, db.Postgres} {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			address := testkit.DatabaseURL(t, dialect)
			ring, later := testkit.Ring(t), testkit.Ring(t)
			o := doctor.DatabaseOptions{Service: "things", URL: address, Migrations: schema, Ring: ring, Sealed: []keyring.Column{{Table: "signing_keys", Name: "sealed"}}}
			expect := func(want doctor.Status, says string) {
				t.Helper()
				status, text := diagnose(t, doctor.Database(o))
				assert.Equal(t, want, status, text)
				assert.Contains(t, text, says)
			}
			nothing := map[string]string{db.SQLite: "there is no file", db.Postgres: `there is no schema "things"`}[dialect]
			expect(doctor.Failure, nothing)
			expect(doctor.Failure, nothing) // the first did not make it
			d, err := db.Open(t.Context(), address, db.Options{Service: "things", Migrations: schema})
			require.NoError(t, err)
			defer func() { assert.NoError(t, d.Close()) }()
			expect(doctor.Failure, "lacks 1 migrations")
			require.NoError(t, d.Migrate(t.Context()))
			expect(doctor.OK, "all migrations are there")
			_, err = keyring.NewKeys(t.Context(), keyring.KeysOptions{DB: d, Ring: ring, Name: "x", Alg: keyring.EdDSA, Rotate: time.Hour, Retire: time.Hour})
			require.NoError(t, err)
			expect(doctor.OK, "all migrations are there")
			o.Ring = later
			expect(doctor.Failure, "1 values in signing_keys are sealed under a root key that is missing ("+ring.IDs()[0]+")")

			if dialect == db.Postgres {
				u, err := url.Parse(address)
				require.NoError(t, err)
				q := u.Query()
				q.Set("default_transaction_read_only", "on")
				u.RawQuery = q.Encode()
				o.URL = u.String()
				expect(doctor.Failure, "it is read-only")
				o.URL = address
			}
			_, err = d.Exec(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (77, TRUE)")
			require.NoError(t, err)
			expect(doctor.Failure, "1 migrations that this version does not know")
		})
	}
	status, text := diagnose(t, doctor.Database(doctor.DatabaseOptions{Service: "things", URL: "sqlite:" + filepath.Join(t.TempDir(), "x.db")}))
	assert.Equal(t, doctor.Failure, status)
	assert.Contains(t, text, "there is no file")
	status, text = diagnose(t, doctor.Database(doctor.DatabaseOptions{Service: "things", URL: "postgres://u:hunter2@127.0.0.1:1/x"}))
	assert.Equal(t, doctor.Failure, status)
	assert.NotContains(t, text, "hunter2")
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	ca := testkit.CA(t)
	for want, c := range map[string]struct {
		leaf   testkit.Leaf
		status doctor.Status
	}{
		"valid for another":      {testkit.Leaf{Service: "mail", NotAfter: time.Now().AddDate(1, 0, 0)}, doctor.OK},
		"expires in 2 days":      {testkit.Leaf{Service: "mail", NotAfter: time.Now().Add(50 * time.Hour)}, doctor.Warning},
		"has expired":            {testkit.Leaf{Service: "mail", NotAfter: time.Now().Add(-time.Minute)}, doctor.Failure},
		"does not name mail.gat": {testkit.Leaf{Service: "oauth", NotAfter: time.Now().AddDate(1, 0, 0)}, doctor.Failure},
	} {
		status, text := diagnose(t, doctor.Certificate(ca.IssueLeaf(c.leaf), "mail"))
		assert.Equal(t, c.status, status, text)
		assert.Contains(t, text, want)
	}
}

func TestPublicURL(t *testing.T) {
	t.Parallel()
	issuer, status, date, elsewhere := "", http.StatusOK, time.Now(), false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", date.UTC().Format(http.TimeFormat))
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": issuer})
	}))
	issuer = server.URL
	expect := func(want doctor.Status, says string) {
		t.Helper()
		got, text := diagnose(t, doctor.PublicURL(doctor.PublicURLOptions{Origin: server.URL, Elsewhere: elsewhere}))
		assert.Equal(t, want, got, text)
		assert.Contains(t, text, says)
	}
	expect(doctor.OK, "is the issuer there")
	date = time.Now().Add(-time.Hour - 30*time.Second)
	expect(doctor.Failure, "differs from ours by 1h0m")
	issuer = "https://other.example"
	expect(doctor.Failure, "another issuer is there")
	status = http.StatusBadGateway
	expect(doctor.Failure, "status 502")
	elsewhere = true
	expect(doctor.Failure, "status 502") // something is there, and it is wrong
	elsewhere = false
	server.Close()
	expect(doctor.Failure, "connection refused")
	elsewhere = true
	expect(doctor.Warning, "try it with a browser")
}

func TestFolders(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o700))
	status, text := diagnose(t, doctor.Folder("data folder", dir))
	assert.NotEqual(t, doctor.Failure, status, text)
	require.NoError(t, os.Chmod(dir, 0o755))
	status, text = diagnose(t, doctor.Folder("data folder", dir))
	assert.Equal(t, doctor.Warning, status)
	assert.Contains(t, text, "can be read by others")
	status, _ = diagnose(t, doctor.Folder("data folder", filepath.Join(dir, "none")))
	assert.Equal(t, doctor.Failure, status)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestAChecksTimeIsBounded(t *testing.T) {
	t.Parallel()
	never := make(chan struct{})
	defer close(never)
	results := doctor.Run(t.Context(), time.Millisecond,
		doctor.Check{Name: "deaf", Run: func(context.Context) []doctor.Result { <-never; return nil }},
		doctor.Check{Name: "good", Run: func(context.Context) []doctor.Result { return doctor.Good("fine") }})
	require.Len(t, results, 2)
	assert.Equal(t, doctor.Failure, results[0].Status)
	assert.True(t, strings.HasPrefix(doctor.Text(results[1:]), "ok"))
}
