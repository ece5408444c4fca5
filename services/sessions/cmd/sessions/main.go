// Command sessions runs the sessions service.
package main

import (
	"context"

	callers "github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	api "github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/app"
	"github.com/gatehouse-id/gatehouse/pkg/doctor"
	"github.com/gatehouse-id/gatehouse/pkg/redisdb"
	"github.com/gatehouse-id/gatehouse/services/sessions"
)

type settings struct {
	app.Base

	Sessions sessions.Config
}

func main() {
	var s settings
	app.Main(app.Service{
		Name:       api.Name,
		Settings:   &s,
		Migrations: sessions.Migrations,
		Callers:    []string{callers.Gateway, callers.Accounts},
		Build: func(ctx context.Context, rt *app.Runtime) error {
			return build(ctx, rt, s.Sessions)
		},
		Checks: func() []doctor.Check { return []doctor.Check{redisdb.Check(s.Sessions.Redis)} },
	})
}

func build(ctx context.Context, rt *app.Runtime, c sessions.Config) error {
	database, err := rt.OpenDB(ctx, sessions.Migrations)
	if err != nil {
		return err
	}
	ring, err := rt.Ring()
	if err != nil {
		return err
	}
	auditor, err := rt.Dial(accounts.Name) //nolint:contextcheck // closed with the runtime
	if err != nil {
		return err
	}
	apps, err := rt.Dial(oauth.Name) //nolint:contextcheck // closed with the runtime
	if err != nil {
		return err
	}
	service, err := sessions.New(ctx, c, sessions.Deps{
		Obs: rt.Obs, Clock: rt.Clock, DB: database, Ring: ring,
		Accounts: accounts.NewClient(auditor), OAuth: oauth.NewClient(apps),
	})
	if err != nil {
		return err
	}
	rt.Go("sessions", service.Run) //nolint:contextcheck // runs for as long as the process
	server := rt.NewServer()
	api.Mount(server, service)
	rt.ServeInternal(server)
	return nil
}
