package factor

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/ids"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// seedSize is that of an app's seed in bytes (RFC 4226, section 4, R6).
const seedSize = 20

// maxTyped bounds what is looked at as a number, in bytes.
const maxTyped = 100

// e164 is a number as ITU-T E.164 has it, of at least seven digits.
var e164 = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// Enrol begins a factor.
func (s *Factors) Enrol(ctx context.Context, r accounts.EnrolFactorRequest) (enrolment accounts.Enrolment, _ error) {
	number, err := checkEnrolment(r)
	if err != nil {
		return accounts.Enrolment{}, err
	}
	err = s.change(ctx, r.Actor, func(ctx context.Context, tx *db.Tx, user store.User, now time.Time) error {
		secret := number
		if r.Channel == accounts.ChannelApp {
			if enrolment, err = s.draw(user, nil); err != nil {
				return err
			}
			secret = enrolment.Secret
		}
		f := store.Factor{Hash: ids.New(), User: user.ID, Channel: r.Channel}
		if f.Sealed, err = s.o.Challenges.Seal(f.Channel, f.Hash, secret); err != nil {
			return err
		}
		if f, err = store.InsertFactor(ctx, tx, f, now); err != nil {
			return err
		}
		if enrolment.Factor, err = s.show(f); err != nil {
			return err
		}
		if err := record(ctx, tx, store.FactorEnrolled, r.Actor, f, now); err != nil {
			return err
		}
		if r.Channel == accounts.ChannelSMS {
			return s.o.Challenges.StartEnrolment(ctx, tx, user, f, r.Actor.Origin)
		}
		return nil
	})
	if err != nil {
		return accounts.Enrolment{}, err
	}
	return enrolment, nil
}

// checkEnrolment gives the number, of SMS.
func checkEnrolment(r accounts.EnrolFactorRequest) (number string, _ error) {
	switch r.Channel {
	case accounts.ChannelApp:
		return "", nil
	case accounts.ChannelSMS:
	default:
		return "", fault.Field("channel", "validation.one_of",
			"Values", fmt.Sprintf("%d, %d", accounts.ChannelSMS, accounts.ChannelApp))
	}
	if r.Number == "" {
		return "", fault.Field("number", "validation.required")
	}
	if len(r.Number) <= maxTyped {
		number = strings.NewReplacer(" ", "", "-", "", "(", "", ")", "", "\u00a0", "").Replace(r.Number)
	}
	if !e164.MatchString(number) {
		return "", fault.Field("number", "validation.phone")
	}
	return number, nil
}
