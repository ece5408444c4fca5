package redisdb

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/gomodule/redigo/redis"
)

// Subscription hears what is published on a channel, over a connection of its own.
type Subscription struct {
	conn  redis.PubSubConn
	quiet time.Duration
	stop  func() bool
	// probing is held by a probe: the next may come before it has ended.
	probing sync.Mutex
}

// Subscribe returns when Redis has confirmed it. With ctx the subscription ends.
func (c *Client) Subscribe(ctx context.Context, channel string) (*Subscription, error) {
	soon, cancel := context.WithTimeout(ctx, c.options.Patience)
	defer cancel()
	made, err := c.connect(soon)
	if err != nil {
		return nil, err
	}
	s := &Subscription{conn: redis.PubSubConn{Conn: made}, quiet: c.options.Quiet}
	s.stop = context.AfterFunc(ctx, func() { _ = made.Close() }) // which ends a read
	err = s.conn.Subscribe(channel)
	if err == nil {
		switch answer := s.conn.ReceiveWithTimeout(left(soon)).(type) {
		case redis.Subscription:
			return s, nil
		case error:
			err = answer
		default:
			err = fmt.Errorf("redisdb: %T instead of a subscription", answer)
		}
	}
	s.Close()
	return nil, err
}

// Receive waits for a message. Whenever it has been quiet for long it has Redis
// prove that the connection is good. After an error the subscription is of no use.
func (s *Subscription) Receive() ([]byte, error) {
	for {
		probe := time.AfterFunc(s.quiet, s.probe)
		received := s.conn.ReceiveWithTimeout(2 * s.quiet)
		probe.Stop()
		switch r := received.(type) {
		case redis.Message:
			return r.Data, nil
		case error:
			return nil, r
		}
	}
}

// probe need not fail: that ends the read.
func (s *Subscription) probe() {
	s.probing.Lock()
	defer s.probing.Unlock()
	_ = s.conn.Ping("")
}

// Close ends the subscription.
func (s *Subscription) Close() {
	if s.stop() {
		_ = s.conn.Close()
	}
}
