// Package activation brings people in: they register or are invited, get a
// link by mail, open it, and finish with a password.
//
//	           Initiate, Invite            Open                  Finish
//	(nothing) ──────────────────▶ sent ────────────▶ opened ────────────────▶ finished
//	                               │ LinkLife          │ FinishWindow
//	                               ▼                   ▼
//	                            expired             expired
//
// Every arrow but the first is a compare-and-set, so of several attempts at
// once one succeeds. When an activation is finished, all others of the same
// user are revoked, in whatever state they are, but invitations to other hubs:
// those can be accepted by an active user, too, who proves the password and
// needs nothing else. The user is Invited until then, and nothing that anybody
// could have typed is on the user's row: the name comes from the activation that
// is finished.
package activation

import (
	"context"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/ids"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/identity"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/input"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/metrics"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/password"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/relay"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// Options are what a Flow needs; all but SelfRegistration are required.
type Options struct {
	DB      *db.DB
	Outbox  *outbox.Outbox
	Hasher  *password.Hasher
	Clock   clockwork.Clock
	Metrics *metrics.Metrics
	// Confirm checks the actor's password, which is in the field, and gives the hash
	// that it was checked against.
	Confirm func(ctx context.Context, a api.Actor, field, password string) (hash string, err error)
	// Identities are what users log in with who have no password.
	Identities *identity.Identities
	// PublicURL is the origin of links, without a slash at its end.
	PublicURL string
	// SelfRegistration lets people come without an invitation.
	SelfRegistration bool
	// LinkLife is how long a link may wait to be opened, InvitationLife that of an
	// invitation.
	LinkLife, InvitationLife time.Duration
	// FinishWindow is how long an opened activation may take to be finished.
	FinishWindow time.Duration
}

// Flow runs activations.
type Flow struct{ o Options }

// New makes a Flow.
func New(o Options) *Flow { return &Flow{o} }

// link is a new link and what is kept of it.
type link struct {
	url    string // holds the secret
	digest []byte
	now    time.Time
	ends   time.Time
}

func (f *Flow) newLink(life time.Duration) link {
	secret, now := ids.New(), f.o.Clock.Now()
	return link{
		url:    f.o.PublicURL + "/link/" + secret,
		digest: ids.Digest(secret),
		now:    now,
		ends:   now.Add(life),
	}
}

// mailKey makes a mail of this link happen once. The digest tells nobody
// anything about the link.
func (l link) mailKey() string { return "activation/" + hex.EncodeToString(l.digest) }

// Person makes sure that there is a user with the address, and keeps the row
// until the end of the transaction. The same statements run in any case, for
// the same time.
func (f *Flow) Person(ctx context.Context, tx *db.Tx, email input.Email, language accounts.Language, now time.Time) (store.User, error) {
	if _, err := store.InsertInvited(ctx, tx, email, language, now); err != nil {
		return store.User{}, err
	}
	if err := store.TouchInvited(ctx, tx, email.Key, now); err != nil {
		return store.User{}, err
	}
	user, err := store.UserByEmail(ctx, tx, email.Key)
	if errors.Is(err, db.ErrNoRows) {
		// The sweep has removed the user between the statements.
		err = fault.New(fault.Unavailable, "").After(time.Second).Because(err)
	}
	return user, err
}

// add gives an invited user the activation. It is false if the user is not an
// invited one. The same statement runs in any case.
func (f *Flow) add(ctx context.Context, tx *db.Tx, user int64, a store.Activation, l link) (bool, error) {
	a.User, a.Hash = user, ids.New()
	return store.InsertActivation(ctx, tx, a, l.digest, l.now, l.ends)
}

// shown is the user with the name from the activation; an active user has one of
// their own.
func shown(user store.User, a store.Activation) accounts.User {
	u := user.User
	if u.Status == accounts.Active {
		return u
	}
	u.FirstName, u.LastName = a.FirstName, a.LastName
	u.Language, u.Locale = a.Language, int(a.Language)
	return u
}

// post queues the mail with the link.
func (f *Flow) post(ctx context.Context, tx *db.Tx, template mail.Template, user store.User, language accounts.Language, l link, hub string) error {
	return relay.Post(ctx, f.o.Outbox, tx, letter(template, user, language, l, hub))
}

func letter(template mail.Template, user store.User, language accounts.Language, l link, hub string) relay.Mail {
	data := map[string]string{"url": l.url}
	if template == mail.Invitation {
		data["hub"] = hub
	}
	return relay.Mail{
		Request: mail.SendRequest{
			Key: l.mailKey(), Template: template, To: user.Email, Language: int(language), Data: data,
		},
		Expires: l.ends,
	}
}

// TrimURL is a public URL as Options takes it.
func TrimURL(url string) string { return strings.TrimRight(url, "/") }
