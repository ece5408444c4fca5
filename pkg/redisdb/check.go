package redisdb

import (
	"context"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/doctor"
)

// slow is how long an exchange may take before it is cause for alarm: requests
// wait for it, and give up after 250 ms.
const slow = 50 * time.Millisecond

// endurance is the doctor's patience: whether Redis is slow or away makes a difference.
const endurance = 3 * time.Second

// counting is what rate limits do, with a key that is gone a moment later.
var counting = NewScript(`
local taken = redis.call('INCR', KEYS[1])
redis.call('PEXPIRE', KEYS[1], 1000)
return {taken, redis.call('PTTL', KEYS[1]), redis.call('GET', KEYS[1])}`)

// Check asks Redis whether it answers, how fast, and whether its user may do what
// Gatehouse does there. Nothing fails without a Redis, so what is wrong is a warning.
func Check(c Config) doctor.Check {
	return doctor.Check{Name: "redis", Run: func(ctx context.Context) []doctor.Result {
		if c.URL == "" {
			return doctor.Good("none is used")
		}
		options, err := c.options("doctor")
		if err != nil {
			return doctor.Fail(err.Error(), "see GATEHOUSE_REDIS_URL")
		}
		options.Patience = endurance
		client := New(options)
		defer func() { _ = client.Close() }()
		if err := client.Ping(ctx); err != nil { // the first opens the connection
			return failure(err)
		}
		fastest := time.Hour
		for range 3 {
			asked := time.Now()
			if err := client.Ping(ctx); err != nil {
				return failure(err)
			}
			fastest = min(fastest, time.Since(asked))
		}
		const rights = "give its user the keys gatehouse:*, the channel gatehouse:sessions, and the commands of counting and of publish and subscribe"
		if _, err := client.Run(ctx, counting, "gatehouse:rate:doctor"); err != nil {
			return doctor.Warn("it refuses to count: "+err.Error(), rights)
		}
		// News of no session: nobody has anything to do about it.
		if err := client.Publish(ctx, "gatehouse:sessions", []byte("{}")); err != nil {
			return doctor.Warn("it refuses to publish: "+err.Error(), rights)
		}
		if fastest > slow {
			return doctor.Warn("it answers within "+fastest.Round(time.Millisecond).String(), "put it nearer to the gateways, which wait for it")
		}
		return doctor.Good("it answers within %s", fastest.Round(time.Microsecond))
	}}
}

func failure(err error) []doctor.Result {
	const advice = "see whether GATEHOUSE_REDIS_URL has the right address, user and password; until then each gateway counts for itself"
	if Refused(err) {
		return doctor.Warn("it refuses us: "+err.Error(), advice)
	}
	return doctor.Warn("it does not answer: "+err.Error(), advice)
}
