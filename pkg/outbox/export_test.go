package outbox

import "context"

// ClaimAndDie takes the lease of one message and does nothing more, as a
// worker does that is killed. It returns the number of the attempt.
func (o *Outbox) ClaimAndDie(ctx context.Context) (int, error) {
	ids, err := o.store.due(ctx, o.o.Clock.Now(), 1)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	m, _, err := o.claim(ctx, ids[0])
	return m.attempt, err
}
