// Command accounts runs the accounts service.
package main

import (
	"context"

	callers "github.com/gatehouse-id/gatehouse/pkg/api"
	api "github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
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
		Callers:    []string{callers.Gateway, callers.OAuth},
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
	mailer, err := rt.Dial(mail.Name) //nolint:contextcheck // closed with the runtime
	if err != nil {
		return err
	}
	service, err := accounts.New(ctx, c, accounts.Deps{
		Obs: rt.Obs, Clock: rt.Clock, DB: database, Ring: ring, Mail: mail.NewClient(mailer),
	})
	if err != nil {
		return err
	}
	rt.Go("accounts", service.Run) //nolint:contextcheck // runs for as long as the process
	server := rt.NewServer()
	api.Mount(server, service)
	rt.ServeInternal(server)
	return nil
}
