package portal

import (
	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
)

// hubPath is where somebody changes to the hub that an app belongs to.
const hubPath = "/login/hub"

// hubPage asks whether to change to the hub of an app.
type hubPage struct {
	plain

	// Providers are the only ways into the hub, if it wants one of them.
	Providers []provider
	// Without is the form that goes back to the app.
	Without *form
}

// hubOf is the hub that an app belongs to, 0 if to none.
func hubOf(i oauth.Interaction) int64 {
	switch {
	case i.Hub != nil:
		return *i.Hub
	case i.Client.Hub != nil:
		return *i.Client.Hub
	}
	return 0
}

// changingHub is the caller with a request of a hub's app.
func (v *visit) changingHub() (c edge.Caller, i oauth.Interaction, ok bool, err error) {
	id, err := v.authorization()
	if err != nil {
		return c, i, false, err
	}
	c, in, err := v.inPerson()
	if err != nil {
		return c, i, false, err
	}
	if !in {
		return c, i, false, v.see(next(id)) // and from there to the login
	}
	i, err = v.pending(id)
	switch hub := hubOf(i); {
	case err != nil:
		return c, i, false, err
	case hub == 0, c.Session.Hub != nil && *c.Session.Hub == hub:
		return c, i, false, v.see(next(id)) // there already
	}
	return c, i, true, nil
}

func (p *Portal) showHub(v *visit) error {
	caller, interaction, ok, err := v.changingHub()
	if err != nil || !ok {
		return err
	}
	described, err := p.deps.Flow.Current(v.r.Context(), caller)
	if err != nil {
		return err
	}
	v.relearn()
	for _, hub := range described.Hubs {
		if hub.ID == hubOf(interaction) {
			return v.ok("hub", v.hubPage(interaction, hub))
		}
	}
	return v.noMember(interaction)
}

func (v *visit) hubPage(i oauth.Interaction, hub accounts.Hub) page {
	return page{
		Title: v.text("page.hub.title", "Hub", hub.Name),
		Form:  &form{Action: v.stepAction(hubPath), Submit: v.text("page.hub.submit", "Hub", hub.Name)},
		Data: hubPage{
			plain: plain{
				Text: v.text("page.hub.text", "App", appName(i.Client), "Hub", hub.Name), After: []aside{v.otherAccount()},
			},
			Without: v.leaveForApp(),
		},
	}
}

// noMember says that an account has no access to the hub of an app.
func (v *visit) noMember(i oauth.Interaction) error {
	return v.ok("hub", page{
		Title: v.text("page.hub.none_title"),
		Data: hubPage{
			plain: plain{
				Text: v.text("page.hub.none", "App", appName(i.Client)), After: []aside{v.otherAccount()},
			},
			Without: v.leaveForApp(),
		},
	})
}

// onlyByProvider says that the hub is entered by signing in at a provider alone.
func (v *visit) onlyByProvider(i oauth.Interaction, err error) error {
	hub := hubOf(i)
	i.Client.Hub = &hub
	return v.ok("hub", page{
		Title: v.text("page.hub.provider_title"),
		Data: hubPage{
			plain:     plain{Text: v.message(fault.From(err).Message, field{}), After: []aside{v.otherAccount()}},
			Providers: v.providers(i), Without: v.leaveForApp(),
		},
	})
}

func (v *visit) leaveForApp() *form {
	return &form{Action: v.stepAction(hubPath + "/skip"), Submit: v.text("page.hub.without"), Second: true}
}

// otherAccount leads to a login by another account, and back.
func (v *visit) otherAccount() aside {
	return aside{
		v.text("page.step.not_you"),
		link{with("/login", "authorization", v.value("authorization"), "prompt", oauth.PromptSelectAccount), v.text("page.step.another")},
	}
}

// changeHub moves the session. If the hub asks for more than it has, that comes
// next, and a session of its own after it.
func (p *Portal) changeHub(v *visit) error {
	caller, interaction, ok, err := v.changingHub()
	if err != nil || !ok {
		return err
	}
	done, err := p.deps.Flow.SwitchHub(v.r.Context(), caller, api.Ref{ID: hubOf(interaction)})
	switch {
	case says(err, "fault.provider_required"):
		return v.onlyByProvider(interaction, err)
	case fault.Is(err, fault.NotFound), fault.Is(err, fault.Forbidden):
		return v.noMember(interaction)
	case err != nil:
		return err
	case !done.In():
		v.endFormer()
	}
	return v.proceed(done, v.value("authorization"))
}

// skipHub goes on without: the app hears that it has no access.
func (p *Portal) skipHub(v *visit) error {
	if _, _, ok, err := v.changingHub(); err != nil || !ok {
		return err
	}
	return v.resume(oauth.ResumeRequest{Unable: true})
}
