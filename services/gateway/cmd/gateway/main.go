// Command gateway serves the public origin: the JSON API, the hosted pages and
// the way to the OAuth endpoints.
package main

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/app"
	"github.com/gatehouse-id/gatehouse/pkg/doctor"
	"github.com/gatehouse-id/gatehouse/pkg/redisdb"
	"github.com/gatehouse-id/gatehouse/pkg/rpc"
	"github.com/gatehouse-id/gatehouse/services/gateway"
)

// settings are everything the environment can say.
type settings struct {
	Base    app.Base
	Gateway gateway.Config
}

func main() {
	var s settings
	app.Main(app.Service{
		Name:     gateway.Name,
		Settings: &s,
		Build:    func(ctx context.Context, rt *app.Runtime) error { return build(ctx, rt, s.Gateway) },
		Checks:   func() []doctor.Check { return []doctor.Check{redisdb.Check(s.Gateway.Redis)} },
	})
}

func build(ctx context.Context, rt *app.Runtime, c gateway.Config) error {
	conns := map[string]rpc.Conn{}
	for _, service := range []string{accounts.Name, sessions.Name, mail.Name, oauth.Name} {
		conn, err := rt.Dial(service) //nolint:contextcheck // closed with the runtime
		if err != nil {
			return err
		}
		conns[service] = conn
	}
	public, err := rt.DialOptions(oauth.Name) //nolint:contextcheck // closed with the runtime
	if err != nil {
		return err
	}
	proxy := rpc.NewProxy(public)
	rt.OnClose("proxy to oauth", func(context.Context) error { return proxy.Close() })
	service, err := gateway.New(ctx, c, gateway.Deps{
		Obs:         rt.Obs,
		Clock:       rt.Clock,
		Accounts:    accounts.NewClient(conns[accounts.Name]),
		Sessions:    sessions.NewClient(conns[sessions.Name]),
		Mail:        mail.NewClient(conns[mail.Name]),
		OAuth:       oauth.NewClient(conns[oauth.Name]),
		OAuthPublic: proxy,
	})
	if err != nil {
		return err
	}
	rt.Go("revocation feed", service.Run) //nolint:contextcheck // runs for as long as the process
	rt.ServePublic(service)
	return nil
}
