// Package places bounds how much of something costly a process holds at a time, such
// as the files that people upload, and what of it one of them can have.
package places

import (
	"errors"
	"sync"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

var (
	errFull  = errors.New("places: all are taken")
	errTwice = errors.New("places: the owner has one already")
)

// Places are for what is held at a time. Each owner has one, so that nobody keeps all
// others out alone.
type Places struct {
	wait time.Duration

	mu     sync.Mutex
	left   int64
	owners map[int64]struct{}
}

// New makes places of so many bytes in all. Whoever gets none is told to come back
// after wait.
func New(bytes int64, wait time.Duration) *Places {
	return &Places{wait: wait, left: bytes, owners: map[int64]struct{}{}}
}

// Take takes a place of so many bytes for the owner, until it is left, which may be
// done more than once. Throttled if the owner has one, Unavailable if there is no room.
func (p *Places) Take(owner, bytes int64) (leave func(), _ error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, has := p.owners[owner]; has {
		return nil, fault.New(fault.Throttled, "").After(p.wait).Because(errTwice)
	}
	if bytes > p.left {
		return nil, fault.New(fault.Unavailable, "").After(p.wait).Because(errFull)
	}
	p.owners[owner] = struct{}{}
	p.left -= bytes
	return sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.owners, owner)
		p.left += bytes
	}), nil
}
