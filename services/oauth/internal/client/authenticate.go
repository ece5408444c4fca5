package client

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/services/oauth/internal/bearer"
)

// Authenticator checks who a client is (RFC 6749 section 2.3), by the one
// method it is registered with.
type Authenticator struct {
	Store   *Store
	Secrets bearer.Secrets
	Logger  *slog.Logger
}

var errClient = fosite.ErrInvalidClient.WithDescription("Client authentication failed.")

// credentials are what a request says about its client.
type credentials struct{ id, secret, method string }

// Authenticate is fosite's client authentication strategy. Its error is
// invalid_client if the client is not who it says, invalid_request if it says
// so in two ways, and anything else if nobody could tell.
func (a *Authenticator) Authenticate(ctx context.Context, r *http.Request, form url.Values) (fosite.Client, error) {
	claim, err := read(r, form)
	if err != nil {
		return nil, err
	}
	found, err := a.Store.GetClient(ctx, claim.id)
	if errors.Is(err, fosite.ErrNotFound) {
		return nil, errClient
	}
	if err != nil {
		return nil, err
	}
	c := Of(found)
	if claim.method != c.AuthMethod {
		// Only the operator hears which it was: a stranger must not learn that
		// the client exists.
		a.Logger.InfoContext(ctx, "a client authenticated by another method than it is registered with",
			slog.String("client_id", c.ID), slog.String("method", claim.method))
		return nil, errClient
	}
	if claim.method == AuthNone {
		return c, nil
	}
	if err := a.Secrets.Compare(ctx, c.SecretHash, []byte(claim.secret)); err != nil {
		return nil, errClient
	}
	a.renew(ctx, c, claim.secret)
	return c, nil
}

// renew stores the secret's hash under the newest root key, so that the older
// one can go some day. It may fail: the next request tries again.
func (a *Authenticator) renew(ctx context.Context, c *Client, secret string) {
	if !a.Secrets.Stale(c.SecretHash, []byte(secret)) {
		return
	}
	fresh, err := a.Secrets.Hash(ctx, []byte(secret))
	if err == nil {
		err = a.Store.Rehash(ctx, c.ID, c.SecretHash, fresh)
	}
	if err != nil {
		a.Logger.WarnContext(ctx, "a client's hash was not renewed", slog.String("client_id", c.ID), slog.Any("error", err))
	}
}

func read(r *http.Request, form url.Values) (credentials, error) {
	id, secret := form.Get("client_id"), form.Get("client_secret")
	headers := r.Header.Values("Authorization")
	switch {
	case form.Has("client_assertion") || form.Has("client_assertion_type"):
		return credentials{}, errClient.WithHint("Client assertions are not supported.")
	case len(headers) > 1:
		return credentials{}, fosite.ErrInvalidRequest.WithHint("There is more than one Authorization header.")
	case len(headers) == 1:
		return readBasic(r, id, secret)
	case id == "":
		return credentials{}, errClient.WithHint("The request does not say which client it is from.")
	case secret == "":
		return credentials{id: id, method: AuthNone}, nil
	}
	return credentials{id: id, secret: secret, method: AuthPost}, nil
}

// readBasic reads the header; id and secret are what the body says, where the
// id may be repeated but not be another one.
func readBasic(r *http.Request, id, secret string) (credentials, error) {
	user, password, ok := r.BasicAuth()
	if !ok {
		return credentials{}, errClient.WithHint("The Authorization header is not of the Basic scheme.")
	}
	user, err := decode(user)
	if err != nil {
		return credentials{}, err
	}
	password, err = decode(password)
	if err != nil {
		return credentials{}, err
	}
	if secret != "" {
		return credentials{}, fosite.ErrInvalidRequest.WithHint("The client authenticates in two ways at once.")
	}
	if id != "" && id != user {
		return credentials{}, fosite.ErrInvalidRequest.WithHint("The request names two clients.")
	}
	return credentials{id: user, secret: password, method: AuthBasic}, nil
}

// decode undoes the form encoding of credentials in the header (RFC 6749
// section 2.3.1). The error does not say what was there.
func decode(s string) (string, error) {
	plain, err := url.QueryUnescape(s)
	if err != nil || plain == "" || !utf8.ValidString(plain) || strings.ContainsRune(plain, 0) {
		return "", errClient.WithHint("The Authorization header does not hold the form-encoded id and secret.")
	}
	return plain, nil
}
