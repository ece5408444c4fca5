package portal

import (
	"cmp"
	"net/url"
	"slices"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/compose"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
)

// accountPath is where people look after the security of their account.
const accountPath = "/account"

// accountMark stands, as that of a device does, where the id of an authorization
// request would be, so that a login leads to the account page. No id has a colon.
const accountMark = "here:account"

// shownSessions is how many open sessions are listed.
const shownSessions = 50

// section is a part of the account page.
type section struct {
	ID, Title, Text string
	Rows            []row
	Empty           string // if there are no rows
	Links           []link
	Forms           []form
}

// row is one thing of a section.
type row struct {
	Title   string
	Details []string
	// Form or Link does something about it; nil: nothing.
	Form *form
	Link *link
}

// securityPage is the account page.
type securityPage struct {
	Status   string
	Sections []section
}

// owner is the caller, who looks after their own account; ok is false if they
// have been sent to log in. Forbidden for whoever acts for somebody.
func (v *visit) owner() (c edge.Caller, ok bool, err error) {
	c, in, err := v.signedIn()
	if err != nil {
		return c, false, err
	}
	if !in {
		return c, false, v.see(with("/login", "authorization", accountMark))
	}
	return c, true, c.Secure()
}

func (v *visit) backToAccount() aside {
	return aside{Link: link{accountPath, v.text("page.security.back")}}
}

func (p *Portal) showAccount(v *visit) error {
	caller, ok, err := v.owner()
	if err != nil || !ok {
		return err
	}
	shown, err := v.securityPage(caller)
	if err != nil {
		return err
	}
	return v.ok("security", shown)
}

// accountAgain shows the account page with what does not go.
func (v *visit) accountAgain(c edge.Caller, err error) error {
	shown, pageErr := v.securityPage(c)
	if pageErr != nil {
		return pageErr
	}
	v.page, v.query = accountPath, nil
	return v.again(plainly(err), "security", shown)
}

// doneWith goes back to the account page, which says what has been done.
func (v *visit) doneWith(what string) error { return v.see(with(accountPath, "done", what)) }

func (v *visit) securityPage(c edge.Caller) (page, error) {
	described, err := v.portal.deps.Flow.Current(v.r.Context(), c)
	if err != nil {
		return page{}, err
	}
	v.relearn()
	data := securityPage{}
	if id := "page.security.done." + v.query.Get("done"); v.portal.deps.Texts.Has(id) {
		data.Status = v.text(id)
	}
	for _, write := range []func(edge.Caller, accounts.Account) (section, error){
		v.passwordSection, v.factorSection, v.passkeySection, v.identitySection, v.appSection, v.sessionSection,
	} {
		s, err := write(c, described)
		if err != nil {
			return page{}, err
		}
		data.Sections = append(data.Sections, s)
	}
	return page{Title: v.text("page.security.title"), Data: data}, nil
}

func (v *visit) passwordSection(edge.Caller, accounts.Account) (section, error) {
	return section{
		ID: "password", Title: v.text("page.security.password.title"), Text: v.text("page.security.password.text"),
		Links: []link{{accountPath + "/password", v.text("page.security.password.change")}},
	}, nil
}

func (v *visit) factorSection(c edge.Caller, _ accounts.Account) (section, error) {
	found, err := v.portal.deps.Accounts.ListFactors(v.r.Context(), accounts.ActorRequest{Actor: c.Actor()})
	if err != nil {
		return section{}, err
	}
	s := section{
		ID: "factors", Title: v.text("page.security.factors.title"), Text: v.text("page.security.factors.text"),
		Empty: v.text("page.security.factors.empty"),
		Links: []link{{accountPath + "/factor", v.text("page.security.factors.add")}},
	}
	for _, f := range found.Factors {
		if !f.Confirmed {
			continue
		}
		title := v.text("page.security.factors." + channelNames[f.Channel])
		if f.Number != "" {
			title += " " + f.Number
		}
		s.Rows = append(s.Rows, row{
			Title: title, Details: v.used(f.LastUsedTime, f.CreatedTime), Link: v.removal("factor", f.Hash),
		})
	}
	if len(s.Rows) > 0 {
		s.Text = v.text("page.security.factors.codes", "Count", found.RecoveryCodes)
		s.Forms = []form{{Action: accountPath + "/codes", Submit: v.text("page.security.factors.renew"), Second: true}}
	}
	return s, nil
}

func (v *visit) passkeySection(c edge.Caller, _ accounts.Account) (section, error) {
	found, err := v.portal.deps.Accounts.ListPasskeys(v.r.Context(), accounts.ActorRequest{Actor: c.Actor()})
	if err != nil {
		return section{}, err
	}
	s := section{
		ID: "passkeys", Title: v.text("page.security.passkeys.title"), Text: v.text("page.security.passkeys.text"),
		Empty: v.text("page.security.passkeys.empty"),
		Links: []link{{accountPath + "/factor", v.text("page.security.passkeys.add")}},
	}
	for _, k := range found.Passkeys {
		s.Rows = append(s.Rows, row{
			Title: k.Name, Details: v.used(k.LastUsedTime, k.CreatedTime), Link: v.removal("passkey", k.Hash),
		})
	}
	return s, nil
}

// removal leads to the page that asks for the password first.
func (v *visit) removal(kind, hash string) *link {
	return &link{with(accountPath+"/remove", "kind", kind, "id", hash), v.text("page.security.remove")}
}

// used tells when something was added and last used.
func (v *visit) used(last *time.Time, created time.Time) []string {
	details := []string{v.text("page.security.added", "When", v.when(created))}
	if last != nil {
		details = append(details, v.text("page.security.used", "When", v.when(*last)))
	}
	return details
}

