package sessioncache_test

import (
	"context"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/obs"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/gatewaytest"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/sessioncache"
)

// askew is a sessions service whose clock is ahead.
type askew struct {
	*gatewaytest.Sessions

	ahead time.Duration
}

func (a askew) Revocations(ctx context.Context, r sessions.RevocationsRequest) (sessions.Revocations, error) {
	answer, err := a.Sessions.Revocations(ctx, r)
	answer.Now = answer.Now.Add(a.ahead)
	return answer, err
}

func TestTheTimeIsThatOfTheSessionsService(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ ahead, corrected time.Duration }{
		"ahead":      {time.Minute, time.Minute},
		"behind":     {-time.Minute, -time.Minute},
		"about same": {900 * time.Millisecond, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := clockwork.NewFakeClock()
			c := sessioncache.New(sessioncache.Options{
				Sessions: askew{gatewaytest.NewSessions(clock), test.ahead}, Clock: clock, Obs: obs.Nop(), Size: 100, Poll: poll,
			})
			assert.Equal(t, clock.Now(), c.Now(), "before the feed was heard")
			require.NoError(t, c.Reach(t.Context()))
			assert.Equal(t, clock.Now().Add(test.corrected), c.Now(), "asked")
			assert.False(t, c.Heard(), "one question is not the feed")
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() { defer close(done); assert.NoError(t, c.Run(ctx)) }()
			require.NoError(t, clock.BlockUntilContext(t.Context(), 1))
			require.Eventually(t, c.Heard, time.Minute, time.Millisecond)
			stop()
			<-done // and so the first answer was taken in
			assert.Equal(t, clock.Now().Add(test.corrected), c.Now())
		})
	}
}
