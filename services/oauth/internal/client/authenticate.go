package client

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/jonboulle/clockwork"
	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/services/oauth/internal/bearer"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/evidence"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/replay"
)

// Authenticator checks who a client is (RFC 6749 section 2.3), by the method it is
// registered with.
type Authenticator struct {
	Store   *Store
	Secrets bearer.Secrets
	Keys    *Keys
	// Issuer is whom assertions are for.
	Issuer string
	// Authorities issue the certificates of clients; nil: nobody does, and
	// tls_client_auth is off.
	Authorities *x509.CertPool
	// Used are the ids of assertions at endpoints that write nothing.
	Used   *replay.Memory
	Clock  clockwork.Clock
	Logger *slog.Logger
}

var errClient = fosite.ErrInvalidClient.WithDescription("Client authentication failed.")

// Authenticate is fosite's client authentication strategy. Its error is
// invalid_client if the client is not who it says, invalid_request if it says
// so in two ways, and anything else if nobody could tell.
//
// An assertion is good once. Its id joins the request's evidence, and is used up
// with what the request does ([evidence.Commit]), so that a request that fails
// may be sent again; see [Authenticator.AuthenticateReader] for what does
// nothing.
func (a *Authenticator) Authenticate(ctx context.Context, r *http.Request, form url.Values) (fosite.Client, error) {
	claim, err := read(r, form)
	if err != nil {
		return nil, err
	}
	found, err := a.Store.GetClient(ctx, claim.id)
	if errors.Is(err, fosite.ErrNotFound) {
		a.decline(ctx, claim)
		return nil, errClient
	}
	if err != nil {
		return nil, err
	}
	c := Of(found)
	if !claim.of(c) {
		// Only the operator hears which it was: a stranger must not learn that
		// the client exists.
		a.Logger.InfoContext(ctx, "a client authenticated by another method than it is registered with",
			slog.String("client_id", c.ID), slog.String("method", claim.method))
		a.decline(ctx, claim)
		return nil, errClient
	}
	if err := a.prove(ctx, r, c, claim); err != nil {
		return nil, err
	}
	return c, nil
}

// AuthenticateReader is Authenticate for endpoints that write nothing and so
// cannot use an assertion up for good: it is used up in this process, and not
// taken if it was used up anywhere.
func (a *Authenticator) AuthenticateReader(ctx context.Context, r *http.Request, form url.Values) (fosite.Client, error) {
	ctx = evidence.With(ctx, &evidence.Evidence{Certificate: evidence.From(ctx).Certificate})
	c, err := a.Authenticate(ctx, r, form)
	if err != nil {
		return nil, err
	}
	for _, id := range evidence.From(ctx).Spends {
		spent, err := replay.Spent(ctx, a.Store.DB, id)
		if err != nil {
			return nil, err
		}
		if spent {
			return nil, errAssertionUsed
		}
		if err := a.Used.Spend(id); err != nil {
			return nil, evidence.Refusal(err)
		}
	}
	return c, nil
}

// prove checks what the client's method asks for.
func (a *Authenticator) prove(ctx context.Context, r *http.Request, c *Client, claim credentials) error {
	switch c.AuthMethod {
	case AuthNone:
		return nil
	case AuthJWT:
		return a.proveByAssertion(ctx, r, c, claim)
	case AuthTLS:
		return a.proveByCertificate(ctx, c)
	}
	return a.proveBySecret(ctx, c, claim.secret)
}

func (a *Authenticator) proveBySecret(ctx context.Context, c *Client, secret string) error {
	for _, hash := range c.Secrets(a.Clock.Now()) {
		if a.Secrets.Compare(ctx, hash, []byte(secret)) == nil {
			a.renew(ctx, c, hash, secret)
			return nil
		}
	}
	return errClient
}

// renew stores the secret's hash under the newest root key, so that the older
// one can go some day. The former secret goes by itself. It may fail: the next request tries again.
func (a *Authenticator) renew(ctx context.Context, c *Client, hash []byte, secret string) {
	if !bytes.Equal(hash, c.SecretHash) || !a.Secrets.Stale(hash, []byte(secret)) {
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

// decline does in vain what proving would have cost, so that a client that is
// not there takes as long to refuse as one that is.
func (a *Authenticator) decline(ctx context.Context, claim credentials) {
	switch claim.method {
	case AuthBasic, AuthPost:
		_ = a.Secrets.Compare(ctx, make([]byte, 32), []byte(claim.secret))
	case AuthJWT:
		_ = claim.assertion.Claims(decoys(), &struct{}{})
	}
}
