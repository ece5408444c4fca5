package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/standalone"
)

// signingKey is a key and whose it is.
type signingKey struct {
	Service string `json:"service"`
	api.SigningKey
}

// keyList is what `keys list` prints.
type keyList struct {
	Keys  []signingKey         `json:"signing_keys"`
	Roots []string             `json:"root_keys"` // ids, the newest first
	Uses  []standalone.RootUse `json:"sealed"`
}

type signer struct {
	name string
	api.Signing
}

func signers(g *standalone.Gatehouse) []signer {
	return []signer{{oauth.Name, g.OAuth}, {sessions.Name, g.Sessions}}
}

func (p *program) keys() *cobra.Command {
	parent := &cobra.Command{
		Use: "keys", Short: "See, rotate and revoke the keys that sign tokens, and see what root keys have sealed.",
		Args: cobra.ArbitraryArgs, RunE: choose,
	}
	list := &cobra.Command{
		Use: "list", Short: "Show signing keys, and how much is sealed under which root key.", Args: none,
		RunE: func(c *cobra.Command, _ []string) error { return p.with(c.Context(), p.listKeys(c.Context())) },
	}
	revoke := &cobra.Command{
		Use: "revoke KID", Short: "Have a signing key that leaked neither sign nor verify any more.",
		Long: "Another key signs in its place at once. All replicas follow within ten seconds; gateways ask about\n" +
			"session tokens that they know a minute later. What it has signed is refused from then on: with a key of\n" +
			"session tokens everybody has to log in again who has not got a newer token.",
		Args: one("KID"),
		RunE: func(c *cobra.Command, args []string) error {
			return p.with(c.Context(), func(g *standalone.Gatehouse) error { return p.revokeKey(c.Context(), g, args[0]) })
		},
	}
	reseal := &cobra.Command{
		Use: "reseal", Short: "Seal again, under the newest root key, what older ones have sealed.",
		Args: none,
		RunE: func(c *cobra.Command, _ []string) error {
			return p.with(c.Context(), func(g *standalone.Gatehouse) error { return p.reseal(c.Context(), g) })
		},
	}
	parent.AddCommand(list, p.rotateKeys(), revoke, reseal)
	return parent
}

func (p *program) listKeys(ctx context.Context) func(*standalone.Gatehouse) error {
	return func(g *standalone.Gatehouse) error {
		list := keyList{Keys: []signingKey{}, Roots: g.RootIDs(), Uses: []standalone.RootUse{}}
		for _, s := range signers(g) {
			keys, err := s.SigningKeys(ctx, api.Nothing{})
			if err != nil {
				return err
			}
			list.add(s.name, keys)
		}
		uses, err := g.RootUses(ctx)
		if err != nil {
			return err
		}
		list.Uses = append(list.Uses, uses...)
		return p.print(list, list.text())
	}
}

func (l *keyList) add(service string, keys api.SigningKeyList) {
	for _, k := range keys.Keys {
		l.Keys = append(l.Keys, signingKey{service, k})
	}
}

func (l *keyList) text() string {
	lines := []string{keyTable(l.Keys), ""}
	for i, id := range l.Roots {
		what := "opens"
		if i == 0 {
			what = "seals and opens"
		}
		lines = append(lines, fmt.Sprintf("root key %d  %s  %s", i+1, id, what))
	}
	for _, u := range l.Uses {
		missing := ""
		if u.Position == 0 {
			missing = "  which GATEHOUSE_ROOT_KEY lacks"
		}
		lines = append(lines, fmt.Sprintf("%6d in %s.%s are sealed under %s%s", u.Values, u.Service, u.Table, u.Root, missing))
	}
	return strings.Join(lines, "\n")
}

func keyTable(keys []signingKey) string {
	var lines []string
	for _, k := range keys {
		end := ""
		if k.ExpirationTime != nil {
			end = "  verifies until " + k.ExpirationTime.Format(time.RFC3339)
		}
		lines = append(lines, fmt.Sprintf("%-9s %-6s %-8s %s  signs from %s%s", k.Service, k.Algorithm, k.State, k.ID, k.SignsFrom.Format(time.RFC3339), end))
	}
	return strings.Join(lines, "\n")
}

func (p *program) rotateKeys() *cobra.Command {
	var service string
	var r api.RotateKeysRequest
	rotate := &cobra.Command{
		Use: "rotate", Short: "Have new keys sign; what was signed stays good.",
		Long: "New keys of ID tokens are published for ten minutes before they sign, so that apps know them; --now is\n" +
			"for emergencies. Nobody is logged out.",
		Args: none,
		RunE: func(c *cobra.Command, _ []string) error {
			if service != "" && service != oauth.Name && service != sessions.Name {
				return usageError{fmt.Errorf(`--service must be "oauth" or "sessions", not %q`, service)}
			}
			if r.Algorithm != "" && service == "" {
				return usageError{errors.New("--algorithm needs --service")}
			}
			return p.with(c.Context(), func(g *standalone.Gatehouse) error { return p.rotateOf(c.Context(), g, service, r) })
		},
	}
	rotate.Flags().StringVar(&service, "service", "", "oauth (ID tokens and what else apps get) or sessions (session tokens); both if not given")
	rotate.Flags().StringVar(&r.Algorithm, "algorithm", "", "of which keys, such as RS256; all if not given")
	rotate.Flags().BoolVar(&r.Now, "now", false, "have them sign at once")
	return rotate
}

func (p *program) rotateOf(ctx context.Context, g *standalone.Gatehouse, service string, r api.RotateKeysRequest) error {
	var list keyList
	for _, s := range signers(g) {
		if cmp.Or(service, s.name) != s.name {
			continue
		}
		keys, err := s.RotateKeys(ctx, r)
		if err != nil {
			return err
		}
		list.add(s.name, keys)
	}
	return p.print(list.Keys, keyTable(list.Keys))
}

func (p *program) revokeKey(ctx context.Context, g *standalone.Gatehouse, kid string) error {
	for _, s := range signers(g) {
		_, err := s.RevokeKey(ctx, api.SigningKeyRequest{ID: kid})
		switch {
		case err == nil:
			return p.print(map[string]string{"revoked": kid, "service": s.name}, "Revoked "+kid+" of "+s.name+"; another key signs.")
		case !fault.Is(err, fault.NotFound):
			return err
		}
	}
	return fmt.Errorf("there is no signing key %s: `gatehouse keys list` shows them", kid)
}

func (p *program) reseal(ctx context.Context, g *standalone.Gatehouse) error {
	values, err := g.Reseal(ctx)
	if err != nil {
		return err
	}
	uses, err := g.RootUses(ctx)
	if err != nil {
		return err
	}
	older := []standalone.RootUse{}
	text := []string{fmt.Sprintf("Sealed %d values again.", values)}
	for _, u := range uses {
		if u.Position != 1 {
			older = append(older, u)
			text = append(text, fmt.Sprintf("%d in %s.%s are still sealed under %s.", u.Values, u.Service, u.Table, u.Root))
		}
	}
	return p.print(map[string]any{"resealed": values, "older": older}, strings.Join(text, "\n"))
}
