package cacheclock_test

import (
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"

	"github.com/gatehouse-id/gatehouse/pkg/cacheclock"
)

func TestTimeIsThatOfTheClock(t *testing.T) {
	t.Parallel()
	fake := clockwork.NewFakeClock()
	c := cacheclock.New(fake)
	before := c.NowNano()
	fake.Advance(time.Minute)
	assert.Equal(t, time.Minute.Nanoseconds(), c.NowNano()-before)
	assert.Nil(t, c.Tick(time.Second), "nothing comes of it")
}
