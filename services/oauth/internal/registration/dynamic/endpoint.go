// Package dynamic is where clients register and manage themselves: the client
// registration endpoint (RFC 7591, OpenID Connect Dynamic Client Registration
// 1.0) and the client configuration endpoint (RFC 7592).
//
// The registration access token stays the same for as long as the client lives:
// a client that misses an answer must not be locked out. A software statement is
// refused, as there is nobody whose statements would be believed.
package dynamic

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strings"

	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/registration"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/wire"
)

// Path is where the endpoint is; a client's own is below it.
const Path = "/oauth2/register"

// Endpoint serves both.
type Endpoint struct {
	Registrar *registration.Registrar
	// Issuer is the public origin.
	Issuer string
	Logger *slog.Logger
}

// Mount adds the endpoint to the mux.
func (e *Endpoint) Mount(mux *http.ServeMux) {
	mux.Handle("POST "+Path, e.handler(e.register))
	mux.Handle("GET "+Path+"/{client_id}", e.handler(e.show))
	mux.Handle("PUT "+Path+"/{client_id}", e.handler(e.replace))
	mux.Handle("DELETE "+Path+"/{client_id}", e.handler(e.remove))
}

// handler answers with what a step gives, or with its error.
func (e *Endpoint) handler(step func(http.ResponseWriter, *http.Request) (int, any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, answer, err := step(w, r)
		switch {
		case err != nil:
			err = failure(err)
			wire.Log(r.Context(), e.Logger, "register", err)
			wire.FailRegistration(w, wire.FailureOf(err))
		case answer == nil:
			w.Header().Set("Cache-Control", "no-store")
			w.WriteHeader(status)
		default:
			wire.JSON(w, status, answer)
		}
	})
}

// register is RFC 7591 section 3.
func (e *Endpoint) register(w http.ResponseWriter, r *http.Request) (int, any, error) {
	token, err := optionalToken(r)
	if err != nil {
		return 0, nil, err
	}
	if err := e.Registrar.MayRegister(r.Context(), token); err != nil { // before anything else is told
		return 0, nil, err
	}
	m, members, err := read(w, r)
	if err != nil {
		return 0, nil, err
	}
	if _, there := members["software_statement"]; there {
		return 0, nil, errStatement
	}
	registered, err := e.Registrar.Register(r.Context(), token, m)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusCreated, e.answer(registered, registered.Token), nil
}

// show is RFC 7592 section 2.1.
func (e *Endpoint) show(_ http.ResponseWriter, r *http.Request) (int, any, error) {
	c, token, err := e.authenticate(r)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, e.answer(registration.Registered{Client: c.Client}, token), nil
}

// replace is RFC 7592 section 2.2.
func (e *Endpoint) replace(w http.ResponseWriter, r *http.Request) (int, any, error) {
	c, token, err := e.authenticate(r)
	if err != nil {
		return 0, nil, err
	}
	m, members, err := read(w, r)
	if err != nil {
		return 0, nil, err
	}
	for _, name := range []string{
		"registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at",
	} {
		if _, there := members[name]; there {
			return 0, nil, errMetadata.WithHint(name + " is set by the server and must not be sent.")
		}
	}
	if text(members["client_id"]) != c.ID {
		return 0, nil, errMetadata.WithHint("client_id must be the one of the address.")
	}
	if secret, there := members["client_secret"]; there && !e.Registrar.Knows(r.Context(), c, text(secret)) {
		return 0, nil, errMetadata.WithHint("client_secret is not the present one; it cannot be chosen.")
	}
	if _, there := members["software_statement"]; there {
		return 0, nil, errStatement
	}
	changed, err := e.Registrar.Replace(r.Context(), c, m)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, e.answer(changed, token), nil
}

// remove is RFC 7592 section 2.3.
func (e *Endpoint) remove(_ http.ResponseWriter, r *http.Request) (int, any, error) {
	c, _, err := e.authenticate(r)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusNoContent, nil, e.Registrar.RemoveItself(r.Context(), c)
}

// authenticate is the client that the address names, if the token is its own.
func (e *Endpoint) authenticate(r *http.Request) (*client.Client, string, error) {
	token, err := optionalToken(r)
	if err != nil {
		return nil, "", err
	}
	if token == "" {
		return nil, "", registration.ErrToken
	}
	c, err := e.Registrar.Itself(r.Context(), r.PathValue("client_id"), token)
	return c, token, err
}

// optionalToken is the bearer token of the request; "" if it has none.
func optionalToken(r *http.Request) (string, error) {
	headers := r.Header.Values("Authorization")
	if len(headers) == 0 {
		return "", nil
	}
	scheme, token, ok := strings.Cut(headers[0], " ")
	if len(headers) > 1 || !ok || !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", registration.ErrToken
	}
	return token, nil
}

// read reads the metadata in the body.
func read(w http.ResponseWriter, r *http.Request) (m oauth.Metadata, members map[string]json.RawMessage, _ error) {
	mediaType, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if charset := params["charset"]; err != nil || mediaType != "application/json" || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return m, nil, errMetadata.WithHint("The body must be application/json.")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, wire.MaxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return m, nil, wire.ErrTooLarge
	case err != nil:
		return m, nil, fosite.ErrInvalidRequest.WithHint("The body ended early.")
	}
	return registration.ReadMetadata(body)
}

// text is a member that is a text; "" if it is none.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}
