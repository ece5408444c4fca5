package upstream

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"
)

// secretLife is how long a client secret of apple's is good; it could be half a
// year. A new one is made at half of that.
const secretLife = time.Hour

// apple takes a JWT that we sign as the client secret, and posts its answer if it
// is asked for more than who somebody is.
func apple() kind {
	return kind{
		title: "Apple", issuer: "https://appleid.apple.com", scopes: []string{"openid", "email", "name"},
		problem: func(p Provider) string {
			if _, err := appleKey(p.PrivateKey); err != nil || p.TeamID == "" || p.KeyID == "" {
				return "apple takes team_id, key_id and private_key, an EC P-256 key in PEM (PKCS #8)"
			}
			if p.ClientSecret != "" {
				return "the client secret of apple is made from its private_key"
			}
			return ""
		},
		connect: openID(dialect{
			secret:  appleSecret,
			options: []oauth2.AuthCodeOption{oauth2.SetAuthURLParam("response_mode", "form_post")},
		}),
	}
}

func appleKey(text string) (*ecdsa.PrivateKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("upstream: no PEM")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("upstream: no PKCS #8 key") // the cause may quote it
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || key.Curve.Params().BitSize != 256 {
		return nil, errors.New("upstream: no EC P-256 key")
	}
	return key, nil
}

// appleSecret is the client secret, and when to make another one.
func appleSecret(p Provider, audience string, now time.Time) (secret string, until time.Time, _ error) {
	key, err := appleKey(p.PrivateKey)
	if err != nil {
		return "", until, err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: p.KeyID}}, nil)
	if err != nil {
		return "", until, fmt.Errorf("upstream: client secret: %w", err)
	}
	payload, err := json.Marshal(map[string]any{
		"iss": p.TeamID, "sub": p.ClientID, "aud": audience, "iat": now.Unix(), "exp": now.Add(secretLife).Unix(),
	})
	if err != nil {
		return "", until, fmt.Errorf("upstream: client secret: %w", err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", until, fmt.Errorf("upstream: client secret: %w", err)
	}
	secret, err = signed.CompactSerialize()
	return secret, now.Add(secretLife / 2), err
}
