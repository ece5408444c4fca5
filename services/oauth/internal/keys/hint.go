package keys

import (
	"context"
	"errors"
	"slices"

	"github.com/go-jose/go-jose/v4/jwt"
)

// ErrHint says that an ID token given as a hint is not one of ours, or not for
// that client.
var ErrHint = errors.New("the ID token hint is not valid")

// Hint is what an ID token of ours says when it comes back.
type Hint struct {
	Subject  string       `json:"sub"` // as its client knows the user
	Audience jwt.Audience `json:"aud"`
	Session  string       `json:"sid"`
	Issuer   string       `json:"iss"`
}

// Hint reads an ID token, which may have expired (OpenID Connect Core 1.0
// section 3.1.2.1). The error is [ErrHint], unless the keys could not be read.
func (s *Signer) Hint(ctx context.Context, token string) (Hint, error) {
	var h Hint
	err := s.Verify(ctx, token, TypeIDToken, &h)
	switch {
	case errors.Is(err, ErrToken):
		return Hint{}, ErrHint
	case err != nil:
		return Hint{}, err
	case h.Issuer != s.Issuer || h.Subject == "" || len(h.Audience) == 0:
		return Hint{}, ErrHint
	}
	return h, nil
}

// Subject reads whom an ID token is about, as the client knows the user. It must
// have been issued to the client. The error is as of [Signer.Hint].
func (s *Signer) Subject(ctx context.Context, token, clientID string) (string, error) {
	h, err := s.Hint(ctx, token)
	if err != nil {
		return "", err
	}
	if !slices.Contains(h.Audience, clientID) {
		return "", ErrHint
	}
	return h.Subject, nil
}
