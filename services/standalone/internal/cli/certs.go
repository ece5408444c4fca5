package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/mtls/authority"
	"github.com/gatehouse-id/gatehouse/services/gateway"
)

const day = 24 * time.Hour

// certs needs no settings and no database: it comes before both.
func (p *program) certs() *cobra.Command {
	f := authority.Folder{}
	var days, authorityDays int
	c := &cobra.Command{
		Use:   "certs DIR",
		Short: "Make an authority and the services' certificates for mutual TLS, and renew them.",
		Long: "Makes an authority in DIR, and for each service a folder with tls.crt, tls.key and ca.crt.\n" +
			"What is there and fine is kept, so it can be called as often as you like. Certificates are renewed\n" +
			"in the last third of their time; running services read them without a restart.\n\n" +
			"The authority is replaced in three steps, each when all services have read the files of the one before,\n" +
			"which takes half a minute: --new-ca, --renew, --prune.",
		Args: one("folder"),
		RunE: func(_ *cobra.Command, args []string) error {
			f.Path, f.Now = args[0], time.Now()
			f.Valid, f.AuthorityValid = time.Duration(days)*day, time.Duration(authorityDays)*day
			if err := f.Check(); err != nil {
				return usageError{err}
			}
			entries, err := f.Fill()
			if err != nil {
				return err
			}
			return p.print(entries, entryTable(entries))
		},
	}
	flags := c.Flags()
	flags.StringSliceVar(&f.Services, "service", []string{gateway.Name, accounts.Name, sessions.Name, mail.Name, oauth.Name}, "whom to make certificates for")
	flags.StringSliceVar(&f.Hosts, "host", nil, "another DNS name or IP address in all certificates; the services do not look at it")
	flags.IntVar(&days, "valid", 365, "days for which new certificates are valid")
	flags.IntVar(&authorityDays, "ca-valid", 3650, "days for which a new authority is valid")
	flags.BoolVar(&f.Renew, "renew", false, "issue all certificates again")
	flags.BoolVar(&f.NewAuthority, "new-ca", false, "make another authority; the former one stays trusted, and what it has issued stays")
	flags.BoolVar(&f.Prune, "prune", false, "trust former authorities no longer")
	return c
}

func entryTable(entries []authority.Entry) string {
	var lines []string
	for _, e := range entries {
		what := "kept"
		if e.Reason != "" {
			what = "issued: " + e.Reason
		}
		lines = append(lines, fmt.Sprintf("%-40s until %s  %s", e.Cert, e.Expires.UTC().Format(time.DateOnly), what))
	}
	return strings.Join(lines, "\n")
}
