// Package redisdb is the way to Redis, or Valkey, which is optional: with it,
// processes share what is cheaper to keep together and may be lost, such as
// counters. Nothing is kept there that has to be true, and nothing secret: what
// stops working without it is to fall back on its own memory.
package redisdb

import (
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// patience bounds one exchange. Requests wait for it, so it is short; whoever
// asks goes on without an answer.
const patience = 250 * time.Millisecond

// Config are the settings of the connection.
type Config struct {
	URL string `env:"GATEHOUSE_REDIS_URL" secret:"true" doc:"redis://user:password@host:6379/0, or rediss:// with TLS: Redis or Valkey, where gateways share their rate limits and hear of ended sessions at once. Without it, each counts for itself and asks the sessions service."`
}

// Validate finds what is wrong with the settings.
func (c *Config) Validate() []string {
	if c.URL == "" {
		return nil
	}
	if _, err := redis.ParseURL(c.URL); err != nil {
		// The error may quote the password.
		return []string{"GATEHOUSE_REDIS_URL is not redis://user:password@host:port/number or rediss://…"}
	}
	return nil
}

// Open makes a client, which connects when it is used; nil without a URL.
func (c *Config) Open(name string) (*redis.Client, error) {
	if c.URL == "" {
		return nil, nil
	}
	options, err := redis.ParseURL(c.URL)
	if err != nil {
		return nil, fmt.Errorf("redisdb: GATEHOUSE_REDIS_URL is not an address of Redis")
	}
	options.ClientName = "gatehouse-" + name
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout, options.PoolTimeout = patience, patience, patience, patience
	options.ContextTimeoutEnabled = true
	options.MaxRetries = 1 // a connection that has been closed meanwhile
	return redis.NewClient(options), nil
}
