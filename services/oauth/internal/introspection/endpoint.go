package introspection

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/jonboulle/clockwork"
	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/grant"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/keys"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/subject"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/token"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/wire"
)

// Endpoint serves POST /oauth2/introspect.
//
// Who asks has to prove who they are, so public clients cannot ask. A client
// learns about its own tokens of both kinds, and a resource server about the
// access tokens of everybody, but for those that are for other resources only.
// To all others a token is inactive, as if it did not exist.
type Endpoint struct {
	Provider     fosite.OAuth2Provider
	Authenticate func(context.Context, *http.Request, url.Values) (fosite.Client, error)
	Names        *subject.Names
	Signer       *keys.Signer
	Clock        clockwork.Clock
	Logger       *slog.Logger
}

func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	asker, a, err := e.answer(w, r)
	if err == nil {
		err = e.write(r.Context(), w, r, asker, a)
	}
	if err != nil {
		wire.Log(r.Context(), e.Logger, "introspect", err)
		wire.Fail(w, wire.FailureOf(err))
	}
}

func (e *Endpoint) answer(w http.ResponseWriter, r *http.Request) (*client.Client, answer, error) {
	form, err := wire.ReadForm(w, r)
	if err != nil {
		return nil, answer{}, err
	}
	found, err := e.Authenticate(r.Context(), r, form)
	if err != nil {
		return nil, answer{}, err
	}
	asker := client.Of(found)
	if asker.Public() {
		return nil, answer{}, fosite.ErrInvalidClient.WithHint("Only a client with a secret may ask.")
	}
	text := form.Get("token")
	if text == "" {
		return nil, answer{}, fosite.ErrInvalidRequest.WithHint("The token is missing.")
	}
	kind, request, err := e.Provider.IntrospectToken(r.Context(), text, "", &grant.Session{})
	if err != nil {
		if failure := wire.FailureOf(err); failure.Status >= http.StatusInternalServerError {
			return nil, answer{}, err
		}
		return asker, answer{}, nil
	}
	if !visible(asker, kind, request) {
		return asker, answer{}, nil
	}
	return asker, e.describe(asker, kind, request), nil
}

// visible tells whether the token is the asker's business: a refresh token its own
// client's only, an access token as [token.Sees] has it.
func visible(asker *client.Client, kind fosite.TokenUse, request fosite.AccessRequester) bool {
	issuedTo := request.GetClient().GetID()
	if kind != fosite.AccessToken {
		return asker.ID == issuedTo
	}
	session, ok := request.GetSession().(*grant.Session)
	return ok && token.Sees(asker, issuedTo, request.GetGrantedAudience(), session.Grant)
}
