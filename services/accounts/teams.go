package accounts

import (
	"context"
	"log/slog"

	"github.com/gatehouse-id/gatehouse/pkg/outbox"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/activation"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/directory"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/hub"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/member"
)

// teams are hubs and who is in them.
type teams struct {
	hubs    *hub.Hubs
	members *member.Members
}

func newTeams(c Config, d Deps, box *outbox.Outbox, flow *activation.Flow, entrance logins, people *directory.Directory) teams {
	return teams{
		hubs: hub.New(hub.Options{DB: d.DB, Clock: d.Clock, PerUser: c.HubsPerUser}),
		members: member.New(member.Options{
			DB: d.DB, Outbox: box, Clock: d.Clock, Activation: flow, Confirm: entrance.login.Confirm, Throttle: entrance.throttle,
			Profile:   people.Profile,
			PublicURL: activation.TrimURL(c.PublicURL), InvitationLife: c.InvitationLife, FinishWindow: c.FinishWindow,
		}),
	}
}

// remind mails invitations again that nobody has accepted.
func (s *Service) remind(ctx context.Context) error {
	mailed, ended, err := s.members.Remind(ctx)
	if mailed+ended > 0 {
		s.deps.Obs.Logger.InfoContext(ctx, "looked after open invitations",
			slog.Int64("mailed_again", mailed), slog.Int64("ended", ended))
	}
	return err
}
