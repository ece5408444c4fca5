package portal

import (
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
)

// consentPage is what somebody decides on.
type consentPage struct {
	App     string
	About   about
	Returns string // origin of the app
	Scopes  []scope
	Name    string // of the account
	Email   string
	Subject string
	Action  string
	// Other is the way to another account.
	Other string
}

// scope is one permission; Raw stands for one that we have no words for.
type scope struct{ Text, Raw string }

func (p *Portal) showConsent(v *visit) error {
	id, err := v.authorization()
	if err != nil {
		return err
	}
	caller, in, err := v.inPerson()
	if err != nil {
		return err
	}
	if !in {
		return v.see(next(id)) // and from there to the login
	}
	return v.askConsent(id, caller)
}

func (v *visit) askConsent(id string, caller edge.Caller) error {
	interaction, err := v.pending(id)
	if err != nil {
		return err
	}
	described, err := v.portal.deps.Flow.Current(v.r.Context(), caller)
	if err != nil {
		return err
	}
	v.relearn()
	app := appName(interaction.Client)
	return v.ok("consent", page{
		Title: v.text("page.consent.title", "App", app),
		Data: consentPage{
			App:     app,
			About:   v.about(interaction.Client),
			Returns: interaction.RedirectTo,
			Scopes:  v.scopes(interaction.Scopes),
			Name:    nameOf(described.User),
			Email:   described.User.Email,
			Subject: described.User.Hash,
			Action:  with("/consent", "authorization", id),
			Other:   with("/login", "authorization", id, "prompt", oauth.PromptSelectAccount),
		},
	})
}

func (v *visit) scopes(names []string) []scope {
	list := make([]scope, 0, len(names))
	for _, name := range names {
		if id := "page.scope." + name; v.portal.deps.Texts.Has(id) {
			list = append(list, scope{Text: v.text(id)})
			continue
		}
		list = append(list, scope{Raw: name})
	}
	return list
}

// consent takes the decision. Only the button says allow: a form without one
// asks again, and so does one that was shown to somebody else than who is signed
// in by now.
func (p *Portal) consent(v *visit) error {
	id, err := v.authorization()
	if err != nil {
		return err
	}
	caller, in, err := v.inPerson()
	if err != nil {
		return err
	}
	if !in {
		return v.see(next(id))
	}
	decision := v.form.Get("decision")
	if v.form.Get("subject") != caller.Session.UserHash || (decision != "allow" && decision != "deny") {
		return v.askConsent(id, caller)
	}
	return v.resume(oauth.ResumeRequest{Decision: &oauth.Decision{Allow: decision == "allow"}})
}
