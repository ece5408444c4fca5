package standalone

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/jonboulle/clockwork"

	accountsapi "github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	mailapi "github.com/gatehouse-id/gatehouse/pkg/api/mail"
	oauthapi "github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	sessionsapi "github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/app"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/keyring"
	"github.com/gatehouse-id/gatehouse/pkg/obs"
	"github.com/gatehouse-id/gatehouse/pkg/rpc"
	"github.com/gatehouse-id/gatehouse/services/accounts"
	"github.com/gatehouse-id/gatehouse/services/gateway"
	"github.com/gatehouse-id/gatehouse/services/mail"
	"github.com/gatehouse-id/gatehouse/services/oauth"
	"github.com/gatehouse-id/gatehouse/services/sessions"
)

// Callers that are no service themselves.
const (
	edge     = "gateway"
	operator = "operator" // the command line
)

// Deps are what the process gives to all services.
type Deps struct {
	Obs   *obs.Obs
	Clock clockwork.Clock
	// Existing is for commands beside services that run, or will: on PostgreSQL
	// nothing is made but what the command is for, neither tables nor signing keys.
	Existing bool
}

// Gatehouse is all services, wired to each other. The interfaces are those that
// a caller in another process would have, for the operator.
type Gatehouse struct {
	Accounts accountsapi.Service
	Sessions sessionsapi.Service
	Mail     mailapi.Service
	OAuth    oauthapi.Service
	// Handler is the public origin.
	Handler http.Handler

	settings  *Settings
	databases map[string]*db.DB
	deps      Deps
	ring      *keyring.Ring
	group     *app.Group
	servers   map[string]*rpc.Server
}

// New opens the databases and builds every service on them, in the order in
// which they need each other. The group runs their background work and closes
// the databases; so far it only has to be closed if New fails.
func New(ctx context.Context, s *Settings, d Deps, group *app.Group) (*Gatehouse, error) {
	ring, err := openRing(s)
	if err != nil {
		return nil, err
	}
	g := &Gatehouse{settings: s, deps: d, ring: ring, group: group, databases: map[string]*db.DB{}, servers: map[string]*rpc.Server{}}
	// All servers come first: the services call each other in both directions.
	g.server(mailapi.Name, accountsapi.Name, edge, operator)
	g.server(sessionsapi.Name, accountsapi.Name, oauthapi.Name, edge, operator)
	g.server(accountsapi.Name, sessionsapi.Name, oauthapi.Name, edge, operator)
	g.server(oauthapi.Name, accountsapi.Name, sessionsapi.Name, edge, operator)
	for _, build := range []func(context.Context) error{
		g.buildMail, g.buildSessions, g.buildAccounts, g.buildOAuth, g.buildGateway,
	} {
		if err := build(ctx); err != nil {
			return nil, err
		}
	}
	return g, nil
}

func (g *Gatehouse) buildMail(ctx context.Context) error {
	d, err := g.open(ctx, mailapi.Name, mail.Migrations)
	if err != nil {
		return err
	}
	s, err := mail.New(ctx, g.settings.Mail, mail.Deps{Obs: g.deps.Obs, Clock: g.deps.Clock, DB: d, Ring: g.ring})
	if err != nil {
		return fmt.Errorf("building mail: %w", err)
	}
	server := g.servers[mailapi.Name]
	mailapi.Mount(server, s)
	g.Mail = mailapi.NewClient(g.conn(mailapi.Name, operator))
	g.group.Go(mailapi.Name, s.Run) //nolint:contextcheck // runs for as long as the process
	return nil
}

func (g *Gatehouse) buildSessions(ctx context.Context) error {
	d, err := g.open(ctx, sessionsapi.Name, sessions.Migrations)
	if err != nil {
		return err
	}
	s, err := sessions.New(ctx, g.settings.Sessions, sessions.Deps{
		Obs: g.deps.Obs, Clock: g.deps.Clock, DB: d, Ring: g.ring,
		Accounts: accountsapi.NewClient(g.conn(accountsapi.Name, sessionsapi.Name)),
		OAuth:    oauthapi.NewClient(g.conn(oauthapi.Name, sessionsapi.Name)),
		Existing: g.existing(),
	})
	if err != nil {
		return fmt.Errorf("building sessions: %w", err)
	}
	server := g.servers[sessionsapi.Name]
	sessionsapi.Mount(server, s)
	g.Sessions = sessionsapi.NewClient(g.conn(sessionsapi.Name, operator))
	g.group.Go(sessionsapi.Name, s.Run) //nolint:contextcheck // runs for as long as the process
	return nil
}

