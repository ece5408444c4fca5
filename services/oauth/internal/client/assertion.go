package client

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"log/slog"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gatehouse-id/gatehouse/services/oauth/internal/evidence"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/replay"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/signed"
)

// AssertionType is the only client_assertion_type (RFC 7523 section 2.2).
const AssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// maxAssertionLife is how far ahead an assertion's exp may be: for as long its
// id has to be remembered.
const maxAssertionLife = time.Hour

var errAssertionUsed = errClient.WithHint("The client assertion has been used before.")

// assertion are the claims of a client's assertion (RFC 7523 section 3, OpenID
// Connect Core 1.0 section 9).
type assertion struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Audience any    `json:"aud"`
	ID       string `json:"jti"`
	signed.Times
}

// readAssertion reads whom the assertion claims to be of. id is what the body
// says beside it, where it may be repeated but not be another one.
func readAssertion(form url.Values, id string) (credentials, error) {
	if form.Get("client_assertion_type") != AssertionType {
		return credentials{}, errClient.WithHint("The client_assertion_type is missing or not one that is offered.")
	}
	token, err := signed.Parse(form.Get("client_assertion"), signed.Algorithms(), "", "jwt", "client-authentication+jwt")
	if err != nil {
		return credentials{}, errClient.WithHint("The client assertion is not a JWT signed by an asymmetric algorithm that is offered.")
	}
	var claims assertion
	if token.Peek(&claims) != nil || claims.Subject == "" || claims.Issuer != claims.Subject || !text(claims.Subject) {
		return credentials{}, errClient.WithHint("The iss and the sub of the client assertion must both be the client_id.")
	}
	if id != "" && id != claims.Subject {
		return credentials{}, errTwoClients
	}
	return credentials{id: claims.Subject, assertion: token, method: AuthJWT}, nil
}

// proveByAssertion checks the signature, then what was signed, and then notes
// the id to be used up: nothing that is refused uses one up. Which of the checks
// failed is in the log and not in the answer, which is that to an unknown client.
func (a *Authenticator) proveByAssertion(ctx context.Context, r *http.Request, c *Client, claim credentials) error {
	token := claim.assertion
	if c.AuthAlg != "" && c.AuthAlg != string(token.Algorithm()) {
		return a.refuse(ctx, c, errors.New("the algorithm is not the registered one"))
	}
	keys, err := a.Keys.Find(ctx, c, token.KeyID(), token.Algorithm())
	if errors.Is(err, ErrNoKey) {
		a.decline(ctx, claim)
		return a.refuse(ctx, c, err)
	}
	if err != nil {
		return err
	}
	var claims assertion
	if err := token.Claims(keys, &claims); err != nil {
		return a.refuse(ctx, c, err)
	}
	switch {
	case !a.audience(c, r, claims.Audience):
		return a.refuse(ctx, c, errors.New("the aud is not the issuer"))
	case claims.ID == "" || len(claims.ID) > signed.MaxID:
		return a.refuse(ctx, c, errors.New("the jti is missing or too long"))
	}
	if err := claims.Check(a.Clock.Now(), maxAssertionLife); err != nil {
		return a.refuse(ctx, c, err)
	}
	return a.spend(ctx, replay.ID{Kind: "client assertion", Issuer: c.ID, Value: claims.ID, Expires: claims.Until()})
}

// spend notes the id, unless a reading endpoint has seen it.
func (a *Authenticator) spend(ctx context.Context, id replay.ID) error {
	if !evidence.Collected(ctx) {
		return errors.New("client: an assertion was sent to an endpoint that could not use it up")
	}
	if a.Used.Spent(id) {
		return errAssertionUsed
	}
	evidence.From(ctx).Spend(id)
	return nil
}

func (a *Authenticator) refuse(ctx context.Context, c *Client, why error) error {
	a.Logger.InfoContext(ctx, "a client assertion was refused", slog.String("client_id", c.ID), slog.Any("error", why))
	return errClient
}

// audience tells whether the assertion is for this provider and for nobody
// else: what names others too could have been given to one of them, who now
// presents it here. It names the issuer, or the URL of the token endpoint or of
// the endpoint at hand (RFC 7523 section 3, RFC 9126 section 2), as a string or
// an array. A client that is held to FAPI 2.0 names the issuer, as a string.
func (a *Authenticator) audience(c *Client, r *http.Request, audience any) bool {
	if c.FAPI() {
		return audience == a.Issuer
	}
	us := []string{a.Issuer, a.Issuer + "/oauth2/token", a.Issuer + r.URL.Path}
	switch named := audience.(type) {
	case string:
		return slices.Contains(us, named)
	case []any:
		for _, one := range named {
			if name, ok := one.(string); !ok || !slices.Contains(us, name) {
				return false
			}
		}
		return len(named) > 0
	}
	return false
}

// decoys are keys that have made no signature at all. Checking with the RSA key
// takes as long with any modulus.
var decoys = sync.OnceValue(func() []jose.JSONWebKey {
	modulus := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 2048), big.NewInt(1))
	curve, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader) // never fails since Go 1.24
	edwards, _, _ := ed25519.GenerateKey(rand.Reader)
	return []jose.JSONWebKey{{Key: &rsa.PublicKey{N: modulus, E: 65537}}, {Key: &curve.PublicKey}, {Key: edwards}}
})
