package token

import (
	"context"
	"fmt"
	"time"

	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/audit"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/grant"
)

// impersonationFor is how long an administrator acts as a user by a token.
const impersonationFor = 10 * time.Minute

// freshFor is how old the administrator's login may be: as old as where people
// change the security of their account.
const freshFor = 15 * time.Minute

// tokenIssued is the kind of event by which a token for acting as a user is
// written down.
const tokenIssued = "impersonation.token"

var errMayNot = refused("The administrator may not act as that user.")

// impersonate has an administrator act as a user: with the administrator's own
// access token of a login of late, issued to this very client, which the operator must
// have given the privilege. Whether the administrator may is the accounts service's to say.
func (h *Exchange) impersonate(ctx context.Context, request fosite.AccessRequester, c *client.Client, session *grant.Session) error {
	if !c.Impersonation {
		return errUnauthorized
	}
	form := request.GetRequestForm()
	user, ok := api.ParseRef(form.Get("subject_token"))
	if !ok || user.Hash == "" {
		return refused("The subject_token is not the hash of a user.")
	}
	switch form.Get("actor_token_type") {
	case TypeAccessToken, TypeJWT:
	default:
		return refused("The actor_token_type must be that of an access token.")
	}
	const hint = "The actor_token is not an access token of an administrator, issued to this client."
	t, err := h.inspect(ctx, form.Get("actor_token"), hint)
	if err != nil {
		return err
	}
	g := t.session.Grant
	if t.client != c.ID || !inPerson(t) || !inHubOf(c, g) || !Holds(ctx, t.session.Confirmation) {
		return refused(hint)
	}
	if h.Grants.Clock.Since(g.Details.AuthenticatedTime) > freshFor {
		return refused("The administrator's login is older than 15 minutes. A new one comes by max_age or prompt=login.")
	}
	if err := grantScopes(request, c, t.scopes); err != nil {
		return err
	}
	if err := grantAudience(request, c, nil); err != nil {
		return err
	}
	session.Acting, session.Grant = g, h.actingGrant(c, g, user.Hash)
	if session.Grant.Expires.After(t.expires) {
		session.Grant.Expires = t.expires
	}
	session.Grant.Scopes = request.GetGrantedScopes()
	session.Grant.Details.Resources = request.GetGrantedAudience()
	session.SetExpiresAt(fosite.AccessToken, session.Grant.Expires)
	return nil
}

// inPerson tells whether a user has logged in, in a hub, for the token and holds
// it themselves: nobody acts through somebody else, nor on somebody's word, which
// that of a hub's own provider is.
func inPerson(t *held) bool {
	d := t.session.Grant.Details
	return t.session.Grant.Client == t.client && t.session.Actor == nil && d.Actor == nil &&
		d.Hub != nil && d.ProviderHub == nil && !d.AuthenticatedTime.IsZero()
}

// actingGrant is the grant to be. When and how the login was is what the
// administrator has proved; the session, too, is theirs and not the user's, so
// it is left to the grant above, with which this one ends.
func (h *Exchange) actingGrant(c *client.Client, above *grant.Grant, user string) *grant.Grant {
	now := h.Grants.Clock.Now()
	return &grant.Grant{
		ID: grant.NewID(now), Client: c.ID, Subject: user, Created: now, Expires: now.Add(impersonationFor),
		CodeHash: []byte{}, CodeExpires: now, // no code has this hash
		// Without a Meaning: what users say of themselves nobody reads who acts as them.
		Details: grant.Details{
			Hub: above.Details.Hub, Methods: above.Details.Methods, AuthenticatedTime: above.Details.AuthenticatedTime,
			Actor: &grant.Actor{Subject: h.Minter.Names.Of(c, above.Subject)}, Parent: &above.ID,
		},
	}
}

// actAs asks whether the administrator may, which tells the user of it, and
// stores the grant with its event.
func (h *Exchange) actAs(ctx context.Context, session *grant.Session) error {
	g, hub := session.Grant, session.Grant.Details.Hub
	administrator, err := h.Accounts.Claims(ctx, accounts.ClaimsRequest{Subject: session.Acting.Subject, Hub: hub})
	if fault.Is(err, fault.NotFound) {
		return errMayNot
	}
	if err != nil {
		return err
	}
	user, err := h.Accounts.Impersonate(ctx, accounts.MemberRequest{
		Actor: api.Actor{User: administrator.User.ID, Hub: hub}, Member: api.Ref{Hash: g.Subject},
	})
	switch {
	case fault.Is(err, fault.NotFound), fault.Is(err, fault.Forbidden), fault.Is(err, fault.Unauthenticated):
		return errMayNot
	case err != nil:
		return err
	case user.User.Hash != g.Subject:
		return fmt.Errorf("token: accounts lets %s act as another user", session.Acting.Subject)
	}
	return h.commit(ctx, func(ctx context.Context, q db.Queryer) error {
		return h.inTx(ctx, q, func(ctx context.Context, tx *db.Tx) error {
			if err := h.Grants.Insert(ctx, tx, g); err != nil {
				return err
			}
			return audit.Queue(ctx, h.Outbox, tx, accounts.RecordEventRequest{
				Kind: tokenIssued, User: user.User.ID, Hub: hub, ActorUser: &administrator.User.ID,
				Impersonator: &administrator.User.ID, Time: g.Created, Detail: map[string]any{"client": g.Client},
			})
		})
	})
}

// inTx runs fn in the transaction that q is, or in one of its own.
func (d *Deps) inTx(ctx context.Context, q db.Queryer, fn func(context.Context, *db.Tx) error) error {
	if tx, ok := q.(*db.Tx); ok {
		return fn(ctx, tx)
	}
	return d.DB.Tx(ctx, fn)
}
