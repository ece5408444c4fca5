package portal

import (
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
)

// errand is what a link was mailed for that needs nothing but a yes.
type errand struct {
	path  string
	texts string // page.<texts>.*
	scope sessions.Scope
	run   func(*visit, edge.Caller) error
}

func (p *Portal) confirmEmail() errand {
	return errand{"/email", "email", sessions.ScopeEmailConfirm, func(v *visit, c edge.Caller) error {
		return p.deps.Flow.ConfirmEmail(v.r.Context(), c)
	}}
}

func (p *Portal) confirmRecovery() errand {
	return errand{"/recovery", "recovery", sessions.ScopeRecoveryConfirm, func(v *visit, c edge.Caller) error {
		return p.deps.Flow.ConfirmRecovery(v.r.Context(), c)
	}}
}

func (e errand) handlers() methods { return methods{get: e.show, post: e.confirm} }

func (e errand) show(v *visit) error {
	if _, _, err := v.opened(e.scope); err != nil {
		return v.elsewhere(err)
	}
	return v.ok("plain", page{
		Title: v.text("page." + e.texts + ".title"),
		Data:  plain{Text: v.text("page." + e.texts + ".text")},
		Form:  &form{Action: e.path, Submit: v.text("page." + e.texts + ".submit")},
	})
}

func (e errand) confirm(v *visit) error {
	caller, _, err := v.opened(e.scope)
	if err != nil {
		return v.elsewhere(err)
	}
	err = e.run(v, caller)
	switch {
	case fault.Is(err, fault.NotFound):
		return fault.New(fault.Gone, "page.failure.lapsed").Because(err)
	case err != nil:
		return err
	}
	v.portal.deps.Edge.ClearSession(v.w) // the flow has ended it
	v.portal.cookies.clear(v.w, v.r, activationCookie)
	return v.see(e.path + "/done")
}

func (e errand) done(v *visit) error { return v.done(e.texts) }

// done says that something is done, and leads to the login.
func (v *visit) done(texts string) error {
	return v.ok("plain", page{
		Title: v.text("page." + texts + ".done_title"),
		Data:  plain{Text: v.text("page." + texts + ".done"), Button: &link{"/login", v.text("page.login.title")}},
	})
}

// linkPages are where opened links lead, by the kind and by the session that
// they opened.
var linkPages = map[sessions.Scope]string{
	sessions.ScopeActivationFinish: "/activation",
	sessions.ScopeInvitationFinish: "/activation",
	sessions.ScopeEmailConfirm:     "/email",
	sessions.ScopeRecoveryConfirm:  "/recovery",
}

// joins tells whether the user of an opened link has an account already and only
// joins a hub.
func joins(o accounts.OpenedLink) bool {
	return o.Kind == accounts.LinkInvitation && o.User.Status == accounts.Active
}

// showUnlock only shows a button: mail scanners open links.
func (p *Portal) showUnlock(v *visit) error {
	return v.ok("plain", page{
		Title: v.text("page.unlock.title"),
		Data:  plain{Text: v.text("page.unlock.text")},
		Form:  &form{Action: v.r.URL.Path, Submit: v.text("page.unlock.submit")},
	})
}

func (p *Portal) unlock(v *visit) error {
	if err := p.deps.Flow.Unlock(v.r.Context(), v.r.PathValue("hash")); err != nil {
		return err
	}
	return v.see("/unlock/done")
}

func (p *Portal) unlocked(v *visit) error { return v.done("unlock") }
