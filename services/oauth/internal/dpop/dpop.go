// Package dpop checks proofs of possession (RFC 9449): that whoever sends a
// request holds a key.
package dpop

import (
	"crypto"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/jonboulle/clockwork"
	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/services/oauth/internal/replay"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/signed"
)

// Header is where a request carries its proof.
const Header = "DPoP"

// maxAge is for how long a proof is good after it was made.
const maxAge = time.Minute

// ReplayKind is the kind of a proof's one-time id.
const ReplayKind = "dpop"

// ErrProof is invalid_dpop_proof (RFC 9449 section 12.2).
var ErrProof = &fosite.RFC6749Error{
	ErrorField:       "invalid_dpop_proof",
	DescriptionField: "The DPoP proof is not valid.",
	CodeField:        http.StatusBadRequest,
}

// ErrAlgorithm is ErrProof for a client that may not sign so.
var ErrAlgorithm = ErrProof.WithHint("It is signed with RS256, and the client is held to FAPI 2.0: PS256, ES256 and EdDSA are what is left.")

// Proof is what a request has proved.
type Proof struct {
	// Thumbprint is the key's (RFC 7638), with SHA-256.
	Thumbprint string
	// Algorithm is what the proof is signed with.
	Algorithm jose.SignatureAlgorithm
	// ID has to be spent, for the proof to be good once.
	ID replay.ID
}

// Verifier checks proofs.
type Verifier struct {
	// Origin is the public one, which proofs name.
	Origin string
	Clock  clockwork.Clock
}

type claims struct {
	ID          string           `json:"jti"`
	Method      string           `json:"htm"`
	URI         string           `json:"htu"`
	Issued      *jwt.NumericDate `json:"iat"`
	AccessToken string           `json:"ath"`
}

// Verify checks the request's proof (RFC 9449 section 4.3), which has to be made
// for the access token if the request carries one. It is nil without a proof.
// The error is [ErrProof].
func (v *Verifier) Verify(r *http.Request, accessToken string) (*Proof, error) {
	headers := r.Header.Values(Header)
	switch {
	case len(headers) == 0:
		return nil, nil //nolint:nilnil // most requests have none
	case len(headers) > 1:
		return nil, ErrProof.WithHint("There is more than one DPoP header.")
	}
	token, err := signed.Parse(headers[0], signed.Algorithms(), "dpop+jwt")
	if err != nil {
		return nil, ErrProof.WithHint("It is not a JWT of type dpop+jwt, signed by an asymmetric algorithm that is offered.")
	}
	key := token.Key()
	if key == nil || !key.IsPublic() || !signed.Strong(key.Key) {
		return nil, ErrProof.WithHint("It has no public key in its header, or one that is not accepted.")
	}
	var c claims
	if err := token.Claims([]jose.JSONWebKey{*key}, &c); err != nil {
		return nil, ErrProof.WithHint("The signature is not of the key in the header, or the claims are malformed.")
	}
	if hint := v.check(c, r, accessToken); hint != "" {
		return nil, ErrProof.WithHint(hint)
	}
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, ErrProof
	}
	thumbprint := base64.RawURLEncoding.EncodeToString(sum)
	return &Proof{
		Thumbprint: thumbprint, Algorithm: token.Algorithm(),
		ID: replay.ID{
			Kind: ReplayKind, Issuer: thumbprint, Value: c.ID,
			Expires: time.Unix(int64(*c.Issued), 0).Add(maxAge + time.Second),
		},
	}, nil
}

// check says what is wrong with a proof that its key has signed, "" if nothing.
func (v *Verifier) check(c claims, r *http.Request, accessToken string) string {
	now := v.Clock.Now()
	switch {
	case c.ID == "" || len(c.ID) > signed.MaxID:
		return "The jti is missing or too long."
	case c.Method != r.Method:
		return "The htm is not the request's method."
	case !v.isHere(c.URI, r.URL):
		return "The htu is not the request's address."
	case c.Issued == nil || int64(*c.Issued) > now.Add(signed.Leeway).Unix() || int64(*c.Issued) < now.Add(-maxAge).Unix():
		return "The iat is not now."
	case accessToken != "" && subtle.ConstantTimeCompare([]byte(c.AccessToken), []byte(hashOf(accessToken))) != 1:
		return "The ath is not of the access token."
	}
	return ""
}

// isHere tells whether the address is the request's, as the public knows it
// and but for query and fragment.
func (v *Verifier) isHere(htu string, asked *url.URL) bool {
	u, err := url.Parse(htu)
	if err != nil || u.User != nil || u.Opaque != "" {
		return false
	}
	here, err := url.Parse(v.Origin)
	return err == nil && origin(u) == origin(here) && u.EscapedPath() == asked.EscapedPath()
}

// origin is the address's, in its one normal form (RFC 3986 section 6.2).
func origin(u *url.URL) string {
	host := strings.ToLower(u.Host)
	if port := map[string]string{"https": ":443", "http": ":80"}[u.Scheme]; port != "" {
		host = strings.TrimSuffix(host, port)
	}
	return u.Scheme + "://" + host
}

func hashOf(accessToken string) string {
	sum := sha256.Sum256([]byte(accessToken))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
