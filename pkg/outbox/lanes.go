package outbox

import "sync"

// lanes count the attempts that run, by lane.
type lanes struct {
	limit int // 0: there are no lanes

	mu   sync.Mutex
	busy map[string]int
}

// enter takes a place in the lane, unless it is full.
func (l *lanes) enter(lane string) bool {
	if lane == "" {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.busy[lane] >= l.limit {
		return false
	}
	l.busy[lane]++
	return true
}

// leave gives the place back, and tells whether the lane was full.
func (l *lanes) leave(lane string) (wasFull bool) {
	if lane == "" {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	wasFull = l.busy[lane] == l.limit
	if l.busy[lane]--; l.busy[lane] == 0 {
		delete(l.busy, lane)
	}
	return wasFull
}

// full lists the lanes without a free place.
func (l *lanes) full() (full []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for lane, n := range l.busy {
		if n >= l.limit {
			full = append(full, lane)
		}
	}
	return full
}
