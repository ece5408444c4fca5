// Package redisdb is the way to Redis, or Valkey, which is optional: with it,
// processes share what is cheaper to keep together and may be lost, such as
// counters. Nothing is kept there that has to be true, and nothing secret: what
// stops working without it is to fall back on its own memory.
package redisdb

import (
	"cmp"
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// Config are the settings of the connection.
type Config struct {
	URL string `env:"GATEHOUSE_REDIS_URL" secret:"true" doc:"redis://user:password@host:6379/0, or rediss:// with TLS: Redis or Valkey, where gateways share their rate limits and hear of ended sessions at once. Without it, each counts for itself and asks the sessions service."`
}

// Validate finds what is wrong with the settings.
func (c *Config) Validate() []string {
	if c.URL == "" {
		return nil
	}
	if _, ok := parse(c.URL); !ok {
		return []string{"GATEHOUSE_REDIS_URL is not redis://user:password@host:port/number or rediss://…"}
	}
	return nil
}

// Open makes a client, which connects when it is used; nil without a URL.
func (c *Config) Open(name string) (*Client, error) {
	if c.URL == "" {
		return nil, nil
	}
	options, err := c.options(name)
	if err != nil {
		return nil, err
	}
	return New(options), nil
}

func (c *Config) options(name string) (Options, error) {
	options, ok := parse(c.URL)
	if !ok {
		return options, errors.New("redisdb: GATEHOUSE_REDIS_URL is not an address of Redis")
	}
	options.Name = "gatehouse-" + name
	return options, nil
}

// parse does not say what is wrong, which might quote the password.
func parse(address string) (o Options, ok bool) {
	u, err := url.Parse(address)
	if err != nil || (u.Scheme != "redis" && u.Scheme != "rediss") || u.Opaque != "" || u.RawQuery != "" || u.Fragment != "" {
		return o, false
	}
	if number := strings.Trim(u.Path, "/"); number != "" {
		if o.Database, err = strconv.Atoi(number); err != nil || o.Database < 0 {
			return o, false
		}
	}
	host := cmp.Or(u.Hostname(), "localhost")
	o.Address = net.JoinHostPort(host, cmp.Or(u.Port(), "6379"))
	o.User = u.User.Username()
	o.Password, _ = u.User.Password()
	if u.Scheme == "rediss" {
		o.TLS = &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	}
	return o, true
}
