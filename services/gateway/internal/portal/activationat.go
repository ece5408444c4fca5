package portal

import (
	"crypto/rand"
	"net/url"
	"slices"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/flow"
)

// activationPath leads to the provider by which somebody finishes an activation or
// accepts an invitation, in the place of a password.
const activationPath = "/activation/with/"

// activationInput is what was filled in before that. It stays in a cookie, and is
// checked by the accounts service as if it came with a form.
type activationInput struct {
	Name      string `json:"n,omitempty"`
	FirstName string `json:"f,omitempty"`
	LastName  string `json:"l,omitempty"`
	Terms     bool   `json:"t,omitempty"`
}

// maxKeptName bounds what is kept of a name, in characters; what is longer is
// refused anyhow.
const maxKeptName = 120

// activationWays are the providers by which it can be finished. Who has an account
// joins by what they have linked to it, for which a hub's own provider, and one
// whose identities administrators assign, do not count.
func (v *visit) activationWays(o opened) []provider {
	known, err := v.portal.deps.OAuth.Providers(v.r.Context(), oauth.ProvidersRequest{HubHash: o.HubHash})
	if err != nil {
		return nil
	}
	list := slices.DeleteFunc(slices.Clone(known.Providers), func(p oauth.Provider) bool {
		return p.Mode == oauth.ProviderIndividual || o.Joins && p.Hub != nil
	})
	return v.ways(list, func(p oauth.Provider) string { return activationPath + url.PathEscape(p.Name) })
}

// activateAt sends the browser to a provider, once all else is filled in.
func (p *Portal) activateAt(v *visit) error {
	caller, o, err := v.opened(flow.FinishScopes()...)
	if err != nil {
		return v.elsewhere(err)
	}
	in := v.activationForm()
	if err := o.complete(in).Err(); err != nil {
		v.aim()
		return v.again(err, "activation", v.activationPage(o, in))
	}
	kept := atProvider{
		Provider: v.r.PathValue("provider"), Secret: rand.Text(), Errand: errandActivate,
		Activation: &activationInput{
			Name: shorten(in.Name, maxKeptName), FirstName: shorten(in.FirstName, maxKeptName), LastName: shorten(in.LastName, maxKeptName),
			Terms: in.Terms,
		},
	}
	return v.toProvider(kept, flow.IdentityRequest{Linker: &caller})
}

// complete finds what is missing, so that nobody comes back from a provider for
// that.
func (o opened) complete(in flow.Activation) fault.Violations {
	var missing fault.Violations
	if o.Joins {
		return missing
	}
	need := func(field, value string, asked bool) {
		if asked && value == "" {
			missing.Add(field, "validation.required")
		}
	}
	need("name", in.Name, o.Hub == "")
	need("first_name", in.FirstName, !o.Named)
	need("last_name", in.LastName, !o.Named)
	if !in.Terms {
		missing.Add("terms", "validation.accepted")
	}
	return missing
}

// activatedAt takes the answer of the provider and lets its user in.
func (v *visit) activatedAt(kept atProvider, answer flow.IdentityAnswer) error {
	caller, o, err := v.opened(flow.FinishScopes()...)
	if err != nil {
		return v.elsewhere(err)
	}
	v.page, v.query = "/activation", nil
	in := flow.Activation{Activation: o.Activation, Identity: &answer}
	if k := kept.Activation; k != nil {
		in.Name, in.FirstName, in.LastName, in.Terms = k.Name, k.FirstName, k.LastName, k.Terms
	}
	done, err := v.portal.deps.Flow.FinishActivation(v.r.Context(), caller, in)
	switch {
	case fault.Is(err, fault.NotFound):
		return fault.New(fault.Gone, "page.failure.lapsed").Because(err)
	case err != nil:
		v.aim()
		return v.again(plainly(err), "activation", v.activationPage(o, in))
	}
	v.portal.cookies.clear(v.w, v.r, authorizationCookie)
	return v.proceed(done, v.waiting()) // the flow has ended the former session
}
