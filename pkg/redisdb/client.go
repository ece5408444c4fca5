package redisdb

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/gomodule/redigo/redis"
)

const (
	// patience bounds what is asked of Redis. Requests wait for it, so it is short;
	// whoever asks goes on without an answer.
	patience = 250 * time.Millisecond
	// quiet is how long a subscription hears nothing until it is probed.
	quiet = 5 * time.Second
	// idle is how long a connection is kept for nobody. What stands between, such
	// as balancers, often forgets it after less than six minutes.
	idle = 5 * time.Minute
)

// Options are what a Client needs.
type Options struct {
	// Address is host:port.
	Address string
	// User may be empty; without a Password nobody is authenticated.
	User, Password string
	// Database is its number.
	Database int
	// TLS is nil without it.
	TLS *tls.Config
	// Name tells our connections from others in CLIENT LIST; may be empty.
	Name string
	// Patience is the longest that a call takes, including connecting; 250 ms unless
	// it is set. The context of a call may shorten it; that it is cancelled is
	// not noticed before.
	Patience time.Duration
	// Quiet is how long a subscription hears nothing until it is probed; five
	// seconds unless it is set.
	Quiet time.Duration
}

// Client asks Redis, over a few connections which it keeps. Errors are a
// redis.Error if Redis answered so; see Refused.
type Client struct {
	options Options
	pool    redis.Pool
	// taken bounds the connections. The pool could, but panics if one waits with a
	// context that ends when it is closed.
	taken chan struct{}
	// generation is that of connections which may be used: one that broke has most
	// likely broken with all of its age.
	generation atomic.Int64
}

// New makes a client, which connects when it is used.
func New(o Options) *Client {
	o.Patience = cmp.Or(o.Patience, patience)
	o.Quiet = cmp.Or(o.Quiet, quiet)
	most := 10 * runtime.GOMAXPROCS(0)
	c := &Client{options: o, taken: make(chan struct{}, most)}
	c.pool = redis.Pool{
		MaxIdle: most, IdleTimeout: idle,
		DialContext: func(ctx context.Context) (redis.Conn, error) {
			generation := c.generation.Load() // before it is dialled
			made, err := c.connect(ctx)
			if err != nil {
				return nil, err
			}
			return connection{made, generation}, nil
		},
		TestOnBorrow: func(kept redis.Conn, _ time.Time) error {
			if known, ok := kept.(connection); !ok || known.generation != c.generation.Load() {
				return errors.New("redisdb: as old as one that broke")
			}
			return nil
		},
	}
	return c
}

// connection is one that the pool keeps.
type connection struct {
	redis.ConnWithTimeout

	generation int64
}

// connect opens a connection and introduces us, within the time of ctx, which has a
// deadline.
func (c *Client) connect(ctx context.Context) (redis.ConnWithTimeout, error) {
	dial := (&net.Dialer{}).DialContext
	if c.options.TLS != nil {
		dial = (&tls.Dialer{Config: c.options.TLS}).DialContext
	}
	wire, err := dial(ctx, "tcp", c.options.Address)
	if err != nil {
		return nil, err
	}
	made, ok := redis.NewConn(wire, c.options.Patience, c.options.Patience).(redis.ConnWithTimeout)
	if !ok {
		_ = wire.Close()
		return nil, errors.New("redisdb: a connection without timeouts")
	}
	if err := c.introduce(made, left(ctx)); err != nil {
		_ = made.Close()
		return nil, err
	}
	return made, nil
}

