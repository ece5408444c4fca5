package cli

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/gatehouse-id/gatehouse/pkg/app"
	"github.com/gatehouse-id/gatehouse/pkg/obs"
	"github.com/gatehouse-id/gatehouse/services/standalone"
)

// demo is what serve --dev does about the demo app, for where Gatehouse is
// several processes.
func (p *program) demo() *cobra.Command {
	parent := &cobra.Command{Use: "demo", Short: "The demo app, as a process of its own.", Args: cobra.ArbitraryArgs, RunE: choose}
	var url string
	register := &cobra.Command{
		Use: "register", Short: "Make the demo app a client, unless it is one already.", Args: none,
		RunE: func(c *cobra.Command, _ []string) error {
			return p.with(c.Context(), func(g *standalone.Gatehouse) error {
				if err := g.RegisterDemo(c.Context(), url); err != nil {
					return err
				}
				return p.print(map[string]string{"client_id": standalone.DemoClient, "url": url}, "The demo app at "+url+" can sign people in.")
			})
		},
	}
	serve := p.serveDemo(&url)
	for _, c := range []*cobra.Command{register, serve} {
		c.Flags().StringVar(&url, "url", "http://localhost:8081", "where browsers find the demo app")
	}
	parent.AddCommand(register, serve, p.askDemo())
	return parent
}

// serveDemo needs no settings: the app knows nothing but its issuer.
func (p *program) serveDemo(url *string) *cobra.Command {
	var listen, issuer string
	c := &cobra.Command{
		Use: "serve", Short: "Run the demo app until it is told to end.", Args: none,
		RunE: func(c *cobra.Command, _ []string) error {
			o, shutdown, err := obs.New(c.Context(), obs.Options{Service: "demo", Version: app.Version(), LogWriter: p.stderr, LogLevel: slog.LevelInfo})
			if err != nil {
				return err
			}
			defer func() { _ = shutdown(c.Context()) }() // it has no spans
			handler, err := standalone.DemoApp(issuer, *url, o.Logger)
			if err != nil {
				return usageError{err}
			}
			group := app.NewGroup(app.GroupOptions{Logger: o.Logger})
			routes := http.NewServeMux()
			routes.Handle("/", handler)
			routes.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
			group.Serve(&app.Server{Name: "demo app", Listen: listen, Handler: routes, Logger: o.Logger})
			group.OnServe("address", func(_ context.Context) error {
				_, err := fmt.Fprintln(p.stdout, "The demo app runs at "+*url)
				return err
			})
			return group.Run(c.Context())
		},
	}
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:8081", "address to serve on, host:port")
	c.Flags().StringVar(&issuer, "issuer", "http://localhost:8080", "public URL of Gatehouse")
	return c
}

func (p *program) askDemo() *cobra.Command {
	var listen string
	c := &cobra.Command{
		Use: "healthcheck", Short: "Ask the running demo app whether it is ready, for containers without a shell.", Args: none,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := app.AskReady(c.Context(), listen); err != nil {
				return err
			}
			return p.print(map[string]bool{"ready": true}, "The demo app is ready.")
		},
	}
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:8081", "address that it serves on, host:port")
	return c
}
