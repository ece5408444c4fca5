// Package par is the endpoint for pushed authorization requests (RFC 9126):
// clients send there what else would travel through the browser.
package par

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/services/oauth/internal/authorize"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/resource"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/wire"
)

// Endpoint serves POST /oauth2/par. Clients authenticate as at the token
// endpoint, public ones by saying who they are.
type Endpoint struct {
	Flow         *authorize.Flow
	Authenticate func(context.Context, *http.Request, url.Values) (fosite.Client, error)
	Logger       *slog.Logger
}

// answer is RFC 9126 section 2.2.
type answer struct {
	RequestURI string `json:"request_uri"`
	ExpiresIn  int    `json:"expires_in"` // seconds
}

func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	uri, err := e.push(w, r)
	if err != nil {
		wire.Log(r.Context(), e.Logger, "par", err)
		wire.Fail(w, wire.FailureOf(err))
		return
	}
	wire.JSON(w, http.StatusCreated, answer{RequestURI: uri, ExpiresIn: int(authorize.PushedFor.Seconds())})
}

func (e *Endpoint) push(w http.ResponseWriter, r *http.Request) (string, error) {
	form, err := wire.ReadForm(w, r, resource.Parameter)
	if err != nil {
		return "", err
	}
	found, err := e.Authenticate(r.Context(), r, form)
	if err != nil {
		return "", err
	}
	return e.Flow.Push(r.Context(), client.Of(found), form)
}
