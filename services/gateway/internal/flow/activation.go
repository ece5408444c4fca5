package flow

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/i18n"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
)

// linkScopes are what the sessions that a mailed link opens may do.
var linkScopes = map[accounts.LinkKind]sessions.Scope{
	accounts.LinkActivation: sessions.ScopeActivationFinish,
	accounts.LinkInvitation: sessions.ScopeInvitationFinish,
}

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

// OpenedLink is what a mailed link disclosed and the session it opened, which
// may do only what the link is for.
type OpenedLink struct {
	accounts.OpenedLink
	Token sessions.Token
}

// OpenLink uses a mailed link up. NotFound if there is no such link, Gone if it
// has been used or has expired.
func (f *Flow) OpenLink(ctx context.Context, link string) (OpenedLink, error) {
	if !isHash(link) {
		return OpenedLink{}, fault.New(fault.NotFound, "fault.link_unknown")
	}
	// A link works once. It must not be spent while no session can be opened, so a
	// second-old answer is not good enough.
	if err := f.sessionsReachable(ctx); err != nil {
		return OpenedLink{}, err
	}
	opened, err := f.deps.Accounts.OpenLink(ctx, accounts.OpenLinkRequest{Link: link, Origin: edge.Origin(ctx)})
	if err != nil {
		return OpenedLink{}, err
	}
	scope, ok := linkScopes[opened.Kind]
	if !ok {
		return OpenedLink{}, fmt.Errorf("gateway: a link of the kind %q opens nothing", opened.Kind)
	}
	edge.PreferLanguage(ctx, i18n.Language(opened.User.Language))
	token, err := f.deps.Sessions.Create(ctx, sessions.CreateRequest{
		User: opened.User.ID, UserHash: opened.User.Hash,
		Scope:   scope,
		Methods: []sessions.Method{sessions.MethodMail},
		Origin:  edge.Origin(ctx),
	})
	if err != nil {
		return OpenedLink{}, err
	}
	return OpenedLink{OpenedLink: opened, Token: token}, nil
}

func (f *Flow) sessionsReachable(ctx context.Context) error {
	_, err := f.deps.Sessions.Revocations(ctx, sessions.RevocationsRequest{Since: f.deps.Clock.Now()})
	return err
}

// Activation is what somebody gives to finish an activation or an invitation.
type Activation struct {
	Activation string // 40 hex, from the opened link
	Name       string // of the hub to create
	FirstName  string // unless known
	LastName   string // unless known

	Password             string
	PasswordConfirmation string
	Terms                bool
}

// FinishScopes are the scopes of which one finishes an activation.
func FinishScopes() []sessions.Scope {
	return []sessions.Scope{sessions.ScopeActivationFinish, sessions.ScopeInvitationFinish}
}

// FinishActivation makes the caller, who has opened a link, an active user and
// opens a full session in place of the narrow one. Forbidden without such a
// link; NotFound if the activation is another's, finished or expired; Invalid
// names every broken rule. If it is Unavailable after all, the user may be
// active by then and can log in with the password given.
func (f *Flow) FinishActivation(ctx context.Context, c edge.Caller, a Activation) (Authentication, error) {
	kind, err := linkKind(c.Session.Scope)
	if err != nil {
		return Authentication{}, err
	}
	if !isHash(a.Activation) {
		return Authentication{}, fault.New(fault.NotFound, "")
	}
	identity, err := f.deps.Accounts.FinishActivation(ctx, accounts.FinishActivationRequest{
		Activation: a.Activation, User: c.Session.User, Kind: kind,
		Name: a.Name, FirstName: a.FirstName, LastName: a.LastName,
		Password: a.Password, PasswordConfirmation: a.PasswordConfirmation, Terms: a.Terms,
		Origin: edge.Origin(ctx),
	})
	if err != nil {
		return Authentication{}, err
	}
	authentication, err := f.open(ctx, identity, false, sessions.CreateRequest{
		Methods: []sessions.Method{sessions.MethodMail},
	})
	if err != nil {
		return Authentication{}, err
	}
	f.endSpent(ctx, c.Session.ID)
	return authentication, nil
}

// endSpent ends a narrow session that has done its work. It opens nothing any
// more and expires soon, so the user need not hear if that fails.
func (f *Flow) endSpent(ctx context.Context, session int64) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := f.end(ctx, session); err != nil {
		f.deps.Logger.LogAttrs(ctx, slog.LevelWarn, "spent session not ended",
			slog.Int64("session", session), slog.String("error", err.Error()))
	}
}

func linkKind(s sessions.Scope) (accounts.LinkKind, error) {
	for kind, scope := range linkScopes {
		if scope == s {
			return kind, nil
		}
	}
	return "", fault.New(fault.Forbidden, "fault.scope")
}

// isHash tells whether s has the form of public ids and links: 40 lower-case
// hexadecimal digits.
func isHash(s string) bool {
	if len(s) != 40 {
		return false
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
