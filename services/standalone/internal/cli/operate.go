package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/standalone"
)

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
