package portal

import (
	"crypto/rand"
	"net/url"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/flow"
)

// accountRoutes are what people do on the account page and below.
func (p *Portal) accountRoutes() map[string]methods {
	own, step := p.accountSetUp(), p.stepUpSetUp()
	return map[string]methods{
		accountPath:                          {get: p.showAccount},
		accountPath + "/password":            {get: p.showOwnPassword, post: p.changeOwnPassword},
		accountPath + "/factor":              {get: own.show, post: own.enrol},
		accountPath + "/factor/confirm":      {post: own.confirmed, page: accountPath + "/factor"},
		accountPath + "/factor/passkey":      {post: own.addPasskey, page: accountPath + "/factor"},
		accountPath + "/codes":               {post: p.renewCodes},
		accountPath + "/remove":              {get: p.showRemoval, post: p.remove},
		accountPath + "/identity/{provider}": {post: p.beginLinking},
		accountPath + "/unlink":              {post: p.onRow("unlinked", p.unlink)},
		accountPath + "/app":                 {post: p.onRow("revoked", p.revokeApp)},
		accountPath + "/session":             {post: p.onRow("ended", p.endOneSession)},
		accountPath + "/sessions":            {post: p.endOtherSessions},
		stepUpPath + "/setup":                {get: step.show, post: step.enrol},
		stepUpPath + "/setup/confirm":        {post: step.confirmed, page: stepUpPath + "/setup"},
		stepUpPath + "/setup/passkey":        {post: step.addPasskey, page: stepUpPath + "/setup"},
	}
}

// onRow does something about what a row's form names. What is gone by now is as it
// should be.
func (p *Portal) onRow(done string, do func(*visit, edge.Caller, api.Ref) error) handler {
	return func(v *visit) error {
		caller, ok, err := v.owner()
		if err != nil || !ok {
			return err
		}
		named, ok := api.ParseRef(v.form.Get("id"))
		if !ok {
			return v.see(accountPath)
		}
		switch err := do(v, caller, named); {
		case fault.Is(err, fault.NotFound):
			return v.see(accountPath)
		case err != nil:
			return v.accountAgain(caller, err)
		}
		return v.doneWith(done)
	}
}

func (p *Portal) unlink(v *visit, c edge.Caller, named api.Ref) error {
	_, err := p.deps.Accounts.UnlinkIdentity(v.r.Context(), accounts.UnlinkIdentityRequest{Actor: c.Actor(), Identity: named})
	return err
}

func (p *Portal) revokeApp(v *visit, c edge.Caller, named api.Ref) error {
	_, err := p.deps.OAuth.RevokeConsent(v.r.Context(), oauth.RevokeConsentRequest{Subject: c.Session.UserHash, Consent: named})
	return err
}

func (p *Portal) endOneSession(v *visit, c edge.Caller, named api.Ref) error {
	ended, err := p.deps.Flow.EndSession(v.r.Context(), c, named)
	if err == nil && ended == c.Session.ID {
		v.forget()
	}
	return err
}

func (p *Portal) endOtherSessions(v *visit) error {
	caller, ok, err := v.owner()
	if err != nil || !ok {
		return err
	}
	if err := p.deps.Flow.EndOtherSessions(v.r.Context(), caller); err != nil {
		return v.accountAgain(caller, err)
	}
	return v.doneWith("ended_others")
}

func (p *Portal) showOwnPassword(v *visit) error {
	caller, ok, err := v.owner()
	if err != nil || !ok {
		return err
	}
	shown, err := v.ownPasswordPage(caller)
	if err != nil {
		return err
	}
	return v.ok("plain", shown)
}

func (v *visit) ownPasswordPage(c edge.Caller) (page, error) {
	described, err := v.portal.deps.Flow.Current(v.r.Context(), c)
	if err != nil {
		return page{}, err
	}
	v.relearn()
	fields := v.passwordFields(described.User.Email)
	fields[1].Autofocus = false
	current := field{
		Name: "current_password", Label: v.text("page.security.password.current"), Type: "password",
		Autocomplete: "current-password", Autofocus: true,
	}
	return page{
		Title: v.text("page.security.password.change"),
		Data:  plain{Text: v.text("page.security.password.others"), After: []aside{v.backToAccount()}},
		Form: &form{
			Action: accountPath + "/password", Submit: v.text("page.security.password.submit"),
			Fields: append([]field{fields[0], current}, fields[1:]...),
		},
	}, nil
}

// changeOwnPassword takes the current one, whatever the age of the login.
func (p *Portal) changeOwnPassword(v *visit) error {
	caller, ok, err := v.owner()
	if err != nil || !ok {
		return err
	}
	in := v.newPassword()
	in.Current = v.form.Get("current_password")
	done, err := p.deps.Flow.ChangePassword(v.r.Context(), caller, in)
	if err != nil {
		shown, pageErr := v.ownPasswordPage(caller)
		if pageErr != nil {
			return pageErr
		}
		return v.again(err, "plain", shown)
	}
	v.keep(done.Token)
	return v.doneWith("password")
}

