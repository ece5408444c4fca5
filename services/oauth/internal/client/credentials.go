package client

import (
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/services/oauth/internal/signed"
)

// credentials are what a request says about its client.
type credentials struct {
	id, secret string
	assertion  *signed.Token
	method     string
}

// of tells whether the credentials are such as the client's. With a certificate
// the request itself only names the client, as a public one does. Who has not
// chosen how to send its secret may do so either way: libraries differ in what they
// do unasked, and RFC 6749 section 2.3.1 has a server take the header in any case.
func (c credentials) of(them *Client) bool {
	return c.method == them.AuthMethod || c.method == AuthNone && them.AuthMethod == AuthTLS ||
		them.AnySecret && KeepsSecret(them.AuthMethod) && KeepsSecret(c.method)
}

var errTwoWays = fosite.ErrInvalidRequest.WithHint("The client authenticates in two ways at once.")

// read finds out who the client says it is, and by which one method.
func read(r *http.Request, form url.Values) (credentials, error) {
	id, secret := form.Get("client_id"), form.Get("client_secret")
	headers := r.Header.Values("Authorization")
	asserts := form.Has("client_assertion") || form.Has("client_assertion_type")
	switch {
	case len(headers) > 1:
		return credentials{}, fosite.ErrInvalidRequest.WithHint("There is more than one Authorization header.")
	case asserts && (secret != "" || len(headers) > 0):
		return credentials{}, errTwoWays
	case asserts:
		return readAssertion(form, id)
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
		return credentials{}, errTwoWays
	}
	if id != "" && id != user {
		return credentials{}, errTwoClients
	}
	return credentials{id: user, secret: password, method: AuthBasic}, nil
}

var errTwoClients = fosite.ErrInvalidRequest.WithHint("The request names two clients.")

// decode undoes the form encoding of credentials in the header (RFC 6749
// section 2.3.1). The error does not say what was there.
func decode(s string) (string, error) {
	plain, err := url.QueryUnescape(s)
	if err != nil || plain == "" || !text(plain) {
		return "", errClient.WithHint("The Authorization header does not hold the form-encoded id and secret.")
	}
	return plain, nil
}

// text tells whether it is UTF-8 without NUL, which PostgreSQL could not store.
func text(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }
