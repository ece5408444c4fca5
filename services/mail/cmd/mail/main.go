// Command mail runs the mail service.
package main

import (
	"context"

	callers "github.com/gatehouse-id/gatehouse/pkg/api"
	api "github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/app"
	"github.com/gatehouse-id/gatehouse/pkg/doctor"
	"github.com/gatehouse-id/gatehouse/services/mail"
)

type settings struct {
	app.Base

	Mail mail.Config
}

func main() {
	var s settings
	app.Main(app.Service{
		Name:       api.Name,
		Settings:   &s,
		Migrations: mail.Migrations,
		Callers:    []string{callers.Accounts, callers.Gateway},
		Build: func(ctx context.Context, rt *app.Runtime) error {
			return build(ctx, rt, s.Mail)
		},
		Checks: func() []doctor.Check {
			return []doctor.Check{{Name: "mail server", Run: func(ctx context.Context) []doctor.Result { return mail.Diagnose(ctx, s.Mail) }}}
		},
	})
}

func build(ctx context.Context, rt *app.Runtime, c mail.Config) error {
	database, err := rt.OpenDB(ctx, mail.Migrations)
	if err != nil {
		return err
	}
	ring, err := rt.Ring()
	if err != nil {
		return err
	}
	service, err := mail.New(ctx, c, mail.Deps{Obs: rt.Obs, Clock: rt.Clock, DB: database, Ring: ring})
	if err != nil {
		return err
	}
	rt.Go("mail", service.Run) //nolint:contextcheck // runs for as long as the process
	server := rt.NewServer()
	api.Mount(server, service)
	rt.ServeInternal(server)
	return nil
}
