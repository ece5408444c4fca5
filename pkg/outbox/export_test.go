package outbox

import "context"

// ClaimAndDie takes the lease of one message and does nothing more, as a
// worker does that is killed. It returns the number of the attempt.
func (o *Outbox) ClaimAndDie(ctx context.Context) (int, error) {
	found, err := o.store.due(ctx, o.o.Clock.Now(), 1, nil)
	if err != nil || len(found) == 0 {
		return 0, err
	}
	m, _, err := o.claim(ctx, found[0].id)
	return m.attempt, err
}
