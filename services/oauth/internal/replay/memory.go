package replay

import (
	"crypto/sha256"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/maypok86/otter/v2"

	"github.com/gatehouse-id/gatehouse/pkg/cacheclock"
)

// maxRemembered bounds how many ids a Memory keeps, some 10 MB.
const maxRemembered = 100_000

// Memory uses up ids in this process, for what must not write: introspection
// and UserInfo. It forgets with the process, and when there are too many; then,
// and towards another replica, an id can come a second time. Both of those
// endpoints change nothing, so that gains what the first time gave.
type Memory struct {
	clock clockwork.Clock
	ids   *otter.Cache[[sha256.Size]byte, time.Time]
}

// NewMemory makes a Memory.
func NewMemory(clock clockwork.Clock) *Memory {
	return &Memory{clock: clock, ids: otter.Must(&otter.Options[[sha256.Size]byte, time.Time]{
		MaximumSize: maxRemembered,
		ExpiryCalculator: otter.ExpiryCreatingFunc(func(e otter.Entry[[sha256.Size]byte, time.Time]) time.Duration {
			return max(e.Value.Sub(clock.Now()), time.Second)
		}),
		Clock: cacheclock.New(clock),
	})}
}

// Spend uses the id up, or returns [ErrSpent]. Of several that try at once one
// succeeds.
func (m *Memory) Spend(ids ...ID) error {
	for _, id := range ids {
		if _, ok := m.ids.SetIfAbsent([sha256.Size]byte(id.hash()), id.Expires); !ok {
			return spentError{id}
		}
	}
	return nil
}

// Spent tells whether the id was used here.
func (m *Memory) Spent(id ID) bool {
	_, ok := m.ids.GetIfPresent([sha256.Size]byte(id.hash()))
	return ok
}
