package standalone

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	accountsapi "github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	oauthapi "github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/app"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/obs"
	"github.com/gatehouse-id/gatehouse/services/standalone/internal/demo"
)

// DemoClient is the client_id of the demo app.
const DemoClient = "demo"

// ErrInsecure is Serve's refusal to run with settings that are for development.
var ErrInsecure = errors.New("these settings are not safe (--dev allows more, at your own machine only)")

// Serve runs Gatehouse until ctx ends, and prints to out where everything is.
func Serve(ctx context.Context, s *Settings, d Deps, out io.Writer) error {
	if problems := s.Insecure(); len(problems) > 0 {
		return fmt.Errorf("%w:\n  %s", ErrInsecure, strings.Join(problems, "\n  "))
	}
	group := app.NewGroup(app.GroupOptions{Logger: d.Obs.Logger, Clock: d.Clock, Drain: s.Drain, Shutdown: s.Shutdown})
	g, err := New(ctx, s, d, group)
	if err != nil {
		return errors.Join(err, group.Close(ctx))
	}
	if err := g.serve(ctx, out); err != nil {
		return errors.Join(err, group.Close(ctx))
	}
	return group.Run(ctx)
}

func (g *Gatehouse) serve(ctx context.Context, out io.Writer) error {
	s := g.settings
	public := &app.Server{Name: "public server (GATEHOUSE_LISTEN)", Listen: s.Listen, Handler: g.Handler, Logger: g.deps.Obs.Logger}
	if s.TLSCert != "" {
		config, err := serverTLS(s.TLSCert, s.TLSKey)
		if err != nil {
			return err
		}
		public.TLS = config
	}
	g.group.Serve(public)
	if s.DebugListen != "" {
		g.group.Serve(&app.Server{
			Name: "debug server (GATEHOUSE_DEBUG_LISTEN)", Listen: s.DebugListen, Handler: obs.DebugHandler(g.deps.Obs, g.group.CheckReady),
			WriteTimeout: 2 * time.Minute, Logger: g.deps.Obs.Logger,
		})
	}
	if s.DemoListen != "" {
		if err := g.serveDemo(ctx); err != nil {
			return err
		}
	}
	g.group.OnServe("addresses", func(ctx context.Context) error { return g.announce(ctx, out) })
	return nil
}

// serverTLS asks clients for a certificate, which they may have (RFC 8705). Who
// issued it is for the oauth service to judge: tokens can be bound to any. Of TLS
// 1.2 it has what RFC 9325 section 4.2 recommends, and FAPI 2.0 alone permits.
func serverTLS(certFile, keyFile string) (*tls.Config, error) {
	certificate, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("reading GATEHOUSE_TLS_CERT: %w", err)
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate}, ClientAuth: tls.RequestClientCert,
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		},
	}, nil
}

// serveDemo adds the demo app and registers it as a public client.
func (g *Gatehouse) serveDemo(ctx context.Context) error {
	s := g.settings
	handler, err := DemoApp(s.Gateway.PublicURL, s.demoURL(), g.deps.Obs.Logger)
	if err != nil {
		return err
	}
	if err := g.RegisterDemo(ctx, s.demoURL()); err != nil {
		return err
	}
	g.group.Serve(&app.Server{Name: "demo app (GATEHOUSE_DEMO_LISTEN)", Listen: s.DemoListen, Handler: handler, Logger: g.deps.Obs.Logger})
	return nil
}

// DemoApp is the demo app at that address, of which Gatehouse at issuer is the
// provider. It is registered by [Gatehouse.RegisterDemo].
func DemoApp(issuer, address string, logger *slog.Logger) (http.Handler, error) {
	a, err := demo.New(demo.Options{Issuer: issuer, PublicURL: address, ClientID: DemoClient, Client: demoHTTPClient(), Logger: logger})
	if err != nil {
		return nil, fmt.Errorf("building the demo app: %w", err)
	}
	return a.Handler(), nil
}

// RegisterDemo makes the demo app at that address a public client, if it is
// none already.
func (g *Gatehouse) RegisterDemo(ctx context.Context, address string) error {
	_, err := g.OAuth.CreateClient(ctx, oauthapi.CreateClientRequest{ID: DemoClient, Metadata: oauthapi.Metadata{
		Name: "Demo app", AuthMethod: "none", RedirectURIs: []string{address + "/callback"},
		GrantTypes: []string{"authorization_code", "refresh_token"},
		Scopes:     []string{"openid", "profile", "email", "hub", "offline_access"},
	}})
	if err != nil && !fault.Is(err, fault.Conflict) { // it is there since the first time
		return fmt.Errorf("registering the demo app: %w", err)
	}
	return nil
}

func demoHTTPClient() *http.Client {
	return &http.Client{
		Timeout:   10 * time.Second,
		Transport: &http.Transport{DialContext: (&net.Dialer{Timeout: 2 * time.Second}).DialContext, IdleConnTimeout: time.Minute},
	}
}

// announce prints the addresses and, until the installation has a user, the
// link with which its owner becomes one.
func (g *Gatehouse) announce(ctx context.Context, out io.Writer) error {
	url := g.settings.Gateway.PublicURL
	lines := []string{"Gatehouse is running.", "", "  pages    " + url, "  API      " + url + "/v1"}
	if g.settings.Mail.DevMailbox {
		lines = append(lines, "  mailbox  "+url+"/mailbox")
	}
	if g.settings.DemoListen != "" {
		lines = append(lines, "  demo app "+g.settings.demoURL())
	}
	if g.settings.DebugListen != "" {
		lines = append(lines, "  metrics  http://"+g.settings.DebugListen+"/metrics")
	}
	if g.settings.dev {
		link, err := g.ownerLink(ctx)
		if err != nil {
			return err
		}
		if link != "" {
			lines = append(lines, "", "The first sign-in of "+g.settings.OwnerEmail+", who will own the first hub:", "  "+link)
		}
	}
	_, err := fmt.Fprintln(out, strings.Join(lines, "\n"))
	return err
}

func (g *Gatehouse) ownerLink(ctx context.Context) (string, error) {
	count, err := g.Accounts.Statistics(ctx, api.Nothing{})
	if err != nil {
		return "", fmt.Errorf("counting users: %w", err)
	}
	if count.ActiveUsers > 0 {
		return "", nil
	}
	invitation, err := g.Accounts.Invite(ctx, accountsapi.InviteRequest{
		Email: g.settings.OwnerEmail, Language: accountsapi.English,
	})
	if err != nil {
		return "", fmt.Errorf("inviting the owner: %w", err)
	}
	return invitation.URL, nil
}