// introduce says all at once, for one round trip.
func (c *Client) introduce(made redis.ConnWithTimeout, within time.Duration) error {
	var required []bool
	say := func(must bool, command string, args ...any) {
		_ = made.Send(command, args...) // what fails fails again below
		required = append(required, must)
	}
	if c.options.Password != "" {
		if c.options.User != "" {
			say(true, "AUTH", c.options.User, c.options.Password)
		} else {
			say(true, "AUTH", c.options.Password)
		}
	}
	if c.options.Database != 0 {
		say(true, "SELECT", c.options.Database)
	}
	if c.options.Name != "" {
		say(false, "CLIENT", "SETNAME", c.options.Name) // the user may have no right to
	}
	answers, err := redis.Values(made.DoWithTimeout(within, ""))
	if err != nil && !errors.Is(err, redis.ErrNil) { // nothing was said
		return err
	}
	for i, answer := range answers {
		if refused, ok := answer.(redis.Error); ok && required[i] {
			return refused
		}
	}
	return nil
}

// exchange calls talk with a connection; once more, with another that is new, if it
// broke: while it was not used, Redis may have been restarted.
func (c *Client) exchange(ctx context.Context, talk func(redis.Conn) (any, error)) (any, error) {
	soon, cancel := context.WithTimeout(ctx, c.options.Patience)
	defer cancel()
	select {
	case c.taken <- struct{}{}:
		defer func() { <-c.taken }()
	case <-soon.Done():
		return nil, soon.Err()
	}
	generation := c.generation.Load()
	answer, broken, err := c.try(soon, talk)
	if !broken || over(ctx) { // who had no time left broke it
		return answer, err
	}
	c.generation.CompareAndSwap(generation, generation+1)
	if over(soon) {
		return answer, err
	}
	answer, _, err = c.try(soon, talk)
	return answer, err
}

func (c *Client) try(ctx context.Context, talk func(redis.Conn) (any, error)) (answer any, broken bool, err error) {
	if err := ctx.Err(); err != nil {
		return nil, false, err
	}
	conn, err := c.pool.GetContext(ctx)
	if err != nil {
		return nil, false, err
	}
	defer func() { _ = conn.Close() }()
	answer, err = talk(hurried{conn, ctx})
	return answer, err != nil && conn.Err() != nil, err
}

// hurried lets a command take what is left of the time.
type hurried struct {
	redis.Conn

	ctx context.Context
}

// Do implements redis.Conn.
func (h hurried) Do(command string, args ...any) (any, error) {
	return redis.DoWithTimeout(h.Conn, left(h.ctx), command, args...)
}

// over tells whether there is no time left; a read may know before the context.
func over(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && !time.Now().Before(deadline)
}

// left is more than nothing, which would be without end.
func left(ctx context.Context) time.Duration {
	deadline, _ := ctx.Deadline()
	return max(time.Until(deadline), time.Nanosecond)
}

// Ping asks for an answer.
func (c *Client) Ping(ctx context.Context) error {
	_, err := c.exchange(ctx, func(conn redis.Conn) (any, error) { return conn.Do("PING") })
	return err
}

// Publish sends a message to who listens to the channel.
func (c *Client) Publish(ctx context.Context, channel string, message []byte) error {
	_, err := c.exchange(ctx, func(conn redis.Conn) (any, error) { return conn.Do("PUBLISH", channel, message) })
	return err
}

// Script is a program in Lua, with one key, that Redis runs at one go.
type Script struct{ script *redis.Script }

// NewScript makes one from its text.
func NewScript(text string) *Script {
	return &Script{redis.NewScript(1, text)}
}

// Run runs a script, which answers with whole numbers. It may have run twice if the
// connection broke.
func (c *Client) Run(ctx context.Context, s *Script, key string, args ...any) ([]int64, error) {
	return redis.Int64s(c.exchange(ctx, func(conn redis.Conn) (any, error) {
		return s.script.Do(conn, append([]any{key}, args...)...)
	}))
}

// Close closes the connections that are not in use, and each other when it is done
// with. Subscriptions end with their contexts.
func (c *Client) Close() error {
	return c.pool.Close()
}

// Refused tells whether err is an answer of Redis, and not the lack of one.
func Refused(err error) bool {
	var answer redis.Error
	return errors.As(err, &answer)
}
