package challenge

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/ids"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/input"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/relay"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// Send sends another code for an open challenge, which neither lives longer by
// that nor has more attempts. Somebody who has a factor cannot do with a code by
// mail: it would be worth no more than the mailbox.
func (c *Challenges) Send(ctx context.Context, r accounts.SendCodeRequest) (challenge accounts.Challenge, _ error) {
	err := c.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		now := c.o.Clock.Now()
		user, err := held(ctx, tx, r.User)
		if err != nil {
			return err
		}
		ch, err := store.OpenChallenge(ctx, tx, user.ID, r.Challenge, maxAttempts, now)
		if errors.Is(err, db.ErrNoRows) {
			return over()
		}
		if err != nil {
			return err
		}
		if r.Channel != 0 && r.Channel != ch.Channel {
			if err := c.suits(ctx, tx, ch, r.Channel); err != nil {
				return err
			}
			ch.Channel = r.Channel
		}
		challenge, err = c.send(ctx, tx, user, ch, sending{origin: r.Origin, now: now})
		return err
	})
	if err != nil {
		return accounts.Challenge{}, err
	}
	return challenge, nil
}

// suits tells whether a challenge may be answered by another channel.
func (c *Challenges) suits(ctx context.Context, tx *db.Tx, ch store.Challenge, channel accounts.Channel) error {
	if channel < ch.Minimum {
		return unsuitable()
	}
	if channel == accounts.ChannelEmail {
		strongest, err := store.StrongestChannel(ctx, tx, ch.User)
		if err == nil && strongest > accounts.ChannelEmail {
			return unsuitable()
		}
		return err
	}
	_, err := store.ConfirmedFactor(ctx, tx, ch.User, channel)
	if errors.Is(err, db.ErrNoRows) {
		return unsuitable()
	}
	return err
}

func unsuitable() error { return fault.Field("channel", "validation.channel") }

// StartEnrolment sends a code to the telephone of a factor that waits to be
// confirmed. The user has to be held. Throttled if the user has got too many codes
// of late.
func (c *Challenges) StartEnrolment(ctx context.Context, tx *db.Tx, user store.User, f store.Factor, origin api.Origin) error {
	now := c.o.Clock.Now()
	ch := store.Challenge{User: user.ID, Factor: &f.ID, Channel: f.Channel, Minimum: f.Channel, Expires: now.Add(life)}
	var err error
	if ch.ID, err = store.InsertChallenge(ctx, tx, ch, now); err != nil {
		return err
	}
	number, err := c.Unseal(f)
	if err != nil {
		return err
	}
	return c.post(ctx, tx, user, ch, mail.SMS, number, sending{origin: origin, now: now})
}

// sending is about what goes out.
type sending struct {
	origin  api.Origin
	unusual bool
	now     time.Time
}

// send asks the user by the challenge's channel.
func (c *Challenges) send(ctx context.Context, tx *db.Tx, user store.User, ch store.Challenge, s sending) (accounts.Challenge, error) {
	asked := accounts.Challenge{ID: ch.ID, Channel: ch.Channel, ExpirationTime: ch.Expires}
	switch ch.Channel {
	case accounts.ChannelApp:
		return asked, store.SetCode(ctx, tx, ch.ID, ch.Channel, nil)
	case accounts.ChannelSMS:
		f, err := store.ConfirmedFactor(ctx, tx, user.ID, accounts.ChannelSMS)
		if err != nil {
			return accounts.Challenge{}, err
		}
		number, err := c.Unseal(f)
		if err != nil {
			return accounts.Challenge{}, err
		}
		asked.Destination = MaskNumber(number)
		return asked, c.post(ctx, tx, user, ch, mail.SMS, number, s)
	default:
		asked.Destination = maskEmail(user.Email)
		return asked, c.post(ctx, tx, user, ch, mail.Email, user.Email, s)
	}
}

// post makes a code the challenge's and queues it.
func (c *Challenges) post(ctx context.Context, tx *db.Tx, user store.User, ch store.Challenge, medium mail.Medium, to string, s sending) error {
	wait, err := store.Tallied(ctx, tx, user.ID, store.TallySent, sentLimit, sentWindow, s.now)
	if err != nil {
		return err
	}
	if wait > 0 {
		return throttled(wait)
	}
	if _, err := store.Tally(ctx, tx, user.ID, store.TallySent, s.now); err != nil {
		return err
	}
	code := newCode()
	if err := store.SetCode(ctx, tx, ch.ID, ch.Channel, c.o.Ring.MAC(purposeCode, bound(ch.ID, code))); err != nil {
		return err
	}
	detail := map[string]any{"channel": ch.Channel, "challenge": ch.ID}
	if s.unusual {
		detail["unusual"] = true
	}
	err = store.Record(ctx, tx, store.Event{
		Kind: store.CodeSent, User: &user.ID, Actor: store.ActorUser, Origin: s.origin, Detail: detail, Time: s.now,
	})
	if err != nil {
		return err
	}
	origin := input.Origin(s.origin)
	minutes := max(1, int(ch.Expires.Sub(s.now)/time.Minute))
	return relay.Post(ctx, c.o.Outbox, tx, relay.Mail{
		Request: mail.SendRequest{
			Key: "code/" + ids.New(), Template: mail.Code, Medium: medium, To: to, Language: int(user.Language),
			Data: map[string]string{
				"code": code, "minutes": strconv.Itoa(minutes), "address": origin.Address, "device": origin.UserAgent,
			},
			Expires: ch.Expires,
		},
		Expires: ch.Expires,
	})
}
