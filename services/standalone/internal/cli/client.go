package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/standalone"
)

func (p *program) client() *cobra.Command {
	parent := &cobra.Command{Use: "client", Short: "Manage the apps that sign people in through Gatehouse.", Args: cobra.ArbitraryArgs, RunE: choose}
	parent.AddCommand(p.createClient(), p.listClients(), p.showClient(), p.updateClient(), p.deleteClient(), p.rotateSecret(), p.registrationTokens())
	return parent
}

func (p *program) createClient() *cobra.Command {
	var chosen metadata
	var id string
	create := &cobra.Command{
		Use: "create", Short: "Register an app; its secret is shown only now.", Args: none,
		RunE: func(c *cobra.Command, _ []string) error {
			object, err := chosen.object(c)
			if err != nil {
				return err
			}
			r, err := createRequest(id, object)
			if err != nil {
				return err
			}
			return p.with(c.Context(), func(g *standalone.Gatehouse) error {
				created, err := g.OAuth.CreateClient(c.Context(), r)
				if err != nil {
					return because(err, fault.Conflict, "there is a client "+id+" already")
				}
				return p.print(created, secretText(created))
			})
		},
	}
	create.Flags().StringVar(&id, "id", "", "client_id; random if not given")
	chosen.flags(create)
	return create
}

// createRequest is the request for a client that is described by the object.
func createRequest(id string, object map[string]json.RawMessage) (oauth.CreateClientRequest, error) {
	var r oauth.CreateClientRequest
	text, err := json.Marshal(object)
	if err != nil {
		return r, usageError{err}
	}
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&r); err != nil {
		return r, usageError{fmt.Errorf("the metadata is not that of a client: %w", err)}
	}
	r.ID, r.Actor = cmp.Or(id, r.ID), nil
	return r, nil
}

func secretText(created oauth.CreatedClient) string {
	text := "client_id      " + created.Client.ID
	if created.Secret != "" {
		text += "\nclient_secret  " + created.Secret + "\nThe secret is not shown again."
	}
	if until := created.Client.FormerSecretExpirationTime; until != nil {
		text += "\nThe secret before stays good until " + until.Format(time.RFC3339) + "."
	}
	return text
}

func (p *program) listClients() *cobra.Command {
	var query string
	list := &cobra.Command{
		Use: "list", Short: "Show all apps.", Args: none,
		RunE: func(c *cobra.Command, _ []string) error {
			return p.with(c.Context(), func(g *standalone.Gatehouse) error {
				all, err := g.OAuth.ListClients(c.Context(), oauth.ListClientsRequest{Query: query})
				if err != nil {
					return err
				}
				return p.print(all.Clients, clientTable(all.Clients))
			})
		},
	}
	list.Flags().StringVar(&query, "query", "", "only those with this in their name or client_id")
	return list
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

func (p *program) showClient() *cobra.Command {
	return &cobra.Command{
		Use: "show CLIENT_ID", Short: "Show all about an app but its secret.", Args: one("CLIENT_ID"),
		RunE: func(c *cobra.Command, args []string) error {
			return p.with(c.Context(), func(g *standalone.Gatehouse) error {
				found, err := g.OAuth.GetClient(c.Context(), oauth.ClientRequest{ID: args[0]})
				if err != nil {
					return noClient(err, args[0])
				}
				return p.printClient(found)
			})
		},
	}
}

// printClient shows a client, in text as one line per value.
func (p *program) printClient(c oauth.Client) error {
	encoded, err := json.Marshal(c)
	if err != nil {
		return err
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(encoded, &object); err != nil {
		return err
	}
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(object)) {
		lines = append(lines, fmt.Sprintf("%-36s %s", name, plain(object[name])))
	}
	return p.print(c, strings.Join(lines, "\n"))
}

// plain is a JSON value for people: texts and lists of texts without quotes.
func plain(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		return strings.Join(list, " ")
	}
	return string(raw)
}

func (p *program) updateClient() *cobra.Command {
	var chosen metadata
	update := &cobra.Command{
		Use: "update CLIENT_ID", Short: "Change what is given about an app; the rest stays.", Args: one("CLIENT_ID"),
		RunE: func(c *cobra.Command, args []string) error {
			object, err := chosen.object(c)
			if err != nil {
				return err
			}
			if len(object) == 0 {
				return usageError{fmt.Errorf("say what is to change; `%s --help` lists what can", c.CommandPath())}
			}
			changes, err := json.Marshal(object)
			if err != nil {
				return usageError{err}
			}
			return p.with(c.Context(), func(g *standalone.Gatehouse) error {
				changed, err := g.OAuth.UpdateClient(c.Context(), oauth.UpdateClientRequest{ID: args[0], Changes: changes})
				if err != nil {
					return noClient(err, args[0])
				}
				return p.printClient(changed)
			})
		},
	}
	chosen.flags(update)
	return update
}

func (p *program) deleteClient() *cobra.Command {
	return &cobra.Command{
		Use: "delete CLIENT_ID", Short: "Delete an app with all its grants and tokens.", Args: one("CLIENT_ID"),
		RunE: func(c *cobra.Command, args []string) error {
			return p.with(c.Context(), func(g *standalone.Gatehouse) error {
				if _, err := g.OAuth.DeleteClient(c.Context(), oauth.ClientRequest{ID: args[0]}); err != nil {
					return noClient(err, args[0])
				}
				return p.print(map[string]string{"deleted": args[0]}, "Deleted "+args[0]+".")
			})
		},
	}
}

func (p *program) rotateSecret() *cobra.Command {
	var overlap time.Duration
	rotate := &cobra.Command{
		Use: "rotate-secret CLIENT_ID", Short: "Give an app a new secret, which is shown only now.", Args: one("CLIENT_ID"),
		RunE: func(c *cobra.Command, args []string) error {
			return p.with(c.Context(), func(g *standalone.Gatehouse) error {
				return p.rotate(c.Context(), g, oauth.RotateSecretRequest{ID: args[0], Overlap: int64(overlap / time.Second)})
			})
		},
	}
	rotate.Flags().DurationVar(&overlap, "overlap", 0, "for how long the present secret stays good, such as 24h; at most 720h")
	return rotate
}

func (p *program) rotate(ctx context.Context, g *standalone.Gatehouse, r oauth.RotateSecretRequest) error {
	rotated, err := g.OAuth.RotateSecret(ctx, r)
	if err != nil {
		return noClient(err, r.ID)
	}
	return p.print(rotated, secretText(rotated))
}

func noClient(err error, id string) error {
	return because(err, fault.NotFound, "there is no client "+id)
}
