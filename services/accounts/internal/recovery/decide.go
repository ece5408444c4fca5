package recovery

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/ids"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/directory"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/notice"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/relay"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// List lists the requests that wait for the actor's hub.
func (s *Recoveries) List(ctx context.Context, r accounts.ListRequest) (accounts.RecoveryList, error) {
	if _, err := approver(ctx, s.o.DB, r.Actor, s.o.Clock.Now()); err != nil {
		return accounts.RecoveryList{}, err
	}
	page := api.Page{Number: max(r.Page.Number, 1), Size: r.Page.Size}
	if page.Size < 1 || page.Size > api.MaxPageSize {
		page.Size = api.DefaultPageSize
	}
	waiting, total, err := store.WaitingRecoveries(ctx, s.o.DB, *r.Actor.Hub, page)
	if err != nil {
		return accounts.RecoveryList{}, err
	}
	list := accounts.RecoveryList{Recoveries: make([]accounts.Recovery, 0, len(waiting)), Total: total}
	for _, w := range waiting {
		list.Recoveries = append(list.Recoveries, accounts.Recovery{
			ID: w.Recovery.ID, Hash: w.Recovery.Hash, User: w.User.User,
			Address: w.Recovery.Origin.Address, UserAgent: w.Recovery.Origin.UserAgent,
			CreatedTime: w.Recovery.Created, ConfirmedTime: w.Recovery.Confirmed, ModifiedTime: w.Recovery.Modified,
		})
	}
	return list, nil
}

// approver is the actor as a member of the hub who may decide on requests.
func approver(ctx context.Context, q db.Queryer, a api.Actor, now time.Time) (store.Membership, error) {
	if a.Hub == nil {
		return store.Membership{}, fault.New(fault.Forbidden, "fault.hub_required")
	}
	user, err := store.UserByID(ctx, q, a.User)
	if err != nil && !errors.Is(err, db.ErrNoRows) {
		return store.Membership{}, err
	}
	m, err := store.MembershipIn(ctx, q, user.ID, *a.Hub)
	if err != nil && !errors.Is(err, db.ErrNoRows) {
		return store.Membership{}, err
	}
	switch entry := m.Entry(now); {
	case user.Status != accounts.Active || entry == store.EntryNone:
		return store.Membership{}, fault.New(fault.Forbidden, "fault.no_access")
	case entry == store.EntryExpired:
		return store.Membership{}, fault.New(fault.Forbidden, "fault.hub_expired")
	case m.Role < accounts.RoleTechnicalAdministrator:
		return store.Membership{}, fault.New(fault.Forbidden, "")
	default:
		return m, directory.StillActs(ctx, q, a, m, now)
	}
}

// Decide approves or rejects a request. Any one who may decide, of any of the hubs
// for which it waits, decides for all of them.
func (s *Recoveries) Decide(ctx context.Context, r accounts.DecideRecoveryRequest) error {
	if err := r.Actor.InPerson(); err != nil {
		return err
	}
	return s.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		now := s.o.Clock.Now()
		m, err := approver(ctx, tx, r.Actor, now)
		if err != nil {
			return err
		}
		recovery, user, err := s.decidable(ctx, tx, r, m)
		if err != nil {
			return err
		}
		e := event{actor: store.ActorUser, by: &r.Actor, now: now}
		if r.Approve {
			return s.approve(ctx, tx, user, recovery, e)
		}
		return s.reject(ctx, tx, user, recovery, e)
	})
}

// decidable finds the request and holds its user.
func (s *Recoveries) decidable(ctx context.Context, tx *db.Tx, r accounts.DecideRecoveryRequest, m store.Membership) (store.Recovery, store.User, error) {
	if r.Recovery.Hash != "" && !ids.Valid(r.Recovery.Hash) {
		return store.Recovery{}, store.User{}, notFound()
	}
	recovery, err := store.WaitingRecovery(ctx, tx, m.Hub.ID, r.Recovery)
	if err != nil {
		return store.Recovery{}, store.User{}, orNotFound(err)
	}
	if recovery.User == r.Actor.User {
		return store.Recovery{}, store.User{}, fault.New(fault.Forbidden, "")
	}
	theirs, err := store.MembershipIn(ctx, tx, recovery.User, m.Hub.ID)
	if err != nil {
		return store.Recovery{}, store.User{}, orNotFound(err)
	}
	if theirs.Role > m.Role {
		return store.Recovery{}, store.User{}, fault.New(fault.Forbidden, "")
	}
	user, err := store.HoldUser(ctx, tx, recovery.User)
	if err == nil && user.Status != accounts.Active {
		err = notFound()
	}
	return recovery, user, orNotFound(err)
}

// event is about a decision.
type event struct {
	actor store.Actor
	by    *api.Actor // nil: nobody
	now   time.Time
}

func (e event) of(kind store.EventKind, user store.User, r store.Recovery) store.Event {
	recorded := store.Event{Kind: kind, Actor: e.actor, Time: e.now}
	if e.by != nil {
		recorded = store.Did(kind, *e.by, e.now)
	}
	recorded.User, recorded.Detail = &user.ID, map[string]any{"recovery": r.ID}
	return recorded
}

// approve mails the code. NotFound if the request does not wait any more.
func (s *Recoveries) approve(ctx context.Context, tx *db.Tx, user store.User, r store.Recovery, e event) error {
	code, mac := s.o.Challenges.NewApproval(r.ID)
	ends := e.now.Add(codeHours * time.Hour)
	ok, err := store.GrantRecovery(ctx, tx, r.ID, mac, ends, e.now)
	if err != nil {
		return err
	}
	if !ok {
		return notFound()
	}
	if err := store.Record(ctx, tx, e.of(store.RecoveryApproved, user, r)); err != nil {
		return err
	}
	return relay.Post(ctx, s.o.Outbox, tx, relay.Mail{
		Request: mail.SendRequest{
			Key: "recovery_code/" + ids.New(), Template: mail.RecoveryCode, To: user.Email, Language: int(user.Language),
			Data: map[string]string{"code": code, "hours": strconv.Itoa(codeHours)}, Expires: ends,
		},
		Expires: ends,
	})
}

// reject ends the request. NotFound if it does not wait any more.
func (s *Recoveries) reject(ctx context.Context, tx *db.Tx, user store.User, r store.Recovery, e event) error {
	ok, err := store.EndRecovery(ctx, tx, r.ID, store.RecoveryDenied, e.now)
	if err != nil {
		return err
	}
	if !ok {
		return notFound()
	}
	if err := store.Record(ctx, tx, e.of(store.RecoveryRejected, user, r)); err != nil {
		return err
	}
	// Not from where that was done: it is the approver's address.
	return notice.Send(ctx, s.o.Outbox, tx, user, notice.Notice{Event: mail.RecoveryRejected, Time: e.now})
}