// removable are what takes the password to be removed, and what is done then.
var removable = map[string]func(p *Portal, v *visit, c edge.Caller, named api.Ref, password string) error{
	"factor": func(p *Portal, v *visit, c edge.Caller, named api.Ref, password string) error {
		_, err := p.deps.Accounts.RemoveFactor(v.r.Context(), accounts.RemoveFactorRequest{Actor: c.Actor(), Factor: named, Password: password})
		return err
	},
	"passkey": func(p *Portal, v *visit, c edge.Caller, named api.Ref, password string) error {
		_, err := p.deps.Accounts.RemovePasskey(v.r.Context(), accounts.RemovePasskeyRequest{Actor: c.Actor(), Passkey: named, Password: password})
		return err
	},
}

// removing is what the page is about; ok is false if they have been sent elsewhere.
func (v *visit) removing() (c edge.Caller, kind string, named api.Ref, ok bool, err error) {
	c, ok, err = v.owner()
	if err != nil || !ok {
		return c, "", named, false, err
	}
	kind = v.value("kind")
	named, ok = api.ParseRef(v.value("id"))
	if !ok || removable[kind] == nil {
		return c, "", named, false, v.see(accountPath)
	}
	return c, kind, named, true, nil
}

func (p *Portal) showRemoval(v *visit) error {
	_, kind, _, ok, err := v.removing()
	if err != nil || !ok {
		return err
	}
	return v.ok("plain", v.removalPage(kind))
}

func (v *visit) removalPage(kind string) page {
	return page{
		Title: v.text("page.security.removal." + kind),
		Data:  plain{Text: v.text("page.security.removal.text"), After: []aside{v.backToAccount()}},
		Form: &form{
			Action: with(accountPath+"/remove", "kind", kind, "id", v.value("id")), Submit: v.text("page.security.remove"),
			Fields: []field{{
				Name: "password", Label: v.text("page.label.password"), Type: "password", Autocomplete: "current-password", Autofocus: true,
			}},
		},
	}
}

func (p *Portal) remove(v *visit) error {
	caller, kind, named, ok, err := v.removing()
	if err != nil || !ok {
		return err
	}
	password := v.form.Get("password")
	err = flow.ValidatePassword("password", password).Err()
	if err == nil {
		err = removable[kind](p, v, caller, named, password)
	}
	switch {
	case fault.Is(err, fault.NotFound):
		return v.see(accountPath)
	case err != nil:
		return v.again(plainly(err), "plain", v.removalPage(kind))
	}
	return v.doneWith("removed")
}

// freshOwner is owner for what adds a way into the account; ok is false if they have
// been sent elsewhere, perhaps to prove once more who they are.
func (v *visit) freshOwner() (c edge.Caller, ok bool, err error) {
	if c, ok, err = v.owner(); err != nil || !ok {
		return c, false, err
	}
	return v.freshly(accountMark)
}

// renewCodes makes new recovery codes, which are shown this once.
func (p *Portal) renewCodes(v *visit) error {
	caller, ok, err := v.freshOwner()
	if err != nil || !ok {
		return err
	}
	codes, err := p.deps.Accounts.RenewRecoveryCodes(v.r.Context(), accounts.ActorRequest{Actor: caller.Actor()})
	if err != nil {
		return v.accountAgain(caller, err)
	}
	return v.showCodes(codes.Codes, accountPath)
}

// beginLinking sends the browser to a provider whose identity is to be linked.
func (p *Portal) beginLinking(v *visit) error {
	caller, ok, err := v.freshOwner()
	if err != nil || !ok {
		return err
	}
	kept := atProvider{Provider: v.r.PathValue("provider"), Secret: rand.Text(), Errand: errandLink}
	return v.toProvider(kept, flow.IdentityRequest{Linker: &caller})
}

// toProvider sends the browser to the provider in kept.
func (v *visit) toProvider(kept atProvider, r flow.IdentityRequest) error {
	r.Provider, r.Secret = kept.Provider, kept.Secret
	r.RedirectURI = v.portal.deps.PublicURL.JoinPath(identityPath, url.PathEscape(kept.Provider)).String()
	begun, err := v.portal.deps.Flow.BeginIdentity(v.r.Context(), r)
	if err != nil {
		return err
	}
	state, err := pack(kept)
	if err != nil {
		return err
	}
	v.portal.cookies.set(v.w, identityCookie, state, identityAge)
	return v.leave(begun.URL)
}

// linked takes the answer of a provider for whoever links.
func (v *visit) linked(a flow.IdentityAnswer) error {
	caller, ok, err := v.freshOwner()
	if err != nil || !ok {
		return err
	}
	_, err = v.portal.deps.Flow.LinkIdentity(v.r.Context(), caller, a)
	switch {
	case fault.Is(err, fault.Invalid):
		return fault.New(fault.Gone, "page.identity.lost").Because(err)
	case err != nil:
		return v.accountAgain(caller, err)
	}
	return v.doneWith("linked")
}
