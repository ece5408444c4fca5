package authorize

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/services/oauth/internal/acr"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/claims"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/scope"
)

// demand is what a request wants of its login: who it is and how well they have
// proved it.
type demand struct {
	// subject is who it must be, as the client calls them; "": anybody.
	subject string
	// classes are those of which the login has to meet one, the preferred first
	// (OpenID Connect Core 1.0 section 5.5.1.1).
	classes []string
	// essential: better no login than one that meets none.
	essential bool
}

// readClaims reads the claims parameter and what else says how well the user has
// to prove who they are. What is asked for one by one prevails over acr_values,
// and these over the client's own.
func (r *Request) readClaims() error {
	text := r.form.Get("claims")
	asked, err := claims.Parse(text)
	if err != nil {
		return fosite.ErrInvalidRequest.WithHint("The claims are not a claims request of at most 4 KiB (OpenID Connect Core 1.0 section 5.5).")
	}
	if text != "" {
		r.claims = json.RawMessage(text)
	}
	// A claim asked for by itself tells as much as one by its scope.
	r.Revealed = scope.Parse(scope.Join(append(slices.Clone(r.Scopes), asked.Scopes(r.Client)...)))
	r.namesSaid = asked.AskSaid(r.Client)
	for _, c := range []*claims.Claim{asked.IDToken["sub"], asked.UserInfo["sub"]} {
		for _, name := range c.Texts() {
			if r.demand.subject != "" && r.demand.subject != name {
				return fosite.ErrInvalidRequest.WithHint("The claims ask for two users.")
			}
			r.demand.subject = name
		}
	}
	class := asked.IDToken["acr"]
	r.demand.classes = class.Texts()
	r.demand.essential = class != nil && class.Essential && len(r.demand.classes) > 0
	if len(r.demand.classes) == 0 {
		r.demand.classes = strings.Fields(r.form.Get("acr_values"))
	}
	if len(r.demand.classes) == 0 {
		r.demand.classes = r.Client.DefaultACRs
	}
	return nil
}

// met tells whether a login of that class will do.
func (d *demand) met(class string) bool {
	return len(d.classes) == 0 || slices.ContainsFunc(d.classes, func(want string) bool { return acr.Meets(class, want) })
}

// next is the class to step up to: the first that is known and, as far as the
// user has said, within their reach. Who cannot reach a class cannot reach a
// stronger one either. "" if there is none.
func (d *demand) next(unable string) string {
	for _, want := range d.classes {
		if slices.Contains(acr.Values(), want) && (unable == "" || !acr.Meets(want, unable)) {
			return want
		}
	}
	return ""
}

// of tells whether the request may be answered about the user whom the client
// calls by that name.
func (r *Request) of(name string) bool {
	return (r.HintedSubject == "" || r.HintedSubject == name) && (r.demand.subject == "" || r.demand.subject == name)
}
