package standalone

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	accountsapi "github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	mailapi "github.com/gatehouse-id/gatehouse/pkg/api/mail"
	oauthapi "github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	sessionsapi "github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/doctor"
	"github.com/gatehouse-id/gatehouse/pkg/keyring"
	"github.com/gatehouse-id/gatehouse/pkg/redisdb"
	"github.com/gatehouse-id/gatehouse/services/accounts"
	"github.com/gatehouse-id/gatehouse/services/mail"
	"github.com/gatehouse-id/gatehouse/services/oauth"
	"github.com/gatehouse-id/gatehouse/services/sessions"
)

// Checks are what the installation of these settings should pass. They change nothing.
func (s *Settings) Checks() []doctor.Check {
	ring, problem := s.existingRing()
	// On PostgreSQL this may be the command line beside a cluster, where others listen.
	checks := []doctor.Check{{Name: "settings", Run: func(context.Context) []doctor.Result {
		problems := strings.Join(s.Insecure(), "; ")
		switch {
		case problems == "":
			return doctor.Good("they are well formed")
		case s.embedded():
			return doctor.Fail(problems, "serve refuses to start with these")
		}
		return doctor.Warn(problems, "if `gatehouse serve` is the server it refuses to start with these; beside services of their own, which have settings for that, they do no harm")
	}}, {Name: "root key", Run: func(context.Context) []doctor.Result {
		if problem != nil {
			return doctor.Fail(problem.Error(), "set GATEHOUSE_ROOT_KEY or GATEHOUSE_ROOT_KEY_FILE to the key that the installation was made with")
		}
		return doctor.Good("%d", len(ring.IDs()))
	}}}
	if s.embedded() {
		checks = append(checks, doctor.Folder("data folder", s.DataDir))
	}
	migrations := map[string]fs.FS{
		accountsapi.Name: accounts.Migrations, sessionsapi.Name: sessions.Migrations, oauthapi.Name: oauth.Migrations, mailapi.Name: mail.Migrations,
	}
	for _, of := range sealed() {
		checks = append(checks, doctor.Database(doctor.DatabaseOptions{
			Service: of.service, URL: s.database(of.service), Setting: s.databaseSetting(of.service), Migrations: migrations[of.service], Ring: ring, Sealed: of.columns,
		}))
	}
	if s.Gateway.Redis.URL != "" {
		checks = append(checks, redisdb.Check(s.Gateway.Redis))
	}
	return append(checks,
		doctor.Check{Name: "mail server", Run: func(ctx context.Context) []doctor.Result { return mail.Diagnose(ctx, s.Mail) }},
		doctor.PublicURL(doctor.PublicURLOptions{Origin: s.Gateway.PublicURL, Elsewhere: !s.embedded()}))
}

// existingRing is openRing without making anything.
func (s *Settings) existingRing() (*keyring.Ring, error) {
	text := s.RootKey
	if text == "" && s.dev {
		file, err := os.ReadFile(filepath.Join(s.DataDir, "root.key"))
		if err != nil {
			return nil, fmt.Errorf("there is none as yet: %w", err)
		}
		text = strings.TrimSpace(string(file))
	}
	roots, err := keyring.ParseRoots(cmp.Or(text, ","))
	if err != nil {
		return nil, err
	}
	return keyring.NewRing(roots...)
}
