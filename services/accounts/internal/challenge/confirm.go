package challenge

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/notice"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// Confirm answers a challenge. A wrong answer is counted in a transaction that
// commits.
func (c *Challenges) Confirm(ctx context.Context, r accounts.ConfirmCodeRequest) (accounts.Confirmation, error) {
	code, k, err := checkTyped(r.Code)
	if err != nil {
		return accounts.Confirmation{}, err
	}
	var a answer
	err = c.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		user, err := held(ctx, tx, r.User)
		if err != nil {
			return err
		}
		a = answer{user: user, code: code, kind: k, origin: r.Origin, now: c.o.Clock.Now()}
		guess, err := c.guess(ctx, tx, user.ID, a.now)
		if err != nil {
			return err
		}
		a.challenge, err = store.TakeAttempt(ctx, tx, user.ID, r.Challenge, maxAttempts, a.now)
		if errors.Is(err, db.ErrNoRows) {
			return over()
		}
		if err != nil {
			return err
		}
		if err := c.check(ctx, tx, &a); err != nil {
			return err
		}
		if a.method == "" {
			return c.recordWrong(ctx, tx, a)
		}
		if err := store.Untally(ctx, tx, guess); err != nil {
			return err
		}
		return c.accept(ctx, tx, a)
	})
	if err != nil {
		return accounts.Confirmation{}, err
	}
	if a.method == "" {
		return accounts.Confirmation{}, fault.New(fault.Unauthenticated, "fault.code_wrong")
	}
	return accounts.Confirmation{Challenge: a.challenge.ID, Method: string(a.method)}, nil
}

// answer is a guess, and what has become of it.
type answer struct {
	user      store.User
	challenge store.Challenge
	code      string
	kind      kind
	origin    api.Origin
	now       time.Time

	method  sessions.Method // empty: it is wrong
	replace bool
	left    int // recovery codes
}

// guess counts one of the user's guesses, which is to be taken back if it was
// right. The user has to be held. Throttled after too many.
func (c *Challenges) guess(ctx context.Context, tx *db.Tx, user int64, now time.Time) (tally int64, _ error) {
	wait, err := store.Tallied(ctx, tx, user, store.TallyCode, wrongLimit, wrongWindow, now)
	if err != nil {
		return 0, err
	}
	if wait > 0 {
		return 0, throttled(wait)
	}
	return store.Tally(ctx, tx, user, store.TallyCode, now)
}

// check uses the code up if it is right, and says so by the method.
func (c *Challenges) check(ctx context.Context, tx *db.Tx, a *answer) error {
	switch a.kind {
	case kindRecovery:
		return c.checkRecoveryCode(ctx, tx, a)
	case kindApproved:
		return c.checkApproval(ctx, tx, a)
	default:
		return c.checkCode(ctx, tx, a)
	}
}

func (c *Challenges) checkCode(ctx context.Context, tx *db.Tx, a *answer) error {
	if a.challenge.Channel != accounts.ChannelApp {
		if c.o.Ring.VerifyMAC(purposeCode, bound(a.challenge.ID, a.code), a.challenge.MAC) {
			a.method = methodOf(a.challenge.Channel)
		}
		return nil
	}
	f, err := store.ConfirmedFactor(ctx, tx, a.user.ID, accounts.ChannelApp)
	if errors.Is(err, db.ErrNoRows) {
		return nil // removed since
	}
	if err != nil {
		return err
	}
	ok, err := c.useOTP(ctx, tx, f, a.code, a.now)
	if ok {
		a.method = sessions.MethodOTP
	}
	return err
}

func (c *Challenges) checkRecoveryCode(ctx context.Context, tx *db.Tx, a *answer) error {
	codes, err := store.RecoveryCodesOf(ctx, tx, a.user.ID)
	if err != nil {
		return err
	}
	id := c.match(purposeRecoveryCode, codes, func(store.RecoveryCode) []byte { return bound(a.user.ID, a.code) })
	if id == 0 {
		return nil
	}
	ok, err := store.UseRecoveryCode(ctx, tx, id, a.now)
	if ok {
		a.method, a.left = sessions.MethodRecovery, len(codes)-1
	}
	return err
}

func (c *Challenges) checkApproval(ctx context.Context, tx *db.Tx, a *answer) error {
	granted, err := store.GrantedRecoveries(ctx, tx, a.user.ID, a.now)
	if err != nil {
		return err
	}
	id := c.match(purposeRecovery, granted, func(g store.RecoveryCode) []byte { return bound(g.ID, a.code) })
	if id == 0 {
		return nil
	}
	ok, err := store.UseRecovery(ctx, tx, id, a.now)
	if ok {
		a.method, a.replace = sessions.MethodRecovery, true
	}
	return err
}

