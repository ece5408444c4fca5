package flow

import (
	"context"
	"fmt"

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
	accounts.LinkEmail:      sessions.ScopeEmailConfirm,
	accounts.LinkRecovery:   sessions.ScopeRecoveryConfirm,
}

// OpenedLink is what a mailed link disclosed and the session it opened, which
// may do only what the link is for: FinishActivation, ConfirmEmail or
// ConfirmRecovery.
type OpenedLink struct {
	accounts.OpenedLink
	Token sessions.Token
}

// OpenLink uses a mailed link up. NotFound if there is no such link, Gone if it
// has been used or has expired.
func (f *Flow) OpenLink(ctx context.Context, link string) (OpenedLink, error) {
	if !isHash(link) {
		return OpenedLink{}, errNoLink()
	}
	// A link works once. It must not be spent while no session can be opened, so a
	// second-old answer is not good enough.
	if err := f.deps.Cache.Reach(ctx); err != nil {
		return OpenedLink{}, err
	}
	proved := f.deps.Cache.Now()
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
		Scope:             scope,
		Methods:           []sessions.Method{sessions.MethodMail},
		AuthenticatedTime: proved,
		Origin:            edge.Origin(ctx),
	})
	if err != nil {
		return OpenedLink{}, err
	}
	return OpenedLink{OpenedLink: opened, Token: token}, nil
}

// ConfirmEmail makes the address to which the caller's link was mailed the
// user's. Forbidden without such a link; NotFound if nothing waits for it any
// more; Conflict if somebody else has the address by now.
func (f *Flow) ConfirmEmail(ctx context.Context, c edge.Caller) error {
	if c.Session.Scope != sessions.ScopeEmailConfirm {
		return fault.New(fault.Forbidden, "fault.scope")
	}
	if _, err := f.deps.Accounts.ConfirmEmail(ctx, confirmation(c)); err != nil {
		return err
	}
	f.endSpent(ctx, c.Session.ID)
	return nil
}

func confirmation(c edge.Caller) accounts.ConfirmLinkRequest {
	return accounts.ConfirmLinkRequest{User: c.Session.User, Origin: c.Origin}
}

// Unlock lifts the lock of an account by the link that was mailed with it.
// NotFound if there is no such link, Gone if it has been used or has expired.
func (f *Flow) Unlock(ctx context.Context, link string) error {
	if !isHash(link) {
		return errNoLink()
	}
	_, err := f.deps.Accounts.Unlock(ctx, accounts.OpenLinkRequest{Link: link, Origin: edge.Origin(ctx)})
	return err
}

func errNoLink() error { return fault.New(fault.NotFound, "fault.link_unknown") }

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
