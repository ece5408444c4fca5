package mail

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	mailapi "github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
	"github.com/gatehouse-id/gatehouse/pkg/testkit/smtptest"
)

var reaches = map[string]func(f *fixture, caller string) mailapi.Service{"local": (*fixture).local, "http": (*fixture).remote}

// TestContract holds for the service in this process and for the one behind
// HTTP: callers cannot tell them apart.
func TestContract(t *testing.T) {
	t.Parallel()
	for name, reach := range reaches {
		t.Run(name, func(t *testing.T) {
			onEach(t, func(t *testing.T, f *fixture) {
				s, gateway, operator := reach(f, api.Accounts), reach(f, api.Gateway), reach(f, api.Operator)
				for range 2 {
					nothing, err := s.Send(t.Context(), activation("activation/1"))
					require.NoError(t, err)
					require.Equal(t, api.Nothing{}, nothing)
				}
				f.drain()
				box, err := gateway.Mailbox(t.Context(), mailapi.MailboxRequest{})
				require.NoError(t, err)
				require.Len(t, box.Messages, 1)
				got := box.Messages[0]
				require.Contains(t, got.Text, "\n"+link+"\n")
				require.Contains(t, got.HTML, link)
				require.Empty(t, cmp.Diff(mailapi.Message{
					ID: got.ID, To: recipient, Subject: "Bestätigen Sie Ihre E-Mail-Adresse",
					Text: got.Text, HTML: got.HTML, SentTime: f.clock.Now(),
				}, got))

				_, err = s.Send(t.Context(), mailapi.SendRequest{Template: "spam", To: "x", Language: 7})
				requireFault(t, err, fault.Invalid, "key", "template", "to", "language")
				dead, err := operator.Dead(t.Context(), mailapi.DeadRequest{})
				require.NoError(t, err)
				require.Empty(t, cmp.Diff(mailapi.DeadLetters{Letters: []mailapi.DeadLetter{}}, dead))
				_, err = operator.Retry(t.Context(), mailapi.RetryRequest{ID: 4711})
				requireFault(t, err, fault.NotFound)

				_, err = gateway.Send(t.Context(), activation("activation/2"))
				requireFault(t, err, fault.Forbidden)
				_, err = s.Mailbox(t.Context(), mailapi.MailboxRequest{})
				requireFault(t, err, fault.Forbidden)
				_, err = gateway.Dead(t.Context(), mailapi.DeadRequest{})
				requireFault(t, err, fault.Forbidden)
			})
		})
	}
}

func TestContractOfDeadLetters(t *testing.T) {
	t.Parallel()
	for name, reach := range reaches {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.EachDB(t, mailapi.Name, Migrations, func(t *testing.T, d *db.DB) {
				refuse := true
				f := newSMTPFixture(t, d, smtptest.Options{OnRcpt: func(to string) error {
					if refuse {
						return smtptest.Reply(550, [3]int{5, 1, 1}, "no such user "+to)
					}
					return nil
				}})
				s, operator := reach(f, api.Accounts), reach(f, api.Operator)
				_, err := reach(f, api.Gateway).Mailbox(t.Context(), mailapi.MailboxRequest{})
				requireFault(t, err, fault.NotFound)

				_, err = s.Send(t.Context(), activation("activation/1"))
				require.NoError(t, err)
				f.drain()
				dead, err := operator.Dead(t.Context(), mailapi.DeadRequest{})
				require.NoError(t, err)
				require.Len(t, dead.Letters, 1)
				got := dead.Letters[0]
				require.Empty(t, cmp.Diff(mailapi.DeadLetter{
					ID: got.ID, Key: "activation/1", Attempts: 1, Created: f.clock.Now(),
					Error: `smtp: sending SMTP RCPT TO command: 550 "5.1.1 no such user [address]"`,
				}, got))

				refuse = false
				_, err = operator.Retry(t.Context(), mailapi.RetryRequest{ID: got.ID})
				require.NoError(t, err)
				f.drain()
				require.Len(t, f.smtp.Taken(), 1)
				require.Empty(t, f.dead())
				_, err = operator.Retry(t.Context(), mailapi.RetryRequest{ID: got.ID})
				requireFault(t, err, fault.NotFound)
			})
		})
	}
}
