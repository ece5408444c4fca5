package portal

import (
	"maps"
	"slices"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/flow"
)

// opened is what has to be remembered of an opened link until its form is sent.
// It stays in a cookie. Whoever changes it there changes what they see
// themselves; that the activation is theirs is checked by the accounts service
// against the session.
type opened struct {
	Link       string `json:"l"`
	Activation string `json:"a"`
	Hub        string `json:"h,omitempty"` // to join; empty: one is created
	FirstName  string `json:"f,omitempty"`
	Named      bool   `json:"n,omitempty"` // the user has a name
	Joins      bool   `json:"j,omitempty"` // the user has an account, and only joins
	HubHash    string `json:"g,omitempty"` // of Hub
	Email      string `json:"e"`
}

// openedAge is the life of the session that a link opens.
const openedAge = 30 * time.Minute

// What is kept of names, in characters: they are shown, and a cookie is small.
const (
	maxShownName  = 80
	maxShownEmail = 320
)

func (p *Portal) showLink(v *visit) error {
	if page, ok := v.returning(); ok {
		return v.see(page)
	}
	return v.ok("link", page{
		Title: v.text("page.link.title"),
		Form:  &form{Action: v.r.URL.Path, Submit: v.text("page.link.submit")},
	})
}

func (p *Portal) openLink(v *visit) error {
	if page, ok := v.returning(); ok {
		return v.see(page)
	}
	link := v.r.PathValue("hash")
	done, err := p.deps.Flow.OpenLink(v.r.Context(), link)
	if err != nil {
		return err
	}
	state, err := pack(opened{
		Link:       link,
		Activation: done.Activation,
		Hub:        shorten(done.HubName, maxShownName),
		HubHash:    done.HubHash,
		FirstName:  shorten(done.User.FirstName, maxShownName),
		Named:      done.User.FirstName != "" && done.User.LastName != "",
		Joins:      joins(done.OpenedLink),
		Email:      shorten(done.User.Email, maxShownEmail),
	})
	if err != nil {
		return err
	}
	v.begin(done.Token)
	p.cookies.set(v.w, activationCookie, state, openedAge)
	return v.see(linkPages[done.Token.Session.Scope])
}

// returning tells whether the link has been opened by this browser already and
// its form is still waiting, and where: somebody went back, or clicked twice.
func (v *visit) returning() (page string, ok bool) {
	caller, o, err := v.opened(slices.Collect(maps.Keys(linkPages))...)
	if err != nil || o.Link != v.r.PathValue("hash") {
		return "", false
	}
	return linkPages[caller.Session.Scope], true
}

// opened is the link that the browser has opened, and the session it got by
// that, of one of the scopes. Gone if there is none, or the session is over.
func (v *visit) opened(scopes ...sessions.Scope) (edge.Caller, opened, error) {
	lapsed := fault.New(fault.Gone, "page.failure.lapsed")
	var o opened
	if !unpack(v.portal.cookies.get(v.r, activationCookie), &o) {
		return edge.Caller{}, o, lapsed
	}
	caller, ok, err := v.caller()
	if err != nil {
		return edge.Caller{}, o, err
	}
	if !ok || !slices.Contains(scopes, caller.Session.Scope) {
		return edge.Caller{}, o, lapsed
	}
	return caller, o, nil
}

func (p *Portal) showActivation(v *visit) error {
	_, o, err := v.opened(flow.FinishScopes()...)
	if err != nil {
		return v.elsewhere(err)
	}
	v.aim()
	return v.ok("activation", v.activationPage(o, flow.Activation{}))
}

func (p *Portal) finishActivation(v *visit) error {
	caller, o, err := v.opened(flow.FinishScopes()...)
	if err != nil {
		return v.elsewhere(err)
	}
	in := v.activationForm()
	in.Activation = o.Activation
	done, err := p.deps.Flow.FinishActivation(v.r.Context(), caller, in)
	switch {
	case fault.Is(err, fault.NotFound):
		return fault.New(fault.Gone, "page.failure.lapsed").Because(err)
	case err != nil:
		v.aim()
		return v.again(err, "activation", v.activationPage(o, in))
	}
	p.cookies.clear(v.w, v.r, authorizationCookie)
	return v.proceed(done, v.waiting()) // the flow has ended the former session
}

