// Command docs writes docs/configuration.md from the settings themselves.
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/gatehouse-id/gatehouse/pkg/app"
	"github.com/gatehouse-id/gatehouse/pkg/config"
	"github.com/gatehouse-id/gatehouse/services/accounts"
	"github.com/gatehouse-id/gatehouse/services/gateway"
	"github.com/gatehouse-id/gatehouse/services/mail"
	"github.com/gatehouse-id/gatehouse/services/oauth"
	"github.com/gatehouse-id/gatehouse/services/sessions"
	"github.com/gatehouse-id/gatehouse/services/standalone"
)

//go:generate go run . ../../../../docs/configuration.md

const head = `<!-- Generated from the settings by "make generate". Do not edit. -->
# Configuration

Settings are environment variables. Durations look like ` + "`90s`, `10m` or `720h`" + `, lists
are separated by commas. A variable that is set to nothing counts as not set.

A program that starts says everything that is wrong with its settings at once
and ends with exit code 2. An unknown name that begins with ` + "`GATEHOUSE_`" + ` is an error,
because it is usually a typing error. ` + "`gatehouse check-config`" + `, or ` + "`check-config`" + ` of a
service's own program, checks the settings without serving and prints them without secrets.

A *secret* can also come from a file: ` + "`NAME_FILE`" + ` is the file's path. One line break at its
end does not count.

Traces follow OpenTelemetry's own variables, of which ` + "`OTEL_EXPORTER_OTLP_ENDPOINT`" + ` switches
them on.
`

// sections are the tables, each with what to know about it.
var sections = []struct {
	title, text string
	settings    any
}{
	{
		"Standalone: `gatehouse`",
		"All services in one process. `gatehouse settings` prints this table. Outside of `--dev`, " +
			"`gatehouse serve` refuses settings that are not safe for a server.",
		standalone.Settings{},
	},
	{"A service in a process of its own", "All five have these, and their own below. The gateway needs no database and no root key.", app.Base{}},
	{"`accounts`", "", accounts.Config{}},
	{"`sessions`", "", sessions.Config{}},
	{"`mail`", "", mail.Config{}},
	{"`oauth`", "", oauth.Config{}},
	{"`gateway`", "", gateway.Config{}},
}

func main() {
	if err := os.WriteFile(os.Args[1], []byte(page()), 0o644); err != nil { //nolint:gosec // a page for everybody
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func page() string {
	var b strings.Builder
	b.WriteString(head)
	for _, s := range sections {
		fmt.Fprintf(&b, "\n## %s\n\n", s.title)
		if s.text != "" {
			fmt.Fprintf(&b, "%s\n\n", s.text)
		}
		b.WriteString(config.Table(s.settings))
	}
	return b.String()
}