func (g *Gatehouse) buildAccounts(ctx context.Context) error {
	d, err := g.open(ctx, accountsapi.Name, accounts.Migrations)
	if err != nil {
		return err
	}
	s, err := accounts.New(ctx, g.settings.Accounts, accounts.Deps{
		Obs: g.deps.Obs, Clock: g.deps.Clock, DB: d, Ring: g.ring,
		Mail:     mailapi.NewClient(g.conn(mailapi.Name, accountsapi.Name)),
		Sessions: sessionsapi.NewClient(g.conn(sessionsapi.Name, accountsapi.Name)),
		OAuth:    oauthapi.NewClient(g.conn(oauthapi.Name, accountsapi.Name)),
	})
	if err != nil {
		return fmt.Errorf("building accounts: %w", err)
	}
	server := g.servers[accountsapi.Name]
	accountsapi.Mount(server, s)
	g.Accounts = accountsapi.NewClient(g.conn(accountsapi.Name, operator))
	g.group.Go(accountsapi.Name, s.Run) //nolint:contextcheck // runs for as long as the process
	return nil
}

func (g *Gatehouse) buildOAuth(ctx context.Context) error {
	d, err := g.open(ctx, oauthapi.Name, oauth.Migrations)
	if err != nil {
		return err
	}
	s, err := oauth.New(ctx, g.settings.OAuth, oauth.Deps{
		Obs: g.deps.Obs, Clock: g.deps.Clock, DB: d, Ring: g.ring,
		Accounts: accountsapi.NewClient(g.conn(accountsapi.Name, oauthapi.Name)), LogoNetworks: g.settings.logoNetworks(),
		Existing: g.existing(),
	})
	if err != nil {
		return fmt.Errorf("building oauth: %w", err)
	}
	server := g.servers[oauthapi.Name]
	oauthapi.Mount(server, s)
	server.HandleHTTP("/", s.Public())
	g.OAuth = oauthapi.NewClient(g.conn(oauthapi.Name, operator))
	g.group.Go(oauthapi.Name, s.Run) //nolint:contextcheck // runs for as long as the process
	return nil
}

func (g *Gatehouse) buildGateway(ctx context.Context) error {
	s, err := gateway.New(ctx, g.settings.Gateway, gateway.Deps{
		Obs: g.deps.Obs, Clock: g.deps.Clock,
		Accounts:    accountsapi.NewClient(g.conn(accountsapi.Name, edge)),
		Sessions:    sessionsapi.NewClient(g.conn(sessionsapi.Name, edge)),
		Mail:        mailapi.NewClient(g.conn(mailapi.Name, edge)),
		OAuth:       oauthapi.NewClient(g.conn(oauthapi.Name, edge)),
		OAuthPublic: g.servers[oauthapi.Name].LocalHTTP(edge),
	})
	if err != nil {
		return fmt.Errorf("building the gateway: %w", err)
	}
	g.Handler = s
	g.group.Go(edge, s.Run) //nolint:contextcheck // runs for as long as the process
	return nil
}

// server is what stands before a service, here as in a process of its own.
func (g *Gatehouse) server(service string, callers ...string) {
	g.servers[service] = rpc.NewServer(rpc.ServerOptions{Service: service, Callers: callers, Obs: g.deps.Obs})
}

// conn is a caller's way to a service that has been built.
func (g *Gatehouse) conn(service, caller string) rpc.Conn { return g.servers[service].Local(caller) }

// openRing makes the key ring of GATEHOUSE_ROOT_KEY, or for development of a
// key that is kept beside the data.
func openRing(s *Settings) (*keyring.Ring, error) {
	if err := os.MkdirAll(s.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("making GATEHOUSE_DATA_DIR: %w", err)
	}
	text := s.RootKey
	if text == "" {
		var err error
		if text, err = rootKeyFile(filepath.Join(s.DataDir, "root.key")); err != nil {
			return nil, err
		}
	}
	roots, err := keyring.ParseRoots(text)
	if err != nil {
		return nil, fmt.Errorf("reading the root key: %w", err)
	}
	return keyring.NewRing(roots...)
}

// rootKeyFile reads the key in the file, and makes one if there is no file.
func rootKeyFile(path string) (string, error) {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		text, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("reading the root key: %w", err)
		}
		return strings.TrimSpace(string(text)), nil
	}
	if err != nil {
		return "", fmt.Errorf("making a root key: %w", err)
	}
	text := base64.StdEncoding.EncodeToString(key)
	_, err = f.WriteString(text + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", fmt.Errorf("writing the root key: %w", err)
	}
	return text, nil
}
