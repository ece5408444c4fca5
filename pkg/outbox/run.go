package outbox

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// window is how many due messages are looked up at a time.
const window = 64

// pruneEvery is how often finished messages are looked through.
const pruneEvery = time.Hour

// errStopping ends the attempts that outlast Grace.
var errStopping = errors.New("outbox: the worker is stopping")

// Run delivers until ctx ends, lets running attempts finish within Grace and
// returns nil. While the database is away it keeps trying.
func (o *Outbox) Run(ctx context.Context) error {
	// Attempts outlive ctx, by as much as Grace.
	attempts, abort := context.WithCancelCause(context.WithoutCancel(ctx))
	defer abort(nil)

	var work sync.WaitGroup
	work.Go(func() { o.keepHouse(ctx) })
	o.serve(ctx, attempts, &work)

	overdue := time.AfterFunc(o.o.Grace, func() { abort(errStopping) })
	defer overdue.Stop()
	work.Wait()
	return nil
}

// serve starts attempts until ctx ends.
func (o *Outbox) serve(ctx, attempts context.Context, work *sync.WaitGroup) {
	slots := make(chan struct{}, o.o.Concurrency)
	for {
		if err := o.sweep(ctx, attempts, slots, work); err != nil && ctx.Err() == nil {
			o.o.Logger.WarnContext(ctx, "the outbox cannot be read", slog.Any("error", err))
		}
		timer := o.o.Clock.NewTimer(o.pause(ctx))
		select {
		case <-o.wake:
		case <-timer.Chan():
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

// sweep starts an attempt for everything that is due, as slots become free. What
// is in a full lane it leaves for when that has room.
func (o *Outbox) sweep(ctx, attempts context.Context, slots chan struct{}, work *sync.WaitGroup) error {
	for {
		found, err := o.store.due(ctx, o.o.Clock.Now(), window, o.lanes.full())
		if err != nil || len(found) == 0 {
			return err
		}
		for _, c := range found {
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				return ctx.Err()
			}
			started, err := o.start(ctx, attempts, c, work, func() { <-slots })
			if !started {
				<-slots
			}
			if err != nil {
				return err
			}
		}
	}
}

// start makes an attempt at a message, unless its lane is full or another worker
// was faster. done is called after it.
func (o *Outbox) start(ctx, attempts context.Context, c candidate, work *sync.WaitGroup, done func()) (bool, error) {
	if !o.lanes.enter(c.lane) {
		return false, nil
	}
	leave := func() {
		if o.lanes.leave(c.lane) {
			o.look() // for what had to wait
		}
	}
	m, ok, err := o.claim(ctx, c.id)
	if err != nil || !ok {
		leave()
		return false, err
	}
	work.Go(func() {
		defer done()
		defer leave()
		_ = o.deliver(attempts, m) // has been logged, and the lease will run out
	})
	return true, nil
}

// pause is how long nothing will be due, at most Poll.
func (o *Outbox) pause(ctx context.Context) time.Duration {
	due, ok, err := o.store.next(ctx, o.lanes.full())
	if err != nil || !ok {
		return o.o.Poll
	}
	// At least a moment: what is due already is being claimed by somebody else.
	const moment = 10 * time.Millisecond
	return min(max(o.o.Clock.Until(due), moment), o.o.Poll)
}

// Drain delivers what is due, one after the other, and returns when each has
// been tried once, including what the handlers themselves add. A failed
// attempt is noted in the message as ever and is no error of Drain's; being
// unable to read or note is.
func (o *Outbox) Drain(ctx context.Context) error {
	tried := map[int64]bool{}
	for progress := true; progress; {
		progress = false
		found, err := o.store.due(ctx, o.o.Clock.Now(), window, nil)
		if err != nil {
			return err
		}
		for _, c := range found {
			if tried[c.id] {
				continue
			}
			tried[c.id], progress = true, true
			m, ok, err := o.claim(ctx, c.id)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			if err := o.deliver(ctx, m); err != nil {
				return err
			}
		}
	}
	return o.measure(ctx)
}

func (o *Outbox) claim(ctx context.Context, id int64) (claimed, bool, error) {
	now := o.o.Clock.Now()
	return o.store.claim(ctx, id, rand.Text(), now, now.Add(o.o.Lease))
}

// keepHouse brings the gauges up to date and lets old rows go.
func (o *Outbox) keepHouse(ctx context.Context) {
	ticker := o.o.Clock.NewTicker(o.o.Poll)
	defer ticker.Stop()
	var pruned time.Time
	for {
		err := o.measure(ctx)
		if now := o.o.Clock.Now(); err == nil && now.Sub(pruned) >= pruneEvery {
			pruned = now
			err = o.Prune(ctx)
		}
		if err != nil && ctx.Err() == nil {
			o.o.Logger.WarnContext(ctx, "the outbox cannot be tidied", slog.Any("error", err))
		}
		select {
		case <-ticker.Chan():
		case <-ctx.Done():
			return
		}
	}
}

// Prune deletes the rows whose Retention or DeadRetention is over; Run does so
// every hour.
func (o *Outbox) Prune(ctx context.Context) error {
	now := o.o.Clock.Now()
	if _, err := o.store.prune(ctx, "delivered", now.Add(-o.o.Retention)); err != nil {
		return err
	}
	lost, err := o.store.prune(ctx, "dead", now.Add(-o.o.DeadRetention))
	if lost > 0 {
		o.o.Logger.WarnContext(ctx, "messages that were given up are gone for good", slog.Int64("messages", lost))
	}
	return err
}

func (o *Outbox) measure(ctx context.Context) error {
	b, err := o.store.backlog(ctx)
	if err != nil {
		return err
	}
	o.metrics.measured(b, o.o.Clock.Now())
	return nil
}
