package places

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

func TestPlaces(t *testing.T) {
	t.Parallel()
	p := New(10, 2*time.Second)
	refused := func(owner, bytes int64, kind fault.Kind) {
		t.Helper()
		_, err := p.Take(owner, bytes)
		require.Equal(t, kind, fault.From(err).Kind)
		require.Equal(t, 2*time.Second, fault.From(err).RetryAfter)
	}
	leave, err := p.Take(1, 4)
	require.NoError(t, err)
	refused(1, 1, fault.Throttled)
	refused(2, 7, fault.Unavailable)
	other, err := p.Take(2, 6)
	require.NoError(t, err)
	refused(3, 1, fault.Unavailable)
	leave()
	leave() // gives back no more than it took
	refused(3, 5, fault.Unavailable)
	refused(2, 1, fault.Throttled)
	_, err = p.Take(1, 4)
	require.NoError(t, err, "there is room again, also for who was there")
	other()
	_, err = p.Take(2, 6)
	require.NoError(t, err)
}

// However many come at once, no more is held than there are places.
func TestPlacesAtOnce(t *testing.T) {
	t.Parallel()
	p := New(3, time.Second)
	var taken atomic.Int64
	var all sync.WaitGroup
	for owner := range int64(50) {
		all.Go(func() {
			if _, err := p.Take(owner%5, 1); err == nil {
				taken.Add(1)
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 3, taken.Load())
}