// activationForm is what was filled in.
func (v *visit) activationForm() flow.Activation {
	return flow.Activation{
		Name: v.form.Get("name"), FirstName: v.form.Get("first_name"), LastName: v.form.Get("last_name"),
		Password: v.form.Get("password"), PasswordConfirmation: v.form.Get("password_confirmation"),
		Terms: v.form.Get("terms") != "",
	}
}

// elsewhere sends on whoever has finished already, and comes back to a form that
// is of no use any more.
func (v *visit) elsewhere(err error) error {
	switch _, in, sessionErr := v.signedIn(); {
	case sessionErr != nil:
		return sessionErr
	case in:
		return v.see("/")
	}
	return err
}

// waiting is the authorization request that sent the visitor to register; empty
// if there is none, or it has not waited that long.
func (v *visit) waiting() string {
	id := v.portal.cookies.get(v.r, authorizationCookie)
	if id == "" {
		return ""
	}
	if _, err := v.pending(id); err != nil {
		return ""
	}
	return id
}

// aim lets the form lead to the app that waits, if there is one.
func (v *visit) aim() { _ = v.waiting() }

// activationPage is what the page shows beside its form.
type activationPage struct {
	opened

	// Providers are the ways without a password. Their buttons send the same form
	// elsewhere.
	Providers []provider
}

func (v *visit) activationPage(o opened, in flow.Activation) page {
	if o.Joins {
		return v.joinPage(o)
	}
	var fields []field
	if o.Hub == "" {
		fields = append(fields, field{
			Name: "name", Label: v.text("page.label.hub"), Called: v.text("page.called.hub"),
			Hint: v.text("page.activation.hub_hint"), Autocomplete: "organization", Value: in.Name,
		})
	}
	if !o.Named {
		fields = append(fields,
			field{Name: "first_name", Label: v.text("page.label.first_name"), Autocomplete: "given-name", Value: in.FirstName},
			field{Name: "last_name", Label: v.text("page.label.last_name"), Autocomplete: "family-name", Value: in.LastName},
		)
	}
	fields = append(fields,
		// For password managers, which keep a password with a name.
		field{Name: "username", Label: v.text("page.label.email"), Autocomplete: "username", Identifier: true, ReadOnly: true, Value: o.Email},
		field{
			Name: "password", Label: v.text("page.label.password"), Type: "password", Autocomplete: "new-password",
			Hint: v.text("page.activation.password_hint"),
		},
		field{
			Name: "password_confirmation", Label: v.text("page.label.password_confirmation"), Type: "password",
			Autocomplete: "new-password",
		},
		v.termsField(in.Terms),
	)
	return page{
		Title: v.text("page.activation.title"),
		Data:  activationPage{o, v.activationWays(o)},
		Form:  &form{Action: "/activation", Submit: v.text("page.activation.submit"), Fields: fields, ID: "activation"},
	}
}

// joinPage asks somebody who has an account for its password, and nothing else.
func (v *visit) joinPage(o opened) page {
	return page{
		Title: v.text("page.join.title"),
		Data:  activationPage{o, v.activationWays(o)},
		Form: &form{Action: "/activation", Submit: v.text("page.join.submit"), ID: "activation", Fields: []field{
			{Name: "username", Label: v.text("page.label.email"), Autocomplete: "username", Identifier: true, ReadOnly: true, Value: o.Email},
			{
				Name: "password", Label: v.text("page.label.password"), Type: "password", Autocomplete: "current-password",
				Autofocus: true,
			},
		}},
	}
}

// shorten cuts s to at most that many characters.
func shorten(s string, limit int) string {
	if runes := []rune(s); len(runes) > limit {
		return string(runes[:limit-1]) + "…"
	}
	return s
}
