// Command accounts runs the accounts service.
package main

import (
	"context"

	callers "github.com/gatehouse-id/gatehouse/pkg/api"
	api "github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/app"
	"github.com/gatehouse-id/gatehouse/services/accounts"
)

type settings struct {
	app.Base

	Accounts accounts.Config
}

func main() {
	var s settings
	app.Main(app.Service{
		Name:       api.Name,
		Settings:   &s,
		Migrations: accounts.Migrations,
		Callers:    []string{callers.Gateway, callers.Sessions, callers.OAuth},
		Build: func(ctx context.Context, rt *app.Runtime) error {
			return build(ctx, rt, s.Accounts)
		},
	})
}

func build(ctx context.Context, rt *app.Runtime, c accounts.Config) error {
	database, err := rt.OpenDB(ctx, accounts.Migrations)
	if err != nil {
		return err
	}
	ring, err := rt.Ring()
	if err != nil {
		return err
	}
	deps := accounts.Deps{Obs: rt.Obs, Clock: rt.Clock, DB: database, Ring: ring}
	mailer, err := rt.Dial(mail.Name) //nolint:contextcheck // closed with the runtime
	if err != nil {
		return err
	}
	deps.Mail = mail.NewClient(mailer)
	ender, err := rt.Dial(sessions.Name) //nolint:contextcheck // as above
	if err != nil {
		return err
	}
	deps.Sessions = sessions.NewClient(ender)
	granter, err := rt.Dial(oauth.Name) //nolint:contextcheck // as above
	if err != nil {
		return err
	}
	deps.OAuth = oauth.NewClient(granter)
	service, err := accounts.New(ctx, c, deps)
	if err != nil {
		return err
	}
	rt.Go("accounts", service.Run) //nolint:contextcheck // runs for as long as the process
	server := rt.NewServer()
	api.Mount(server, service)
	rt.ServeInternal(server)
	return nil
}
