package factor

import (
	"context"
	"crypto/subtle"
	"encoding/base32"
	"fmt"
	"strings"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/challenge"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// Draw draws an app's seed again that waits to be confirmed. It has to be shown:
// whoever else has a session of the user's learns nothing by this.
func (s *Factors) Draw(ctx context.Context, r accounts.DrawFactorRequest) (accounts.Enrolment, error) {
	if err := r.Actor.InPerson(); err != nil {
		return accounts.Enrolment{}, err
	}
	user, err := active(store.UserByID(ctx, s.o.DB, r.Actor.User))
	if err != nil {
		return accounts.Enrolment{}, err
	}
	f, err := find(ctx, s.o.DB, user.ID, r.Factor)
	if err != nil {
		return accounts.Enrolment{}, err
	}
	if f.Confirmed != nil || f.Channel != accounts.ChannelApp {
		return accounts.Enrolment{}, notFound()
	}
	secret, err := s.o.Challenges.Unseal(f)
	if err != nil {
		return accounts.Enrolment{}, err
	}
	if subtle.ConstantTimeCompare([]byte(secret), []byte(r.Secret)) != 1 {
		return accounts.Enrolment{}, notFound()
	}
	seed, err := seeds.DecodeString(secret)
	if err != nil {
		return accounts.Enrolment{}, fmt.Errorf("reading the seed of factor %d: %w", f.ID, err)
	}
	drawn, err := s.draw(user, seed)
	if err != nil {
		return accounts.Enrolment{}, err
	}
	drawn.Factor, err = s.show(f)
	return drawn, err
}

// seeds are written in base 32 without padding (RFC 4648 section 6).
var seeds = base32.StdEncoding.WithPadding(base32.NoPadding)

// draw gives an app's seed in the forms in which an app takes it; without a seed
// a new one.
func (s *Factors) draw(user store.User, seed []byte) (accounts.Enrolment, error) {
	key, err := totp.Generate(totp.GenerateOpts{
		Issuer:      strings.ReplaceAll(s.o.Product, ":", " "), // which would end it in the label
		AccountName: user.Email, Period: challenge.Period, Secret: seed, SecretSize: seedSize,
		Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1,
	})
	if err != nil {
		return accounts.Enrolment{}, fmt.Errorf("making a seed: %w", err)
	}
	image, err := qrCode(key.URL())
	if err != nil {
		return accounts.Enrolment{}, err
	}
	return accounts.Enrolment{Secret: key.Secret(), URI: key.URL(), QR: image}, nil
}