// match finds the code of which the MAC is, and looks at all of them.
func (c *Challenges) match(purpose string, codes []store.RecoveryCode, data func(store.RecoveryCode) []byte) (id int64) {
	for _, code := range codes {
		if c.o.Ring.VerifyMAC(purpose, data(code), code.MAC) {
			id = code.ID
		}
	}
	return id
}

func methodOf(channel accounts.Channel) sessions.Method {
	if channel == accounts.ChannelSMS {
		return sessions.MethodSMS
	}
	return sessions.MethodMail
}

func (c *Challenges) recordWrong(ctx context.Context, tx *db.Tx, a answer) error {
	return store.Record(ctx, tx, store.Event{
		Kind: store.CodeFailed, User: &a.user.ID, Actor: store.ActorUser, Origin: a.origin, Time: a.now,
		Detail: map[string]any{"channel": a.challenge.Channel, "challenge": a.challenge.ID},
	})
}

// accept writes down all that a right answer means.
func (c *Challenges) accept(ctx context.Context, tx *db.Tx, a answer) error {
	ok, err := store.AnswerChallenge(ctx, tx, a.challenge.ID, string(a.method), a.replace, a.now)
	if err != nil {
		return err
	}
	if !ok {
		return over()
	}
	if err := c.noteFactor(ctx, tx, a); err != nil {
		return err
	}
	e := store.Event{
		Kind: store.CodeConfirmed, User: &a.user.ID, Actor: store.ActorUser, ActorID: &a.user.ID, Origin: a.origin, Time: a.now,
		Detail: map[string]any{"channel": a.challenge.Channel, "challenge": a.challenge.ID, "method": a.method},
	}
	if a.method != sessions.MethodRecovery {
		return store.Record(ctx, tx, e)
	}
	e.Kind, e.Detail["approved"] = store.RecoveryUsed, a.replace
	if err := store.Record(ctx, tx, e); err != nil || a.replace {
		return err
	}
	return notice.Send(ctx, c.o.Outbox, tx, a.user, notice.Notice{
		Event: mail.RecoveryCodeUsed, Origin: a.origin, Time: a.now, Subject: strconv.Itoa(a.left),
	})
}

// noteFactor notes that a factor was used. Who still has one, or what stands in
// for it, has lost none: whoever asked to be let in without it is not.
func (c *Challenges) noteFactor(ctx context.Context, tx *db.Tx, a answer) error {
	if a.replace || a.method == sessions.MethodMail {
		return nil
	}
	if a.method == sessions.MethodSMS {
		if err := store.UseFactor(ctx, tx, a.user.ID, accounts.ChannelSMS, a.now); err != nil {
			return err
		}
	}
	return store.CancelRecoveries(ctx, tx, a.user.ID, a.now)
}

// ConfirmEnrolment checks the code that confirms a factor: the one that was sent,
// or one of the app. The user has to be held. A code that is wrong is counted,
// so the caller has to commit; Throttled after too many wrong ones.
func (c *Challenges) ConfirmEnrolment(ctx context.Context, tx *db.Tx, f store.Factor, code string) (bool, error) {
	now := c.o.Clock.Now()
	guess, err := c.guess(ctx, tx, f.User, now)
	if err != nil {
		return false, err
	}
	ok, err := c.checkEnrolment(ctx, tx, f, code, now)
	if err != nil || !ok {
		return false, err
	}
	return true, store.Untally(ctx, tx, guess)
}

func (c *Challenges) checkEnrolment(ctx context.Context, tx *db.Tx, f store.Factor, code string, now time.Time) (bool, error) {
	if f.Channel == accounts.ChannelApp {
		return c.useOTP(ctx, tx, f, code, now)
	}
	ch, err := store.TakeFactorAttempt(ctx, tx, f.User, f.ID, maxAttempts, now)
	if errors.Is(err, db.ErrNoRows) {
		return false, nil // over
	}
	if err != nil || !c.o.Ring.VerifyMAC(purposeCode, bound(ch.ID, code), ch.MAC) {
		return false, err
	}
	return store.AnswerChallenge(ctx, tx, ch.ID, string(sessions.MethodSMS), false, now)
}

// EnrolmentCode reads the code that is to confirm a factor; Invalid if it is none.
func EnrolmentCode(typed string) (string, error) {
	code, k, err := checkTyped(typed)
	if err == nil && k != kindCode {
		err = fault.Field("code", "validation.wrong_code")
	}
	return code, err
}
