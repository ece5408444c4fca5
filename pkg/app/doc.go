// Package app is what the main functions of all services share, so that each of
// them reads alike: settings, commands, signals, and the order in which things
// start and end.
//
//	func main() {
//		settings := &Settings{}
//		app.Main(app.Service{
//			Name:       "mail",
//			Settings:   settings,
//			Migrations: mail.Migrations,
//			Callers:    []string{"accounts"},
//			Build: func(ctx context.Context, rt *app.Runtime) error { … },
//		})
//	}
//
// A process starts and ends in this order:
//
//	settings ─ debug port (/readyz: no) ─ Build ─ listen ─ workers ─ serve ─ Consul ─ /readyz: yes
//	SIGTERM ─ /readyz: no ─ leave Consul ─ GATEHOUSE_DRAIN ─ finish requests ─ stop workers ─ close ─ flush traces
//
// Exit codes: 0 after an orderly end, 1 when something failed, 2 when the
// command line or the configuration is wrong.
package app
