package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/standalone"
)

func (p *program) client() *cobra.Command {
	parent := &cobra.Command{Use: "client", Short: "Manage the apps that sign people in through Gatehouse.", Args: cobra.ArbitraryArgs, RunE: choose}
	var r oauth.CreateClientRequest
	var public bool
	create := &cobra.Command{
		Use: "create", Short: "Register an app; its secret is shown only now.", Args: none,
		RunE: func(c *cobra.Command, _ []string) error {
			if public {
				r.AuthMethod = cmp.Or(r.AuthMethod, "none")
			}
			return p.createClient(c.Context(), r)
		},
	}
	f := create.Flags()
	f.StringVar(&r.ID, "id", "", "client_id; random if not given")
	f.StringVar(&r.Name, "name", "", "what people see on the consent page")
	f.BoolVar(&public, "public", false, "a single-page, native or command-line app, which can keep no secret")
	f.StringSliceVar(&r.RedirectURIs, "redirect-uri", nil, "where answers may be sent; may be repeated")
	f.StringSliceVar(&r.PostLogoutURIs, "post-logout-redirect-uri", nil, "where users may be sent who have signed out; may be repeated")
	f.StringVar(&r.BackchannelLogoutURI, "backchannel-logout-uri", "", "where the app is told that a session has ended")
	f.StringVar(&r.FrontchannelLogoutURI, "frontchannel-logout-uri", "", "what a browser opens in a frame when a session has ended")
	f.StringSliceVar(&r.GrantTypes, "grant", nil, "authorization_code, refresh_token, client_credentials; may be repeated")
	f.StringSliceVar(&r.Scopes, "scope", nil, "what it may ask for; may be repeated")
	f.StringVar(&r.AuthMethod, "auth-method", "", "client_secret_basic, client_secret_post or none")
	f.BoolVar(&r.FirstParty, "first-party", false, "our own app: do not ask for consent; not for public apps without https, which anybody can imitate")
	f.BoolVar(&r.ResourceServer, "resource-server", false, "an API: may introspect the access tokens of every client")
	f.BoolVar(&r.PKCEOptional, "pkce-optional", false, "an old confidential app that cannot do PKCE")

	list := &cobra.Command{
		Use: "list", Short: "Show all apps.", Args: none,
		RunE: func(c *cobra.Command, _ []string) error {
			return p.with(c.Context(), func(g *standalone.Gatehouse) error {
				all, err := g.OAuth.ListClients(c.Context(), oauth.ListClientsRequest{})
				if err != nil {
					return err
				}
				return p.print(all.Clients, clientTable(all.Clients))
			})
		},
	}
	remove := &cobra.Command{
		Use: "delete CLIENT_ID", Short: "Delete an app with all its grants and tokens.", Args: one("CLIENT_ID"),
		RunE: func(c *cobra.Command, args []string) error {
			return p.with(c.Context(), func(g *standalone.Gatehouse) error {
				if _, err := g.OAuth.DeleteClient(c.Context(), oauth.ClientRequest{ID: args[0]}); err != nil {
					return because(err, fault.NotFound, "there is no client "+args[0])
				}
				return p.print(map[string]string{"deleted": args[0]}, "Deleted "+args[0]+".")
			})
		},
	}
	parent.AddCommand(create, list, remove)
	return parent
}

func (p *program) createClient(ctx context.Context, r oauth.CreateClientRequest) error {
	return p.with(ctx, func(g *standalone.Gatehouse) error {
		created, err := g.OAuth.CreateClient(ctx, r)
		if err != nil {
			return because(err, fault.Conflict, "there is a client "+r.ID+" already")
		}
		text := "client_id      " + created.Client.ID
		if created.Secret != "" {
			text += "\nclient_secret  " + created.Secret + "\nThe secret is not shown again."
		}
		return p.print(created, text)
	})
}

func clientTable(clients []oauth.Client) string {
	if len(clients) == 0 {
		return "There are no clients."
	}
	var lines []string
	for _, c := range clients {
		kind := "confidential"
		if c.Public() {
			kind = "public"
		}
		lines = append(lines, fmt.Sprintf("%-24s %-12s %-24s %s", c.ID, kind, c.Name, strings.Join(c.RedirectURIs, " ")))
	}
	return strings.Join(lines, "\n")
}

func (p *program) user() *cobra.Command {
	parent := &cobra.Command{Use: "user", Short: "Manage people.", Args: cobra.ArbitraryArgs, RunE: choose}
	var r accounts.InviteRequest
	var role int
	var language string
	invite := &cobra.Command{
		Use: "invite EMAIL", Short: "Make a link with which a person becomes a user.", Args: one("EMAIL"),
		RunE: func(c *cobra.Command, args []string) error {
			r.Email, r.Role = args[0], accounts.Role(role)
			if role != 0 && r.Hub == "" {
				return usageError{errors.New("--role needs --hub: without one, the person founds a hub and owns it")}
			}
			switch language {
			case "en":
				r.Language = accounts.English
			case "de":
				r.Language = accounts.German
			default:
				return usageError{fmt.Errorf(`--language must be "en" or "de", not %q`, language)}
			}
			return p.with(c.Context(), func(g *standalone.Gatehouse) error {
				invitation, err := g.Accounts.Invite(c.Context(), r)
				if err != nil {
					err = because(err, fault.Conflict, r.Email+" has an account already")
					return because(err, fault.NotFound, "there is no hub "+r.Hub)
				}
				return p.print(map[string]string{"user": invitation.User.Hash, "url": invitation.URL}, invitation.URL)
			})
		},
	}
	f := invite.Flags()
	f.StringVar(&r.FirstName, "first-name", "", "first name, if the person shall not enter it")
	f.StringVar(&r.LastName, "last-name", "", "last name, if the person shall not enter it")
	f.StringVar(&r.Hub, "hub", "", "hash of the hub to join; without it the person founds one")
	f.IntVar(&role, "role", 0, "role in that hub: 1 passive, 2 user, 3 administrator, 4 technical administrator, 5 owner")
	f.StringVar(&language, "language", "en", "language of the mail: en or de")
	f.BoolVar(&r.Mail, "mail", false, "send the link by mail as well")
	parent.AddCommand(invite,
		p.setStatus("disable", "Keep a user out, and end all their sessions and personal access tokens.", accounts.Disabled),
		p.setStatus("enable", "Let a disabled user in again.", accounts.Active))
	return parent
}

func (p *program) mail() *cobra.Command {
	return p.given(givenUp{
		command: "mail", short: "See and retry mails that could not be delivered.",
		what: "the mails that are not tried any more", thing: "dead mail", none: "There are none.",
		list: func(ctx context.Context, g *standalone.Gatehouse) (any, []string, error) {
			letters, err := g.Mail.Dead(ctx, mail.DeadRequest{})
			var lines []string
			for _, l := range letters.Letters {
				lines = append(lines, fmt.Sprintf("%d  %s  %d attempts  %s", l.ID, l.Created.Format("2006-01-02 15:04"), l.Attempts, l.Error))
			}
			return letters.Letters, lines, err
		},
		retry: func(ctx context.Context, g *standalone.Gatehouse, id int64) error {
			_, err := g.Mail.Retry(ctx, mail.RetryRequest{ID: id})
			return err
		},
	})
}
