package audit

import (
	"context"
	"errors"
	"regexp"
	"unicode/utf8"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/notice"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// maxKey bounds the keys of events, in bytes.
const maxKey = 200

var kind = regexp.MustCompile(`^[a-z_]{1,64}\.[a-z_]{1,64}$`)

// notices are what users are told of, by the kind of event. The subject is the
// named part of its detail.
var notices = map[string]struct {
	event   mail.Event
	subject string
}{
	"token.created":                  {mail.TokenCreated, "name"},
	"token.deleted":                  {mail.TokenDeleted, "name"},
	string(store.MemberImpersonated): {mail.Impersonated, "hub"},
}

// Record writes an event of another service down, once per key, and mails the
// user a notice of it if that is asked for and there is one for the kind.
func (a *Audit) Record(ctx context.Context, r accounts.RecordEventRequest) error {
	if err := check(r); err != nil {
		return err
	}
	e := store.Event{
		Kind: store.EventKind(r.Kind), Hub: r.Hub, Actor: store.ActorSystem, ActorID: r.ActorUser,
		Impersonator: r.Impersonator, Origin: r.Origin, Detail: r.Detail, Time: r.Time,
	}
	if r.User != 0 {
		e.User = &r.User
	}
	switch {
	case r.ActorUser != nil:
		e.Actor = store.ActorUser
	case r.Operator:
		e.Actor = store.ActorOperator
	}
	if e.Time.IsZero() {
		e.Time = a.o.Clock.Now()
	}
	return a.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		fresh, err := store.RecordOnce(ctx, tx, r.Key, e)
		if err != nil || !fresh || !r.Notify {
			return err
		}
		return a.notify(ctx, tx, r.User, e)
	})
}

func check(r accounts.RecordEventRequest) error {
	var v fault.Violations
	switch {
	case r.Key == "":
		v.Add("key", "validation.required")
	case len(r.Key) > maxKey:
		v.Add("key", "validation.max_length", "Max", maxKey)
	case !utf8.ValidString(r.Key):
		v.Add("key", "validation.utf8")
	}
	if !kind.MatchString(r.Kind) {
		v.Add("kind", "validation.one_of", "Values", "such as token.created")
	}
	return v.Err()
}

// notify queues the notice, if there is one and somebody to get it.
func (a *Audit) notify(ctx context.Context, tx *db.Tx, id int64, e store.Event) error {
	n, ok := notices[string(e.Kind)]
	if !ok {
		return nil
	}
	user, err := store.UserByID(ctx, tx, id)
	if errors.Is(err, db.ErrNoRows) || err == nil && user.Status != accounts.Active {
		return nil
	}
	if err != nil {
		return err
	}
	subject, _ := e.Detail[n.subject].(string)
	return notice.Send(ctx, a.o.Outbox, tx, user, notice.Notice{Event: n.event, Origin: e.Origin, Time: e.Time, Subject: subject})
}