func (v *visit) when(t time.Time) string {
	return v.portal.deps.Texts.Relative(v.lang, t, v.portal.deps.Edge.Now())
}

func (v *visit) appSection(c edge.Caller, _ accounts.Account) (section, error) {
	found, err := v.portal.deps.OAuth.ListConsents(v.r.Context(), oauth.SubjectRequest{Subject: c.Session.UserHash})
	if err != nil {
		return section{}, err
	}
	s := section{
		ID: "apps", Title: v.text("page.security.apps.title"), Text: v.text("page.security.apps.text"),
		Empty: v.text("page.security.apps.empty"),
	}
	for _, app := range found.Consents {
		r := row{
			Title: cmp.Or(app.ClientName, app.Client),
			Form:  v.rowForm("/app", app.Hash, "page.security.apps.revoke"),
		}
		for _, scope := range v.scopes(app.Scopes) {
			r.Details = append(r.Details, cmp.Or(scope.Text, scope.Raw))
		}
		r.Details = append(r.Details, v.text("page.security.allowed", "When", v.when(app.ModifiedTime)))
		s.Rows = append(s.Rows, r)
	}
	return s, nil
}

func (v *visit) sessionSection(c edge.Caller, _ accounts.Account) (section, error) {
	found, err := v.portal.deps.Flow.Sessions(v.r.Context(), c, api.Page{Number: 1, Size: shownSessions})
	if err != nil {
		return section{}, err
	}
	s := section{
		ID: "sessions", Title: v.text("page.security.sessions.title"), Text: v.text("page.security.sessions.text"),
	}
	for _, o := range found.Sessions {
		r := row{
			Title: cmp.Or(compose.Device(o.UserAgent), v.text("page.security.sessions.unknown")),
			Details: []string{
				v.text("page.security.sessions.from", "Address", o.Address), v.text("page.security.used", "When", v.when(o.LastUsedTime)),
			},
		}
		if o.ID == c.Session.ID {
			r.Details = append([]string{v.text("page.security.sessions.this")}, r.Details...)
		} else {
			r.Form = v.rowForm("/session", o.Hash, "page.security.sessions.end")
		}
		s.Rows = append(s.Rows, r)
	}
	if len(s.Rows) > 1 {
		s.Forms = []form{{Action: accountPath + "/sessions", Submit: v.text("page.security.sessions.end_others"), Second: true}}
	}
	return s, nil
}

// rowForm is the button of a row.
func (v *visit) rowForm(path, hash, submit string) *form {
	return &form{Action: accountPath + path, Submit: v.text(submit), Second: true, Hidden: []hidden{{"id", hash}}}
}

func (v *visit) identitySection(c edge.Caller, a accounts.Account) (section, error) {
	found, err := v.portal.deps.Accounts.ListIdentities(v.r.Context(), accounts.ActorRequest{Actor: c.Actor()})
	if err != nil {
		return section{}, err
	}
	s := section{
		ID: "identities", Title: v.text("page.security.identities.title"), Text: v.text("page.security.identities.text"),
		Empty: v.text("page.security.identities.empty"),
	}
	linkable := v.linkable(a)
	for _, i := range found.Identities {
		r := row{Title: titleOf(i, linkable), Form: v.rowForm("/unlink", i.Hash, "page.security.identities.unlink")}
		if said := cmp.Or(i.Email, i.Name); said != "" {
			r.Details = append(r.Details, said)
		}
		r.Details = append(r.Details, v.used(i.LastUsedTime, i.CreatedTime)...)
		s.Rows = append(s.Rows, r)
	}
	for _, p := range linkable {
		if slices.ContainsFunc(found.Identities, func(i accounts.LinkedIdentity) bool { return isAt(i, p) }) {
			continue
		}
		s.Forms = append(s.Forms, form{
			Action: accountPath + "/identity/" + url.PathEscape(p.Name),
			Submit: v.text("page.security.identities.link", "Provider", p.Title), Second: true,
		})
	}
	if len(linkable) > 0 {
		v.allowed.targets = append(v.allowed.targets, formTargets(v.portal.deps.PublicURL.String())...)
	}
	return s, nil
}

// maxLinkableHubs is of how many hubs the providers are offered.
const maxLinkableHubs = 10

// linkable are the providers that somebody can link: the installation's, and those
// that their hubs have brought along. Without them the page is still good.
func (v *visit) linkable(a accounts.Account) (list []oauth.Provider) {
	hubs := []*int64{nil}
	for i := range min(len(a.Hubs), maxLinkableHubs) {
		hubs = append(hubs, &a.Hubs[i].ID)
	}
	for _, hub := range hubs {
		known, err := v.portal.deps.OAuth.Providers(v.r.Context(), oauth.ProvidersRequest{Hub: hub})
		if err != nil {
			continue
		}
		for _, p := range known.Providers {
			if hub == nil || p.Hub != nil && p.Mode != oauth.ProviderIndividual {
				list = append(list, p)
			}
		}
	}
	return list
}

// titleOf is what a provider is called that an identity is at.
func titleOf(i accounts.LinkedIdentity, known []oauth.Provider) string {
	for _, p := range known {
		if isAt(i, p) {
			return p.Title
		}
	}
	return i.Provider
}

// isAt tells whether an identity is one at the provider. A hub's own has another
// name in its hub than here.
func isAt(i accounts.LinkedIdentity, p oauth.Provider) bool {
	if i.Hub == nil || p.Hub == nil {
		return i.Hub == nil && p.Hub == nil && p.Name == i.Provider
	}
	return *i.Hub == *p.Hub && p.Mode != oauth.ProviderIndividual
}
