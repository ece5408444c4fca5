package portal

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"unicode/utf8"

	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/i18n"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
)

// maxForm bounds what a form may send, in bytes. An authorization request with
// a request object is the largest that makes sense.
const maxForm = 64 << 10

// visit is one request to a page, and what the answer will need.
type visit struct {
	portal *Portal
	w      http.ResponseWriter
	r      *http.Request
	lang   i18n.Language
	// settled tells that the language is known for sure: from the visitor or from
	// the app.
	settled bool
	// query and form hold the parameters of the URL and of the body.
	query, form url.Values
	// page is the path at which what is shown can be had again; empty: nowhere.
	page string
	// allowed is what the page may do.
	allowed allowed
	// user is who is signed in, once somebody has asked.
	user *user
}

// user is the caller with a full session; in is false if there is none.
type user struct {
	edge.Caller
	in bool
}

func (p *Portal) visit(w http.ResponseWriter, r *http.Request) *visit {
	v := &visit{portal: p, w: w, r: r, query: r.URL.Query()}
	w.Header().Set("Cache-Control", "no-store")
	v.chooseLanguage()
	return v
}

// dispatch calls the handler of the request's method.
func (v *visit) dispatch(m methods) error {
	if v.page = m.page; m.get != nil {
		v.page = v.r.URL.Path
	}
	if _, err := url.ParseQuery(v.r.URL.RawQuery); err != nil {
		return badForm(err)
	}
	if err := checkText(v.query); err != nil {
		return err
	}
	switch {
	case m.get != nil && (v.r.Method == http.MethodGet || v.r.Method == http.MethodHead):
		return m.get(v)
	case m.post != nil && v.r.Method == http.MethodPost:
		if err := v.readForm(); err != nil {
			return err
		}
		return m.post(v)
	}
	v.w.Header().Set("Allow", m.allow())
	return edge.ErrMethodNotAllowed()
}

func (m methods) allow() string {
	switch {
	case m.post == nil:
		return "GET, HEAD"
	case m.get == nil:
		return "POST"
	}
	return "GET, HEAD, POST"
}

// readForm takes the body of a form.
func (v *visit) readForm() error {
	if t, _, err := mime.ParseMediaType(v.r.Header.Get("Content-Type")); err != nil || t != "application/x-www-form-urlencoded" {
		if v.r.ContentLength != 0 {
			return edge.ErrUnsupportedMediaType()
		}
	}
	body, err := io.ReadAll(http.MaxBytesReader(v.w, v.r.Body, maxForm))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return edge.ErrTooLarge()
	case err != nil:
		return badForm(err)
	}
	if v.form, err = url.ParseQuery(string(body)); err != nil {
		return badForm(err)
	}
	return checkText(v.form)
}

// checkText refuses what is no text: it would be replaced silently on its way
// to a service.
func checkText(values url.Values) error {
	for name, list := range values {
		for _, s := range append([]string{name}, list...) {
			if !utf8.ValidString(s) {
				return badForm(errors.New("a parameter is not UTF-8"))
			}
		}
	}
	return nil
}

func badForm(cause error) error {
	return &edge.Refusal{
		Status: http.StatusBadRequest,
		Fault:  fault.New(fault.Invalid, "page.failure.form").Because(cause),
	}
}

// value is a parameter of the body, else of the URL.
func (v *visit) value(name string) string {
	if v.form.Has(name) {
		return v.form.Get(name)
	}
	return v.query.Get(name)
}

// see sends the browser to a path of ours.
func (v *visit) see(path string) error {
	v.w.Header().Set("Location", path)
	v.w.WriteHeader(http.StatusSeeOther)
	return nil
}

// caller is whose session the browser has; ok is false if it has none. A bearer
// token is nothing a browser sends: it does not count. A cookie that is good
// for nothing any more is taken away, so that it is not asked about again.
func (v *visit) caller() (c edge.Caller, ok bool, err error) {
	c, err = edge.Session(v.r.Context())
	switch {
	case fault.Is(err, fault.Unauthenticated):
		if v.r.Method == http.MethodGet && v.portal.cookies.get(v.r, sessionCookie) != "" {
			v.portal.deps.Edge.ClearSession(v.w)
		}
		return edge.Caller{}, false, nil
	case err != nil:
		return edge.Caller{}, false, fmt.Errorf("find the session: %w", err)
	}
	return c, c.Cookie, nil
}

// signedIn is the caller with a full session. Visiting keeps it from expiring.
func (v *visit) signedIn() (c edge.Caller, ok bool, err error) {
	if v.user != nil {
		return v.user.Caller, v.user.in, nil
	}
	c, ok, err = v.caller()
	if err != nil {
		return edge.Caller{}, false, err
	}
	if !ok || c.Session.Scope != sessions.ScopeFull {
		v.user = &user{}
		return edge.Caller{}, false, nil
	}
	v.user = &user{c, true}
	// A session that cannot be renewed now is still good for this visit.
	if token, renewed, err := v.portal.deps.Flow.Renew(v.r.Context(), c); err == nil && renewed {
		v.portal.deps.Edge.SetSession(v.w, token)
	}
	return c, true, nil
}

// inPerson is signedIn for what apps are told and given: whoever acts as somebody
// else, or came by a personal access token, does not count. What apps get goes on
// when that is over, and says that it was the user. (For which apps a session
// counts that a hub's own provider has opened, the oauth service knows.)
func (v *visit) inPerson() (c edge.Caller, ok bool, err error) {
	c, ok, err = v.signedIn()
	return c, ok && c.Actor().Present() == nil, err
}

// begin gives the browser a new session in the place of the one it had.
func (v *visit) begin(t sessions.Token) {
	v.endFormer()
	v.portal.deps.Edge.SetSession(v.w, t)
}

// endFormer ends the session that the browser has, because it gets another: the
// former one would live on without anybody to use it. If that fails, it expires
// by itself.
func (v *visit) endFormer() {
	if former, err := edge.Session(v.r.Context()); err == nil && former.Cookie {
		_ = v.portal.deps.Flow.Logout(v.r.Context(), former)
	}
}
