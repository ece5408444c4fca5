// Command oauth runs the OAuth 2.0 and OpenID Connect provider.
package main

import (
	"context"

	callers "github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	api "github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/app"
	"github.com/gatehouse-id/gatehouse/services/oauth"
)

type settings struct {
	app.Base

	OAuth oauth.Config
}

func main() {
	var s settings
	app.Main(app.Service{
		Name:       api.Name,
		Settings:   &s,
		Migrations: oauth.Migrations,
		Callers:    []string{callers.Gateway, callers.Accounts, callers.Sessions},
		Build: func(ctx context.Context, rt *app.Runtime) error {
			return build(ctx, rt, s.OAuth)
		},
	})
}

func build(ctx context.Context, rt *app.Runtime, c oauth.Config) error {
	database, err := rt.OpenDB(ctx, oauth.Migrations)
	if err != nil {
		return err
	}
	ring, err := rt.Ring()
	if err != nil {
		return err
	}
	users, err := rt.Dial(accounts.Name) //nolint:contextcheck // closed with the runtime
	if err != nil {
		return err
	}
	service, err := oauth.New(ctx, c, oauth.Deps{
		Obs: rt.Obs, Clock: rt.Clock, DB: database, Ring: ring, Accounts: accounts.NewClient(users),
	})
	if err != nil {
		return err
	}
	rt.Go("oauth", service.Run) //nolint:contextcheck // runs for as long as the process
	server := rt.NewServer()
	api.Mount(server, service)
	server.HandleHTTP("/", service.Public())
	rt.ServeInternal(server)
	return nil
}
