package token

import (
	"log/slog"
	"net/http"
	"slices"

	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/grant"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/metrics"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/resource"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/wire"
)

// Endpoint serves POST /oauth2/token.
type Endpoint struct {
	Provider fosite.OAuth2Provider
	Metrics  *metrics.Metrics
	Logger   *slog.Logger
}

func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer, err := e.answer(w, r)
	e.Metrics.Token(r.PostForm.Get("grant_type"), err)
	if err != nil {
		wire.Log(r.Context(), e.Logger, "token", err)
		wire.Fail(w, wire.FailureOf(err))
		return
	}
	wire.JSON(w, http.StatusOK, answer)
}

func (e *Endpoint) answer(w http.ResponseWriter, r *http.Request) (map[string]any, error) {
	form, err := wire.ReadForm(w, r, resource.Parameter, AudienceParameter)
	if err != nil {
		return nil, err
	}
	switch grantType := form.Get("grant_type"); {
	case grantType == "":
		return nil, fosite.ErrInvalidRequest.WithHint("The grant type is missing.")
	case !slices.Contains(client.GrantTypes(), grantType):
		return nil, fosite.ErrUnsupportedGrantType
	}
	request, err := e.Provider.NewAccessRequest(r.Context(), r, &grant.Session{})
	if err != nil {
		return nil, err
	}
	response, err := e.Provider.NewAccessResponse(r.Context(), request)
	if err != nil {
		return nil, err
	}
	return response.ToMap(), nil
}
