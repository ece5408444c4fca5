package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/standalone"
)

// setStatus is a command that disables or enables a user.
func (p *program) setStatus(use, short string, status accounts.Status) *cobra.Command {
	return &cobra.Command{
		Use: use + " USER", Short: short, Args: one("address or hash of a user"),
		RunE: func(c *cobra.Command, args []string) error {
			return p.with(c.Context(), func(g *standalone.Gatehouse) error {
				user, err := g.Accounts.SetStatus(c.Context(), accounts.SetStatusRequest{User: args[0], Status: status})
				if err != nil {
					err = because(err, fault.NotFound, "there is no user "+args[0])
					return because(err, fault.Conflict, args[0]+" has never been active")
				}
				return p.print(map[string]any{"user": user.Hash, "status": user.Status}, fmt.Sprintf("%s is %sd.", args[0], use))
			})
		},
	}
}

func (p *program) hub() *cobra.Command {
	parent := &cobra.Command{Use: "hub", Short: "Manage what hubs have booked.", Args: cobra.ArbitraryArgs, RunE: choose}
	var plan plan
	set := &cobra.Command{
		Use: "set-plan HUB", Short: "Change a hub's type, end and features; what is not given stays.", Args: one("hash of a hub"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := plan.request(c, args[0])
			if err != nil {
				return err
			}
			return p.setPlan(c.Context(), r)
		},
	}
	f := set.Flags()
	f.StringVar(&plan.kind, "type", "", "regular, trial or internal")
	f.StringVar(&plan.expires, "expires", "", "when it ends, such as 2026-12-31T23:59:59Z, or never")
	f.StringToStringVar(&plan.features, "feature", nil, "NAME=true or NAME=false, such as audit=true; may be repeated")
	f.IntVar(&plan.trash, "trash", 0, "days for which deleted things are kept")
	parent.AddCommand(set)
	return parent
}

// plan is a hub's plan as flags say it.
type plan struct {
	kind, expires string
	features      map[string]string
	trash         int
}

var hubTypes = map[string]accounts.HubType{
	"regular": accounts.HubRegular, "trial": accounts.HubTrial, "internal": accounts.HubInternal,
}

func (l plan) request(c *cobra.Command, hub string) (accounts.SetPlanRequest, error) {
	r := accounts.SetPlanRequest{Hub: hub, Features: map[string]bool{}}
	given := c.Flags().Changed
	if given("type") {
		kind, ok := hubTypes[l.kind]
		if !ok {
			return r, usageError{fmt.Errorf(`--type must be "regular", "trial" or "internal", not %q`, l.kind)}
		}
		r.Type = &kind
	}
	switch {
	case l.expires == "never":
		r.NoExpiration = true
	case given("expires"):
		at, err := time.Parse(time.RFC3339, l.expires)
		if err != nil {
			return r, usageError{fmt.Errorf(`--expires must be "never" or a time such as 2026-12-31T23:59:59Z, not %q`, l.expires)}
		}
		r.ExpirationTime = &at
	}
	for name, value := range l.features {
		on, err := strconv.ParseBool(value)
		if err != nil {
			return r, usageError{fmt.Errorf("--feature %s must be true or false, not %q", name, value)}
		}
		r.Features[name] = on
	}
	if given("trash") {
		r.Trash = &l.trash
	}
	if r.Type == nil && r.ExpirationTime == nil && !r.NoExpiration && len(r.Features) == 0 && r.Trash == nil {
		return r, usageError{errors.New("say what to change: --type, --expires, --feature, --trash")}
	}
	return r, nil
}

func (p *program) setPlan(ctx context.Context, r accounts.SetPlanRequest) error {
	return p.with(ctx, func(g *standalone.Gatehouse) error {
		hub, err := g.Accounts.SetPlan(ctx, r)
		if err != nil {
			return because(err, fault.NotFound, "there is no hub "+r.Hub)
		}
		return p.print(hub, "Changed the plan of "+hub.Name+".")
	})
}

func (p *program) accounts() *cobra.Command {
	return p.given(givenUp{
		command: "accounts", short: "See and retry what accounts could not hand over to other services.",
		what: "what is not tried any more", thing: "dead work", none: "There is nothing.",
		list: func(ctx context.Context, g *standalone.Gatehouse) (any, []string, error) {
			list, err := g.Accounts.DeadWork(ctx, accounts.DeadWorkRequest{})
			var lines []string
			for _, w := range list.Work {
				lines = append(lines, workLine(api.DeadWork(w)))
			}
			return list.Work, lines, err
		},
		retry: func(ctx context.Context, g *standalone.Gatehouse, id int64) error {
			_, err := g.Accounts.RetryWork(ctx, accounts.RetryWorkRequest{ID: id})
			return err
		},
	})
}

// operating is what every service with an outbox lets its operator do.
type operating interface {
	DeadWork(context.Context, api.DeadWorkRequest) (api.DeadWorkList, error)
	RetryWork(context.Context, api.RetryWorkRequest) (api.Nothing, error)
}

func (p *program) sessions() *cobra.Command {
	return p.work("sessions", "See and retry what sessions could not hand over to other services.",
		func(g *standalone.Gatehouse) operating { return g.Sessions })
}

func (p *program) oauth() *cobra.Command {
	return p.work("oauth", "See and retry what apps and other services could not be told.",
		func(g *standalone.Gatehouse) operating { return g.OAuth })
}

func (p *program) work(command, short string, of func(*standalone.Gatehouse) operating) *cobra.Command {
	return p.given(givenUp{
		command: command, short: short, what: "what is not tried any more", thing: "dead work", none: "There is nothing.",
		list: func(ctx context.Context, g *standalone.Gatehouse) (any, []string, error) {
			list, err := of(g).DeadWork(ctx, api.DeadWorkRequest{})
			var lines []string
			for _, w := range list.Work {
				lines = append(lines, workLine(w))
			}
			return list.Work, lines, err
		},
		retry: func(ctx context.Context, g *standalone.Gatehouse, id int64) error {
			_, err := of(g).RetryWork(ctx, api.RetryWorkRequest{ID: id})
			return err
		},
	})
}

func workLine(w api.DeadWork) string {
	return fmt.Sprintf("%d  %s  %s  %d attempts  %s", w.ID, w.CreatedTime.Format("2006-01-02 15:04"), w.Topic, w.Attempts, w.Error)
}
