// Package admission is the gate to full sessions: it tells what somebody who
// has proved who they are still has to do before they may come in.
//
//	active? ─▶ may enter the hub? ─▶ by this proof? ─▶ code ─▶ factor ─▶ password ─▶ terms ─▶ in
//
// Whoever is sent to one of the steps comes back with what it gave, and is
// judged anew. Only who comes in is on record as logged in.
package admission

import (
	"context"
	"errors"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/challenge"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/directory"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// Unusual says what a login from an unknown device or network brings.
type Unusual string

// The answers to unusual logins.
const (
	Code   Unusual = "code"   // a code is asked for, and the user is told
	Notice Unusual = "notice" // the user is told
	Off    Unusual = "off"
)

// Valid tells whether u is one of them.
func (u Unusual) Valid() bool { return u == Code || u == Notice || u == Off }

// Challenges ask users for codes.
type Challenges interface {
	// Start asks one, by the strongest channel that the user has.
	Start(ctx context.Context, tx *db.Tx, r challenge.Request) (accounts.Challenge, error)
	// Confirmed tells by which channel the user has answered a challenge. It is
	// not ok if it is not the user's, or has not been answered. Replace tells that
	// the code was one of a recovery: the lost factor has to be replaced next.
	Confirmed(ctx context.Context, q db.Queryer, user, id int64) (channel accounts.Channel, replace, ok bool, err error)
	// Strongest is the user's strongest channel that works; email if none.
	Strongest(ctx context.Context, q db.Queryer, user int64) (accounts.Channel, error)
}

// Options are what a Gate needs; all are required.
type Options struct {
	DB         *db.DB
	Outbox     *outbox.Outbox
	Clock      clockwork.Clock
	Directory  *directory.Directory
	Challenges Challenges
	Unusual    Unusual
}

// Gate admits users.
type Gate struct{ o Options }

// New makes a Gate.
func New(o Options) *Gate { return &Gate{o} }

// Admit tells the next step, or lets the user in.
func (g *Gate) Admit(ctx context.Context, r accounts.AdmitRequest) (accounts.Admission, error) {
	var admission accounts.Admission
	err := g.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		v := visit{AdmitRequest: r, now: g.o.Clock.Now()}
		user, err := store.UserByID(ctx, tx, r.User)
		if errors.Is(err, db.ErrNoRows) || err == nil && user.Status != accounts.Active {
			return fault.New(fault.NotFound, "")
		}
		if err != nil {
			return err
		}
		v.user = user
		if r.LastHub {
			if v.Hub, err = lastHub(ctx, tx, user, v.now); err != nil {
				return err
			}
		}
		if v.account, err = g.enter(ctx, tx, user, v.AdmitRequest); err != nil {
			return err
		}
		if err := g.vouched(ctx, tx, &v); err != nil {
			return err
		}
		if v.unusual, err = g.unusual(ctx, tx, v); err != nil {
			return err
		}
		admission, err = g.admit(ctx, tx, v)
		return err
	})
	if err != nil {
		return accounts.Admission{}, err
	}
	return admission, nil
}

// visit is somebody at the gate.
type visit struct {
	accounts.AdmitRequest

	user    store.User
	account accounts.Account // Hub is the one to enter
	unusual bool
	// brokeGlass: let in against what the hub demands, as an owner.
	brokeGlass bool
	now        time.Time
}

func (g *Gate) admit(ctx context.Context, tx *db.Tx, v visit) (accounts.Admission, error) {
	a := accounts.Admission{Account: v.account}
	confirmation, err := g.confirmation(ctx, tx, v)
	if err != nil {
		return accounts.Admission{}, err
	}
	switch {
	case confirmation.step == accounts.StepCode:
		challenge, err := g.o.Challenges.Start(ctx, tx, confirmation.request)
		a.Step, a.Challenge = accounts.StepCode, &challenge
		return a, err
	case confirmation.step == accounts.StepFactor && v.ProviderHub != nil:
		// Whoever runs the hub's provider would enrol one of their own.
		return accounts.Admission{}, fault.New(fault.Forbidden, "fault.provider_factor")
	case confirmation.step == accounts.StepFactor:
		a.Step = accounts.StepFactor
	case v.Proof == accounts.ProofToken: // which nobody is there to do more for
	case v.account.User.PasswordUpdate && v.Proof != accounts.ProofPasskey && v.ProviderHub == nil:
		a.Step = accounts.StepPassword
	case v.account.User.TermsConfirmation:
		a.Step = accounts.StepTerms
	}
	if a.Step != accounts.StepNone {
		return a, nil
	}
	return a, g.welcome(ctx, tx, v)
}

// lastHub is the hub that the user was in last, or the first one that they may
// enter; nil if there is none.
func lastHub(ctx context.Context, tx *db.Tx, user store.User, now time.Time) (*int64, error) {
	hub, err := store.CurrentHub(ctx, tx, user, now)
	if err != nil || hub == nil {
		return nil, err
	}
	return &hub.ID, nil
}

// enter gives the account as seen from the hub, if the user may enter it.
func (g *Gate) enter(ctx context.Context, tx *db.Tx, user store.User, r accounts.AdmitRequest) (accounts.Account, error) {
	account, entry, err := g.o.Directory.Account(ctx, tx, user, r.Hub)
	if err != nil {
		return accounts.Account{}, err
	}
	if entry != nil && !r.Fallback {
		return accounts.Account{}, entry
	}
	return account, nil // without the hub that may not be entered
}
