package challenge

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/keyring"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// Period is the time step of an app's codes (RFC 6238, section 4.1), in seconds.
const Period = 30

// skew is how many steps an app's clock may be ahead or behind.
const skew = 1

// Seal encrypts the secret of a factor: its number or its seed in base 32. Only the
// factor of that hash can open it.
func (c *Challenges) Seal(channel accounts.Channel, hash, secret string) ([]byte, error) {
	return c.o.Ring.Seal(purposeOf(channel), []byte(secret), factorBound(hash))
}

// Unseal gives the secret of a factor.
func (c *Challenges) Unseal(f store.Factor) (string, error) {
	secret, err := c.o.Ring.Open(purposeOf(f.Channel), f.Sealed, factorBound(f.Hash))
	if err != nil {
		return "", fmt.Errorf("opening the secret of factor %d: %w", f.ID, err)
	}
	return string(secret), nil
}

func factorBound(hash string) []byte { return []byte("factor/" + hash) }

// Sealed is where the secrets of factors are kept.
func Sealed() keyring.Column {
	return keyring.Column{
		Table: "factors", Name: "sealed", Bound: []string{"hash", "channel"},
		Opens: func(bound []string) (purpose string, aad []byte) {
			channel, _ := strconv.Atoi(bound[1]) // it is a number in the database
			return purposeOf(accounts.Channel(channel)), factorBound(bound[0])
		},
	}
}

func purposeOf(channel accounts.Channel) string {
	if channel == accounts.ChannelApp {
		return "factor.seed"
	}
	return "factor.number"
}

// useOTP checks a code of an app and uses its time step up (RFC 6238, section
// 5.2): neither that code nor an earlier one is accepted again.
func (c *Challenges) useOTP(ctx context.Context, tx *db.Tx, f store.Factor, code string, now time.Time) (bool, error) {
	seed, err := c.Unseal(f)
	if err != nil {
		return false, err
	}
	current := now.Unix() / Period
	for step := current - skew; step <= current+skew; step++ {
		match, err := hotp.ValidateCustom(code, uint64(step), seed,
			hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err != nil {
			return false, fmt.Errorf("checking a code of factor %d: %w", f.ID, err)
		}
		if !match {
			continue
		}
		if used, err := store.UseStep(ctx, tx, f.ID, step, now); used || err != nil {
			return used, err
		}
	}
	return false, nil
}
