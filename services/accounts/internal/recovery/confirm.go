package recovery

import (
	"context"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/ids"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/notice"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/relay"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/strangers"
)

// Confirm hands in the request of the user's opened link, in the place of any
// other of the user's.
func (s *Recoveries) Confirm(ctx context.Context, r accounts.ConfirmLinkRequest) error {
	return s.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		now := s.o.Clock.Now()
		user, err := store.HoldUser(ctx, tx, r.User)
		if err != nil {
			return orNotFound(err)
		}
		link, err := store.UseOpenedLink(ctx, tx, user.ID, store.RecoveryLink, now.Add(-s.o.FinishWindow), now)
		if err != nil {
			return orNotFound(err)
		}
		var a strangers.Purpose
		if err := link.Data(&a); err != nil {
			return err
		}
		if user.Status != accounts.Active || a.Email != user.Email {
			return notFound()
		}
		return s.handIn(ctx, tx, user, store.Recovery{
			Hash: ids.New(), User: user.ID, Origin: r.Origin, Created: a.Time, Confirmed: now,
		})
	})
}

// court is a hub that can decide on a request, and who in it.
type court struct {
	hub       accounts.Hub
	approvers []store.User
}

// handIn finds out who decides on the request.
func (s *Recoveries) handIn(ctx context.Context, tx *db.Tx, user store.User, r store.Recovery) error {
	courts, atOnce, err := s.courts(ctx, tx, user, r.Confirmed)
	if err != nil {
		return err
	}
	if len(courts) == 0 && !atOnce {
		due := r.Confirmed.Add(delay)
		r.Due = &due
	}
	if err := store.CancelRecoveries(ctx, tx, user.ID, r.Confirmed); err != nil {
		return err
	}
	if r.ID, err = store.InsertRecovery(ctx, tx, r); err != nil {
		return err
	}
	err = notice.Send(ctx, s.o.Outbox, tx, user, notice.Notice{Event: mail.RecoveryConfirmed, Origin: r.Origin, Time: r.Confirmed})
	if err != nil {
		return err
	}
	if len(courts) == 0 {
		if err := s.record(ctx, tx, store.RecoveryConfirmed, user, r, nil); err != nil || !atOnce {
			return err
		}
		return s.approve(ctx, tx, user, r, event{actor: store.ActorSystem, now: r.Confirmed})
	}
	for _, c := range courts {
		if err := s.ask(ctx, tx, user, r, c); err != nil {
			return err
		}
	}
	return nil
}

// courts are the hubs of the user's that approve of requests and in which somebody
// can decide on this one. AtOnce tells that no hub of the user's wants to.
func (s *Recoveries) courts(ctx context.Context, tx *db.Tx, user store.User, now time.Time) (courts []court, atOnce bool, _ error) {
	memberships, err := store.MembershipsOf(ctx, tx, user.ID)
	if err != nil {
		return nil, false, err
	}
	atOnce = len(memberships) > 0
	for _, m := range memberships {
		if !m.Hub.Policies.RecoveryApproval {
			continue
		}
		atOnce = false
		approvers, err := store.Approvers(ctx, tx, m.Hub.ID, user.ID, m.Role, now)
		if err != nil {
			return nil, false, err
		}
		if len(approvers) > 0 {
			courts = append(courts, court{m.Hub, approvers})
		}
	}
	return courts, atOnce, nil
}

// ask has the request wait for a hub and tells those who may decide.
func (s *Recoveries) ask(ctx context.Context, tx *db.Tx, user store.User, r store.Recovery, c court) error {
	if err := store.AskHub(ctx, tx, r.ID, c.hub.ID); err != nil {
		return err
	}
	if err := s.record(ctx, tx, store.RecoveryConfirmed, user, r, &c.hub.ID); err != nil {
		return err
	}
	name := strings.TrimSpace(user.FirstName + " " + user.LastName)
	for _, approver := range c.approvers {
		err := relay.Post(ctx, s.o.Outbox, tx, relay.Mail{Request: mail.SendRequest{
			Key: "recovery_request/" + ids.New(), Template: mail.RecoveryRequest,
			To: approver.Email, Language: int(approver.Language),
			Data: map[string]string{"name": name, "email": user.Email, "hub": c.hub.Name},
		}})
		if err != nil {
			return err
		}
	}
	return nil
}

// record writes down what the user has done.
func (s *Recoveries) record(ctx context.Context, tx *db.Tx, kind store.EventKind, user store.User, r store.Recovery, hub *int64) error {
	return store.Record(ctx, tx, store.Event{
		Kind: kind, User: &user.ID, Hub: hub, Actor: store.ActorUser, ActorID: &user.ID, Origin: r.Origin,
		Detail: map[string]any{"recovery": r.ID}, Time: r.Confirmed,
	})
}
