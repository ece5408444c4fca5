package flow

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/i18n"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
)

// Registration is what somebody gives to register.
type Registration struct {
	FirstName, LastName, Email string
	Language                   i18n.Language // of the mail with the link
}

// Register asks for an account, whose owner then gets a link by mail. It answers
// the same whether or not the address has one. Forbidden where registration is
// closed; Invalid names every broken rule.
func (f *Flow) Register(ctx context.Context, r Registration) error {
	_, err := f.deps.Accounts.InitiateActivation(ctx, accounts.InitiateActivationRequest{
		FirstName: r.FirstName, LastName: r.LastName, Email: r.Email,
		Language: accounts.Language(r.Language),
		Origin:   edge.Origin(ctx),
	})
	return err
}

// Activation is what somebody gives to finish an activation or an invitation.
// Who is active already joins by their password alone.
type Activation struct {
	Activation string // 40 hex, from the opened link
	Name       string // of the hub to create
	FirstName  string // unless known
	LastName   string // unless known

	Password             string
	PasswordConfirmation string
	Terms                bool
	// Identity is what to log in with instead of a password, begun in the caller's
	// session; nil: the password.
	Identity *IdentityAnswer
}

// FinishScopes are the scopes of which one finishes an activation.
func FinishScopes() []sessions.Scope {
	return []sessions.Scope{sessions.ScopeActivationFinish, sessions.ScopeInvitationFinish}
}

// finishKinds are the links that the sessions of those scopes come from.
var finishKinds = map[sessions.Scope]accounts.LinkKind{
	sessions.ScopeActivationFinish: accounts.LinkActivation,
	sessions.ScopeInvitationFinish: accounts.LinkInvitation,
}

// FinishActivation makes the caller, who has opened a link, an active user, or a
// member of one more hub, and lets them in. Forbidden without such a link;
// NotFound if the activation is another's, finished or expired; Invalid names
// every broken rule; otherwise as LogInByIdentity and LinkIdentity, if it is by an
// identity. If it is Unavailable after all, the user may be active by
// then and can log in with the password given.
func (f *Flow) FinishActivation(ctx context.Context, c edge.Caller, a Activation) (Outcome, error) {
	kind, ok := finishKinds[c.Session.Scope]
	if !ok {
		return Outcome{}, fault.New(fault.Forbidden, "fault.scope")
	}
	if !isHash(a.Activation) {
		return Outcome{}, fault.New(fault.NotFound, "")
	}
	if err := f.ready(ctx); err != nil {
		return Outcome{}, err
	}
	var upstream *accounts.UpstreamIdentity
	if a.Identity != nil {
		found, err := f.finishIdentity(ctx, *a.Identity, &c)
		if err != nil {
			return Outcome{}, err
		}
		upstream = &found
	}
	identity, err := f.deps.Accounts.FinishActivation(ctx, accounts.FinishActivationRequest{
		Activation: a.Activation, User: c.Session.User, Kind: kind,
		Name: a.Name, FirstName: a.FirstName, LastName: a.LastName,
		Password: a.Password, PasswordConfirmation: a.PasswordConfirmation, Terms: a.Terms,
		Identity: upstream, Origin: edge.Origin(ctx),
	})
	if err != nil {
		return Outcome{}, err
	}
	e := identified(identity, accounts.ProofLink, sessions.MethodMail)
	if upstream != nil {
		e = identified(identity, accounts.ProofIdentity, sessions.MethodUpstream, sessions.MethodMail)
		e.provider, e.providerHub = upstream.Provider, identity.ProviderHub
	}
	e.proved, e.replaces = f.provedBy(identity.User), &c.Session.ID
	return f.enter(ctx, e)
}
