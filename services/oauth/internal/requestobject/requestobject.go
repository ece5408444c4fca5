// Package requestobject reads authorization requests that their clients have
// signed (RFC 9101, OpenID Connect Core 1.0 section 6), by value or by a
// registered reference. A signature is made by a key of the client, always.
package requestobject

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/jonboulle/clockwork"
	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/fetch"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/signed"
)

// MaxLife is how far ahead the exp of a request object may be.
const MaxLife = time.Hour

// mediaTypes are what a reference may answer with (RFC 9101 section 10.2 and
// what came before it); the signature tells whether it is one.
const mediaTypes = "application/oauth-authz-req+jwt, application/jwt"

// Keys finds the public keys of clients.
type Keys interface {
	Find(ctx context.Context, c *client.Client, kid string, alg jose.SignatureAlgorithm) ([]jose.JSONWebKey, error)
}

// Fetcher reads what clients refer to.
type Fetcher interface {
	Get(ctx context.Context, address, accept string) (fetch.Document, error)
}

// Reader reads request objects.
type Reader struct {
	Keys    Keys
	Fetcher Fetcher
	Issuer  string
	Clock   clockwork.Clock
	Logger  *slog.Logger
}

// envelope is what says that the object is the client's, for us, and now.
type envelope struct {
	Issuer   string       `json:"iss"`
	Subject  string       `json:"sub"`
	Audience jwt.Audience `json:"aud"`
	ClientID string       `json:"client_id"`
	signed.Times
}

// Read gives the parameters of a request object, of the names that mean
// something. The error is invalid_request_object, unless the keys could not be
// looked for.
func (r *Reader) Read(ctx context.Context, c *client.Client, text string, names []string) (url.Values, error) {
	token, err := signed.Parse(text, signed.Algorithms(), "", "jwt", "oauth-authz-req+jwt")
	if err != nil {
		return nil, bad("It is not a JWT that is signed by an asymmetric algorithm that is offered.")
	}
	if c.RequestObjectAlg != "" && c.RequestObjectAlg != string(token.Algorithm()) {
		return nil, bad("The algorithm is not the one that the client has registered.")
	}
	keys, err := r.Keys.Find(ctx, c, token.KeyID(), token.Algorithm())
	if errors.Is(err, client.ErrNoKey) {
		return nil, bad("The client has no such key.")
	}
	if err != nil {
		return nil, err
	}
	var e envelope
	if err := token.Claims(keys, &e); err != nil {
		return nil, bad("The signature is wrong, or the claims are malformed.")
	}
	if err := r.check(c, e); err != nil {
		return nil, err
	}
	var members map[string]json.RawMessage
	if err := token.Peek(&members); err != nil {
		return nil, bad("The claims are malformed.")
	}
	return parameters(members, names)
}

func (r *Reader) check(c *client.Client, e envelope) error {
	switch {
	case e.Issuer != c.ID:
		return bad("The iss is not the client_id.")
	case e.Subject == c.ID:
		// It is who the client is, not what it asks for (RFC 9101 section 10.8).
		return bad("The sub is the client_id, as in an assertion.")
	case !slices.Contains(e.Audience, r.Issuer):
		return bad("The aud is not the issuer.")
	case e.ClientID != "" && e.ClientID != c.ID:
		return bad("The client_id is another client's.")
	case !r.lives(c, e.Times):
		return bad("The exp is missing, past or more than an hour ahead, or another time is in the future.")
	}
	return nil
}

// lives tells whether an object of those times counts now. One that never expires
// does, as OpenID Connect Core 1.0 section 6.1 leaves that to the client and objects
// at a request_uri may stay there for good; but not where it is the signature that
// keeps others from asking in the client's name.
func (r *Reader) lives(c *client.Client, times signed.Times) bool {
	now := r.Clock.Now()
	if times.Expires == nil && !c.FAPI() && !c.RequireSignedRequest {
		times.Expires = jwt.NewNumericDate(now.Add(MaxLife))
	}
	return times.Check(now, MaxLife) == nil
}

// Fetch gives the request object that a reference leads to. Only those that the
// client has registered, character by character, are followed. A fragment only
// tells versions apart (OpenID Connect Core 1.0 section 6.2). The error is
// invalid_request_uri.
func (r *Reader) Fetch(ctx context.Context, c *client.Client, reference string) (string, error) {
	if !slices.Contains(c.RequestURIs, reference) {
		return "", fosite.ErrInvalidRequestURI.WithHint("The request_uri is not one of the client's.")
	}
	address, _, _ := strings.Cut(reference, "#")
	document, err := r.Fetcher.Get(ctx, address, mediaTypes)
	if err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		r.Logger.InfoContext(ctx, "a request object could not be fetched", slog.String("client_id", c.ID), slog.Any("error", err))
		return "", fosite.ErrInvalidRequestURI.WithHint("The request_uri does not answer with a request object.")
	}
	return strings.TrimSpace(string(document.Body)), nil
}

// parameters turns claims into parameters: text as it is, numbers as they are
// written, the claims parameter as the object that it is, and lists of text for
// the resources.
func parameters(members map[string]json.RawMessage, names []string) (url.Values, error) {
	form := url.Values{}
	for _, nested := range []string{"request", "request_uri"} {
		if _, ok := members[nested]; ok {
			return nil, bad("It refers to another request object.")
		}
	}
	for _, name := range names {
		values, ok := read(name, members[name])
		if !ok {
			return nil, bad("A parameter is of the wrong type.")
		}
		if len(values) > 0 {
			form[name] = values
		}
	}
	return form, nil
}

// read reads a parameter's value or, of resource, values; none if it is absent,
// null or empty.
func read(name string, raw json.RawMessage) ([]string, bool) {
	trimmed := strings.TrimSpace(string(raw))
	if trimmed == "" || trimmed == "null" {
		return nil, true
	}
	var text string
	switch first := trimmed[0]; {
	case first == '"':
		if json.Unmarshal(raw, &text) != nil {
			return nil, false
		}
	case first == '-' || first >= '0' && first <= '9':
		text = trimmed
	case first == '{' && name == "claims":
		text = trimmed
	case first == '[' && name == "resource":
		var list []string
		err := json.Unmarshal(raw, &list)
		return slices.DeleteFunc(list, func(s string) bool { return s == "" }), err == nil
	default:
		return nil, false
	}
	if text == "" {
		return nil, true
	}
	return []string{text}, true
}

func bad(hint string) error { return fosite.ErrInvalidRequestObject.WithHint(hint) }
