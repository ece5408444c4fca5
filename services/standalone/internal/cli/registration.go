package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/standalone"
)

func (p *program) registrationTokens() *cobra.Command {
	parent := &cobra.Command{
		Use: "registration-token", Short: "Manage the tokens with which apps register themselves.", Args: cobra.ArbitraryArgs, RunE: choose,
	}
	list := &cobra.Command{
		Use: "list", Short: "Show the tokens that are still good.", Args: none,
		RunE: func(c *cobra.Command, _ []string) error {
			return p.with(c.Context(), func(g *standalone.Gatehouse) error {
				all, err := g.OAuth.ListRegistrationTokens(c.Context(), oauth.ListRegistrationTokensRequest{})
				if err != nil {
					return err
				}
				return p.print(all.Tokens, tokenTable(all.Tokens))
			})
		},
	}
	remove := &cobra.Command{
		Use: "delete ID", Short: "Revoke a token; the apps that it has registered stay.", Args: one("ID"),
		RunE: func(c *cobra.Command, args []string) error {
			id, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil {
				return usageError{fmt.Errorf("%q is no number of a token", args[0])}
			}
			return p.with(c.Context(), func(g *standalone.Gatehouse) error {
				if _, err := g.OAuth.DeleteRegistrationToken(c.Context(), oauth.RegistrationTokenRequest{ID: id}); err != nil {
					return because(err, fault.NotFound, "there is no registration token "+args[0])
				}
				return p.print(map[string]int64{"deleted": id}, "Deleted "+args[0]+".")
			})
		},
	}
	parent.AddCommand(p.createRegistrationToken(), list, remove)
	return parent
}

func (p *program) createRegistrationToken() *cobra.Command {
	var r oauth.CreateRegistrationTokenRequest
	var uses int
	var expires string
	create := &cobra.Command{
		Use: "create", Short: "Make a token; its text is shown only now.", Args: none,
		RunE: func(c *cobra.Command, _ []string) error {
			if c.Flags().Changed("uses") {
				r.Uses = &uses
			}
			if expires != "" {
				at, err := time.Parse(time.RFC3339, expires)
				if err != nil {
					return usageError{fmt.Errorf("--expires must be a time such as 2026-12-31T23:59:59Z, not %q", expires)}
				}
				r.ExpirationTime = &at
			}
			return p.with(c.Context(), func(g *standalone.Gatehouse) error {
				created, err := g.OAuth.CreateRegistrationToken(c.Context(), r)
				if err != nil {
					return err
				}
				return p.print(created, created.Token+"\nThe token is not shown again.")
			})
		},
	}
	f := create.Flags()
	f.StringVar(&r.Name, "name", "", "whom or what it is for")
	f.IntVar(&uses, "uses", 0, "how many apps it may register; any number if not given")
	f.StringSliceVar(&r.Resources, "resource", nil, "an API that tokens of these apps may be for; none if not given, may be repeated")
	f.StringVar(&expires, "expires", "", "until when it is good, such as 2026-12-31T23:59:59Z; for ever if not given")
	return create
}

func tokenTable(tokens []oauth.RegistrationToken) string {
	if len(tokens) == 0 {
		return "There are no registration tokens."
	}
	var lines []string
	for _, t := range tokens {
		uses, until := "any number", "for ever"
		if t.Uses != nil {
			uses = strconv.Itoa(*t.Uses)
		}
		if t.ExpirationTime != nil {
			until = t.ExpirationTime.Format(time.RFC3339)
		}
		lines = append(lines, fmt.Sprintf("%-6d %-12s %-22s %s", t.ID, uses, until, t.Name))
	}
	return strings.Join(lines, "\n")
}
