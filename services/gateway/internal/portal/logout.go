package portal

import (
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
)

const (
	endSessionPath = "/oauth2/logout"
	// signOutPath takes the answer to the page that asks, and only from it.
	signOutPath = "/logout/app"
)

// farewell is how long the page stays that tells apps in frames, in seconds.
const farewell = 4

// logoutParameters are what the page that asks carries along.
var logoutParameters = []string{"id_token_hint", "logout_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales"}

// logout ends the session of the browser at its user's wish.
func (p *Portal) logout(v *visit) error {
	caller, ok, err := v.caller()
	if err != nil {
		return err
	}
	var frames []string
	if ok {
		if frames, err = v.end(caller); err != nil {
			return err
		}
	}
	v.forget()
	return v.goodbye(frames, "/", v.text("page.start"))
}

// endSession is the end session endpoint (OpenID Connect RP-Initiated Logout 1.0
// section 2).
func (p *Portal) endSession(v *visit) error {
	request := url.Values{}
	for name, values := range v.query {
		if name != languageParameter { // that one is ours
			request[name] = values
		}
	}
	return v.beginLogout(request)
}

// endSessionByPost is the same for apps that post to it. As with authorization
// requests, the session cookie does not come with a post from another site. A
// request too long for a URL is shown to whoever sent it: with the answer to
// that page the cookie comes.
func (p *Portal) endSessionByPost(v *visit) error {
	_, in, err := v.caller()
	if err != nil {
		return err
	}
	if query := v.form.Encode(); !in && len(query) <= maxRequestURL {
		return v.see(endSessionPath + "?" + query)
	}
	if in {
		return v.beginLogout(v.form)
	}
	answer, err := v.readLogout(v.form, nil)
	if err != nil || answer.Problem != nil {
		return v.refuseLogout(answer, false, err)
	}
	return v.askLogout(v.form, answer, edge.Caller{})
}

// beginLogout goes on with the request of an app: who has proved that it means
// this session need not be confirmed.
func (v *visit) beginLogout(request url.Values) error {
	caller, in, err := v.whoSignsOut()
	if err != nil {
		return err
	}
	answer, err := v.readLogout(request, loginIf(caller, in))
	switch {
	case err != nil || answer.Problem != nil:
		return v.refuseLogout(answer, in, err)
	case in && !answer.Proven:
		return v.askLogout(request, answer, caller)
	}
	return v.leaveFor(answer, caller, in)
}

// signOut takes the answer of the page that asks.
func (p *Portal) signOut(v *visit) error {
	caller, in, err := v.whoSignsOut()
	if err != nil {
		return err
	}
	request := url.Values{}
	for _, name := range logoutParameters {
		if v.form.Has(name) {
			request[name] = v.form[name]
		}
	}
	answer, err := v.readLogout(request, loginIf(caller, in))
	if err != nil || answer.Problem != nil {
		return v.refuseLogout(answer, in, err)
	}
	// Somebody else may have signed in since the page was shown.
	if shown := v.form.Get("subject"); in && shown != "" && shown != caller.Session.UserHash {
		return v.askLogout(request, answer, caller)
	}
	return v.leaveFor(answer, caller, in)
}

// whoSignsOut is the caller with a full session, also one that acts as somebody
// else: it is the session of this browser that ends, and no other.
func (v *visit) whoSignsOut() (c edge.Caller, in bool, err error) {
	c, in, err = v.caller()
	return c, in && c.Session.Scope == sessions.ScopeFull, err
}

// loginIf is what an app may know of the session; nil for one that no app was
// ever told of.
func loginIf(c edge.Caller, in bool) *oauth.Login {
	if !in || c.Secure() != nil {
		return nil
	}
	return loginOf(c)
}

func (v *visit) readLogout(request url.Values, login *oauth.Login) (oauth.Logout, error) {
	answer, err := v.portal.deps.OAuth.BeginLogout(v.r.Context(), oauth.LogoutRequest{Form: request, Login: login})
	v.preferLocales(answer.UILocales)
	return answer, err
}

// refuseLogout shows what is wrong with a request. Nobody has to stay signed in
// for that.
func (v *visit) refuseLogout(answer oauth.Logout, in bool, err error) error {
	if err != nil {
		return err
	}
	v.showFailure(http.StatusBadRequest, failure{
		Text: v.text("page.logout.problem"), Problem: answer.Problem, SignOut: in,
	}, "logout")
	return nil
}

// askLogout asks whether the app's request is the user's wish.
func (v *visit) askLogout(request url.Values, answer oauth.Logout, c edge.Caller) error {
	data := plain{Text: v.text("page.logout.text"), After: []aside{{Link: link{"/", v.text("page.logout.stay")}}}}
	if answer.Client != nil {
		app := v.about(*answer.Client)
		data.Text, data.About = v.text("page.logout.app", "App", appName(*answer.Client)), &app
	}
	if answer.Redirect != "" {
		v.allowed.targets = formTargets(answer.Redirect)
	}
	ask := &form{Action: signOutPath, Submit: v.text("page.logout.submit")}
	ask.Hidden = append(ask.Hidden, hidden{"subject", c.Session.UserHash})
	for _, name := range logoutParameters {
		if s := request.Get(name); s != "" {
			ask.Hidden = append(ask.Hidden, hidden{name, s})
		}
	}
	return v.ok("plain", page{
		Title: v.text("page.logout.title", "Product", v.portal.deps.Product),
		Data:  data,
		Form:  ask,
	})
}

