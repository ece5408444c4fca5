package sessions

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/gatehouse-id/gatehouse/services/sessions/internal/store"
)

// maxUses bounds the sessions that are remembered between two rounds. Beyond
// it a use is forgotten; the session's next one is noted in the next round.
const maxUses = 100_000

// uses remembers which sessions, or personal access tokens, were used and when,
// until the next round of housekeeping writes it: at most once per session and
// round, however often a token is resolved.
type uses struct {
	mu   sync.Mutex
	last map[int64]time.Time
}

func newUses() *uses { return &uses{last: map[int64]time.Time{}} }

func (u *uses) note(session int64, now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if _, known := u.last[session]; known || len(u.last) < maxUses {
		u.last[session] = now
	}
}

// latest is the later of the time and the one that is not written yet.
func (u *uses) latest(id int64, written time.Time) time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	if used, ok := u.last[id]; ok && used.After(written) {
		return used.Truncate(time.Microsecond).UTC()
	}
	return written
}

func (u *uses) take() map[int64]time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	taken := u.last
	u.last = make(map[int64]time.Time, len(taken))
	return taken
}

// writeUses drops what it could not write: when a session was last used is
// worth no retry.
func (s *Service) writeUses(ctx context.Context) {
	if err := store.Use(ctx, s.db, store.Sessions, s.uses.take()); err != nil {
		s.logger.WarnContext(ctx, "the last use of sessions was not noted", slog.Any("error", err))
	}
	if err := store.Use(ctx, s.db, store.AccessTokens, s.patUses.take()); err != nil {
		s.logger.WarnContext(ctx, "the last use of personal access tokens was not noted", slog.Any("error", err))
	}
}
