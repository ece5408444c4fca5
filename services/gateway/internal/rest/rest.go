// Package rest is the JSON API under /v1, one function per endpoint.
package rest

import (
	"maps"
	"net/http"
	"slices"

	"github.com/jonboulle/clockwork"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/i18n"
	"github.com/gatehouse-id/gatehouse/pkg/places"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/apidoc"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/compose"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/envelope"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/flow"
)

// Deps are what the endpoints need; all are required.
type Deps struct {
	Flow     *flow.Flow
	Edge     *edge.Edge
	Accounts accounts.Service
	Sessions sessions.Service
	OAuth    oauth.Service
	Mail     mail.Service
	Clock    clockwork.Clock
	Texts    *i18n.Catalogue
	// Description is what tells the API's clients about it.
	Description *apidoc.Handler
	// Product names the installation where no hub does.
	Product string
}

// API serves the JSON API.
type API struct {
	deps  Deps
	write envelope.Writer
	// uploads are pictures that are on their way.
	uploads *places.Places
}

// New makes an API.
func New(d Deps) *API {
	return &API{deps: d, write: envelope.Writer{Clock: d.Clock}, uploads: places.New(uploadsHeld, uploadWait)}
}

// Routes are the endpoints below /v1.
func (a *API) Routes() http.Handler {
	mux := http.NewServeMux()
	for pattern, h := range a.handlers() {
		mux.Handle(pattern, h)
	}
	return a.elsewhere(mux, edge.Routed(mux))
}

// Patterns lists what Routes serves, as patterns of http.ServeMux.
func (a *API) Patterns() []string { return slices.Sorted(maps.Keys(a.handlers())) }

func (a *API) handlers() map[string]http.Handler {
	all := a.deps.Description.Routes()
	for _, routes := range []map[string]endpoint{a.authRoutes(), a.passkeyRoutes(), a.resourceRoutes(), a.providerRoutes(), a.clientRoutes()} {
		for pattern, e := range routes {
			all[pattern] = a.serve(e)
		}
	}
	return all
}

// Fail answers a failure as an envelope.
func (a *API) Fail(w http.ResponseWriter, r *http.Request, err error) { a.write.Fail(w, r, err) }

func (a *API) serve(e endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, err := e(w, r)
		if err != nil {
			a.write.Fail(w, r, err)
			return
		}
		if answer.status != 0 {
			a.write.Success(w, r, answer.status, answer.data, answer.meta)
		}
	})
}

// elsewhere answers what no pattern matches with an envelope. Which methods a
// path has, and so whether it is 404 or 405, the mux itself knows best: it is
// asked, and its plain text dropped.
func (a *API) elsewhere(mux *http.ServeMux, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, pattern := mux.Handler(r)
		if pattern != "" {
			next.ServeHTTP(w, r)
			return
		}
		asked := &asked{header: http.Header{}}
		h.ServeHTTP(asked, r)
		if asked.status == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", asked.header.Get("Allow"))
			a.write.Fail(w, r, edge.ErrMethodNotAllowed())
			return
		}
		a.write.Fail(w, r, fault.New(fault.NotFound, ""))
	})
}

// asked keeps the head of an answer that is not sent.
type asked struct {
	header http.Header
	status int
}

func (a *asked) Header() http.Header { return a.header }

func (a *asked) WriteHeader(status int) { a.status = status }

func (a *asked) Write(b []byte) (int, error) { return len(b), nil }

// composer makes documents for the reader of this request, now. It is asked for
// after the flow, which may have found out the user's language.
func (a *API) composer(r *http.Request) compose.Composer {
	return compose.Composer{
		Texts:    a.deps.Texts,
		Language: edge.Language(r.Context()),
		Now:      a.deps.Edge.Now(),
		Product:  a.deps.Product,
	}
}
