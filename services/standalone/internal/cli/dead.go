package cli

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/standalone"
)

// givenUp is what a service has given up and can be told to try again.
type givenUp struct {
	command, short    string
	what, thing, none string // in sentences
	list              func(context.Context, *standalone.Gatehouse) (items any, lines []string, err error)
	retry             func(ctx context.Context, g *standalone.Gatehouse, id int64) error
}

// given is the command with "dead" and "retry".
func (p *program) given(u givenUp) *cobra.Command {
	parent := &cobra.Command{Use: u.command, Short: u.short, Args: cobra.ArbitraryArgs, RunE: choose}
	dead := &cobra.Command{
		Use: "dead", Short: "List " + u.what + ", given up first at the top.", Args: none,
		RunE: func(c *cobra.Command, _ []string) error {
			return p.with(c.Context(), func(g *standalone.Gatehouse) error {
				items, lines, err := u.list(c.Context(), g)
				if err != nil {
					return err
				}
				return p.print(items, cmp.Or(strings.Join(lines, "\n"), u.none))
			})
		},
	}
	retry := &cobra.Command{
		Use: "retry ID", Short: "Try one of them again; a running server does it at once.", Args: one("ID"),
		RunE: func(c *cobra.Command, args []string) error {
			id, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil {
				return usageError{fmt.Errorf("%q is not an id: `gatehouse %s dead` shows them", args[0], u.command)}
			}
			return p.with(c.Context(), func(g *standalone.Gatehouse) error {
				if err := u.retry(c.Context(), g, id); err != nil {
					return because(err, fault.NotFound, "there is no "+u.thing+" "+args[0])
				}
				return p.print(map[string]int64{"retried": id}, "It is in the queue again.")
			})
		},
	}
	parent.AddCommand(dead, retry)
	return parent
}
