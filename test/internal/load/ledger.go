package load

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// ledger is what was promised to the clients.
type ledger struct {
	mu sync.Mutex
	// registered are addresses whose registration was acknowledged, attempted those
	// whose registration may have happened.
	registered, attempted map[string]time.Time
	// open are sessions that were opened and not ended, ended those whose logout was
	// acknowledged, with the time of that.
	open, ended map[string]time.Time
	families    []*family
	hubs        map[string]*hub
	// broken are promises that were seen not to hold.
	broken []string
	// lost counts families that ended as their client came back too late for an
	// answer that had been lost.
	lost int
}

// hub is the name of one, as its owner knows it.
type hub struct {
	token string
	name  string
	// maybe are names whose change was not acknowledged, since the last that was.
	maybe []string
}

// family is what an app holds of one sign-in.
type family struct {
	mu      sync.Mutex
	newest  string
	before  []string // what was replaced, oldest first
	granted time.Time
	// tried is when the newest was first presented without a definite answer; zero:
	// it was not.
	tried time.Time
	idle  bool // nobody refreshes it but Verify
	gone  bool // ended by the provider as it should be, or given up
}

func newLedger() *ledger {
	return &ledger{
		registered: map[string]time.Time{}, attempted: map[string]time.Time{},
		open: map[string]time.Time{}, ended: map[string]time.Time{}, hubs: map[string]*hub{},
	}
}

func (l *ledger) with(do func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	do()
}

func (l *ledger) breakf(format string, args ...any) {
	l.with(func() {
		l.broken = append(l.broken, time.Now().UTC().Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
	})
}

// visits bounds how many families are kept in mind that nobody refreshes.
const visits = 10

// add takes a new family, and forgets the oldest of those that nobody refreshes.
func (l *ledger) add(f *family) {
	l.with(func() {
		l.families = append(l.families, f)
		idle := 0
		for _, one := range l.families {
			if one.idle {
				idle++
			}
		}
		if oldest := slices.IndexFunc(l.families, func(one *family) bool { return one.idle }); idle > visits {
			l.families = slices.Delete(l.families, oldest, oldest+1)
		}
	})
}