// leaveFor ends the session, if there is one, and goes where the app wants its
// user.
func (v *visit) leaveFor(answer oauth.Logout, c edge.Caller, in bool) error {
	if answer.Redirect != "" {
		if err := mayLeaveFor(answer.Redirect); err != nil {
			return err
		}
	}
	var frames []string
	if in { // else there may be a login under way, which is no app's business
		var err error
		if frames, err = v.end(c); err != nil {
			return err
		}
		v.forget()
	}
	switch {
	case answer.Redirect == "":
		return v.goodbye(frames, "", "")
	case answer.Ask != nil:
		return v.goodbyeToStranger(frames, answer)
	}
	return v.goodbye(frames, answer.Redirect, v.text("page.logout.back", "App", appName(*answer.Client)))
}

// end ends the session of the browser, and gives the addresses that tell apps of
// it in frames. If the end cannot be written now the cookie stays, so that it can
// be tried again.
func (v *visit) end(c edge.Caller) (frames []string, err error) {
	d := v.portal.deps
	if c.Session.Scope == sessions.ScopeFull {
		// Asked for before the end, with which it is forgotten. Who wants to sign
		// out does so even if nobody can tell now.
		list, _ := d.OAuth.SessionClients(v.r.Context(), oauth.SessionClientsRequest{Session: c.Session.Hash})
		frames = list.Frontchannel
	}
	return frames, d.Flow.Logout(v.r.Context(), c)
}

// forget takes from the browser what belonged to its session.
func (v *visit) forget() {
	v.portal.deps.Edge.ClearSession(v.w)
	v.portal.cookies.clear(v.w, v.r, activationCookie)
	v.portal.cookies.clear(v.w, v.r, authorizationCookie)
	v.portal.cookies.clear(v.w, v.r, challengeCookie)
}

// logoutPage is what somebody sees who has signed out.
type logoutPage struct {
	Text   string
	Frames []string
	Next   *onward
	// Stranger is the app that Next leads to, if nobody has vetted it.
	Stranger *stranger
}

// onward leads to an address that was checked: html/template would only let web
// addresses through.
type onward struct {
	Address template.URL
	Text    string
}

// goodbye sends the browser on, and before that lets it tell apps in frames
// (Front-Channel Logout 1.0 section 3). Nobody hears whether they have heard, so
// the page waits for a moment and goes on by itself.
func (v *visit) goodbye(frames []string, to, text string) error {
	shown := v.frames(frames)
	if len(shown) == 0 && to != "" {
		return v.see(to)
	}
	data := logoutPage{Text: v.text("page.logout.done"), Frames: shown}
	if to != "" {
		data.Next = &onward{template.URL(to), text} //nolint:gosec // G203: in an attribute, where it is escaped, and of a scheme that may be.
		v.w.Header().Set("Refresh", strconv.Itoa(farewell)+"; url="+to)
	}
	if len(shown) > 0 {
		data.Text = v.text("page.logout.telling")
	}
	v.page = "" // to load it again would mean another logout
	return v.ok("logout", page{Title: v.text("page.logout.done_title"), Data: data})
}

// goodbyeToStranger is goodbye for an app that nobody has vetted: it says where the
// app leads, and the user goes there or not.
func (v *visit) goodbyeToStranger(frames []string, answer oauth.Logout) error {
	v.page = ""
	asked := v.stranger(*answer.Ask)
	return v.ok("logout", page{Title: v.text("page.logout.done_title"), Data: logoutPage{
		Text: v.text("page.stranger.logout"), Frames: v.frames(frames), Stranger: &asked,
		Next: &onward{template.URL(answer.Redirect), v.text("page.stranger.go")}, //nolint:gosec // G203: as in goodbye.
	}})
}

// frames are the addresses that a frame can show. Their origins become part of
// the page's policy.
func (v *visit) frames(addresses []string) []string {
	var shown []string
	for _, address := range addresses {
		u, err := url.Parse(address)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || !plainHost(u.Host) {
			continue
		}
		shown = append(shown, address)
		if origin := u.Scheme + "://" + u.Host; !slices.Contains(v.allowed.frames, origin) {
			v.allowed.frames = append(v.allowed.frames, origin)
		}
	}
	return shown
}

// plainHost tells whether a host has nothing in it that means something in a
// policy.
func plainHost(host string) bool {
	for _, r := range host {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '-', r == ':', r == '[', r == ']':
		default:
			return false
		}
	}
	return host != ""
}
