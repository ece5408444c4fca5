package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// settleTimeout bounds the note of an attempt's outcome, which is written even
// when the attempt's own context has ended.
const settleTimeout = 10 * time.Second

var (
	errLeaseLost = errors.New("outbox: the lease was lost")
	errCrashed   = errors.New("outbox: the process ended during the last attempts")
)

// How an attempt can end, as the metrics name it.
const (
	outcomeDelivered   = "delivered"
	outcomeFailed      = "failed"      // tried again later
	outcomeDead        = "dead"        // not tried again
	outcomeInterrupted = "interrupted" // by the end of the process
	outcomeLost        = "lost"        // another worker has the message
)

// deliver makes one attempt at a claimed message and notes the outcome. Its
// error is that of the note, and is logged.
func (o *Outbox) deliver(ctx context.Context, m claimed) error {
	ctx, span := o.startSpan(ctx, m)
	defer span.End()
	started := time.Now()

	var err error
	if m.attempt > o.o.MaxAttempts {
		err = Permanent(errCrashed) // it may well be what ends the process
	} else {
		err = o.attempt(ctx, m)
	}

	outcome, noteErr := o.settle(ctx, m, err)
	o.metrics.attempted(ctx, m.topic, outcome, time.Since(started))
	o.report(ctx, span, m, outcome, err)
	if outcome == outcomeFailed {
		o.look() // it may be due before Run meant to look again
	}
	if noteErr != nil {
		o.o.Logger.ErrorContext(ctx, "the outcome of a delivery cannot be noted; it will be repeated",
			slog.String("topic", m.topic), slog.Int64("id", m.id), slog.Any("error", noteErr))
	}
	return noteErr
}

// attempt runs the handler under the lease.
func (o *Outbox) attempt(ctx context.Context, m claimed) (err error) {
	payload, err := o.o.Ring.Open(sealing, m.sealed, aad(m.topic, m.key))
	if err != nil {
		return fmt.Errorf("outbox: opening the payload: %w", err)
	}
	ctx, timeout := context.WithTimeout(ctx, o.o.Timeout)
	defer timeout()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := o.keepLease(ctx, m, cancel)
	defer func() {
		stop()
		if errors.Is(context.Cause(ctx), errLeaseLost) {
			err = errLeaseLost
		}
	}()
	return o.call(ctx, Delivery{
		ID: m.id, Topic: m.topic, Key: m.key, Payload: payload, Attempt: m.attempt, Created: m.created,
	})
}

// call turns a panic into an error: one message must not end the process.
func (o *Outbox) call(ctx context.Context, d Delivery) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("outbox: the handler panicked: %v", p)
			o.o.Logger.ErrorContext(ctx, "a handler of the outbox panicked",
				slog.String("topic", d.Topic), slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
		}
	}()
	return o.o.Handlers[d.Topic](ctx, d)
}

// keepLease renews the lease until stop, and cancels with errLeaseLost when
// somebody else has it. It does so as well a moment before the lease ends, when
// nobody could tell in time: then another replica may have the message.
//
// Renewals go on when the attempt has been told to end: as long as it has not,
// nobody else should start.
func (o *Outbox) keepLease(ctx context.Context, m claimed, cancel context.CancelCauseFunc) (stop func()) {
	ticker := o.o.Clock.NewTicker(o.o.Lease / 3)
	renewing, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	lose := func() { cancel(errLeaseLost); giveUp() }
	end := o.o.Clock.AfterFunc(o.untilEnd(m.until), lose)
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		defer giveUp()
		defer end.Stop()
		defer ticker.Stop()
		for {
			select {
			case <-quit:
				return
			case <-renewing.Done():
				return
			case <-ticker.Chan():
			}
			until := o.o.Clock.Now().Add(o.o.Lease)
			held, err := o.store.renew(renewing, m, until)
			switch {
			case err == nil && held:
				end.Reset(o.untilEnd(until))
			case err == nil:
				lose()
				return
			}
		}
	}()
	return func() { close(quit); <-done }
}

// untilEnd is how long a lease that lasts until then may be relied on. The margin is
// for clocks that differ, and for an attempt to end.
func (o *Outbox) untilEnd(until time.Time) time.Duration {
	return o.o.Clock.Until(until) - o.o.Lease/10
}

// settle writes down how the attempt ended.
func (o *Outbox) settle(ctx context.Context, m claimed, err error) (outcome string, _ error) {
	stopped := ctx.Err() != nil
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	now := o.o.Clock.Now()

	var held bool
	var noteErr error
	var permanent permanentError
	switch {
	case errors.Is(err, errLeaseLost):
		return outcomeLost, nil
	case err == nil:
		outcome = outcomeDelivered
		held, noteErr = o.store.delivered(ctx, m, now)
	case errors.As(err, &permanent), m.attempt >= o.o.MaxAttempts && !stopped:
		outcome = outcomeDead
		held, noteErr = o.store.dead(ctx, m, now, reason(err))
	case stopped:
		outcome = outcomeInterrupted
		held, noteErr = o.store.release(ctx, m, now)
	default:
		outcome = outcomeFailed
		held, noteErr = o.store.later(ctx, m, now.Add(o.wait(m.attempt, err)), reason(err))
	}
	if noteErr == nil && !held {
		return outcomeLost, nil
	}
	return outcome, noteErr
}

// wait is the backoff, or what the other side asked for if that is longer.
func (o *Outbox) wait(attempt int, err error) time.Duration {
	wait := max(o.o.Backoff(attempt), time.Millisecond)
	var f *fault.Fault
	if errors.As(err, &f) {
		wait = max(wait, f.RetryAfter)
	}
	return wait
}

// reason is the error as the operator gets to see it.
func reason(err error) string {
	const limit = 500
	text := strings.ToValidUTF8(err.Error(), "?")
	text = strings.ReplaceAll(text, "\x00", "?") // PostgreSQL's text has no NUL
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "") + "…"
	}
	return text
}

func (o *Outbox) report(ctx context.Context, span trace.Span, m claimed, outcome string, err error) {
	setOutcome(span, outcome)
	attrs := []any{
		slog.String("topic", m.topic), slog.Int64("id", m.id),
		slog.Int("attempt", m.attempt), slog.String("outcome", outcome),
	}
	if err != nil {
		attrs = append(attrs, slog.Any("error", err))
	}
	switch outcome {
	case outcomeDelivered, outcomeInterrupted:
		o.o.Logger.DebugContext(ctx, "outbox delivery", attrs...)
	case outcomeDead:
		o.o.Logger.ErrorContext(ctx, "outbox delivery given up", attrs...)
	default:
		o.o.Logger.WarnContext(ctx, "outbox delivery", attrs...)
	}
}
