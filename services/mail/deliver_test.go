package mail

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	api "github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
	"github.com/gatehouse-id/gatehouse/pkg/testkit/smtptest"
)

func TestMailReachesTheServer(t *testing.T) {
	onEachSMTP(t, smtptest.Options{STARTTLS: true, User: "app", Password: "geheim"}, func(t *testing.T, f *fixture) {
		accepted := f.clock.Now()
		f.send(activation("a"))
		f.clock.Advance(time.Hour)
		f.drain()
		taken := f.smtp.Taken()
		require.Len(t, taken, 1)
		assert.True(t, taken[0].TLS)
		assert.Equal(t, "app", taken[0].User)
		assert.Equal(t, recipient, taken[0].To)
		subject, bodies := parts(t, taken[0])
		assert.Equal(t, "Bestätigen Sie Ihre E-Mail-Adresse", subject)
		assert.Contains(t, bodies["text/plain"], "\n"+link+"\n")
		assert.Contains(t, bodies["text/plain"], "Pförtner")
		assert.Contains(t, bodies["text/html"], `href="`+link+`"`)
		date, err := taken[0].Header(t).Date()
		require.NoError(t, err)
		assert.True(t, date.Equal(accepted), "when it was accepted, however long it waited")
		assert.Equal(t, 1, f.counted(stateSent))
		f.pass(2*time.Hour, time.Hour)
		assert.Len(t, f.smtp.Taken(), 1)
	})
}

func TestTemporaryRefusalIsTriedAgain(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, api.Name, Migrations, func(t *testing.T, d *db.DB) {
		var tries atomic.Int64
		f := newSMTPFixture(t, d, smtptest.Options{OnRcpt: func(string) error {
			if tries.Add(1) < 3 {
				return smtptest.Reply(451, [3]int{4, 7, 1}, "greylisted, come back later")
			}
			return nil
		}})
		f.send(activation("a"))
		f.drain()
		f.drain() // not due yet
		require.Equal(t, 1, f.counted(statePostponed))
		f.pass(5*time.Minute, 30*time.Second)
		require.Len(t, f.smtp.Taken(), 1)
		assert.Equal(t, 2, f.counted(statePostponed))
		assert.Equal(t, 1, f.counted(stateSent))
		assert.Greater(t, f.delays(), 30.0, "the delay counts from when the mail was taken")
		assert.Zero(t, f.counted(stateDeferred), "the server is there")
		assert.Empty(t, f.dead())
	})
}

func TestServerAwayForAnHourLosesNothing(t *testing.T) {
	onEachSMTP(t, smtptest.Options{}, func(t *testing.T, f *fixture) {
		f.smtp.Stop()
		keys := []string{"a", "b", "c"}
		for _, key := range keys {
			f.send(activation(key))
			f.drain()
		}
		f.pass(time.Hour, 5*time.Minute)
		require.Empty(t, f.dead())
		f.smtp.Start()
		f.pass(90*time.Minute, 10*time.Minute)
		taken := map[string]int{}
		for _, m := range f.smtp.Taken() {
			taken[m.Header(t).Get("Message-Id")]++
		}
		assert.Len(t, taken, len(keys))
		assert.Len(t, f.smtp.Taken(), len(keys), "each exactly once")
	})
}

func TestGivenUpAfterThreeDays(t *testing.T) {
	onEachSMTP(t, smtptest.Options{}, func(t *testing.T, f *fixture) {
		f.smtp.Stop()
		f.send(activation("a"))
		f.drain()
		f.pass(tryFor-time.Hour, time.Hour)
		require.Empty(t, f.dead())
		f.pass(3*time.Hour, time.Hour)
		dead := f.dead()
		require.Len(t, dead, 1)
		assert.Equal(t, "a", dead[0].Key)
		assert.Greater(t, dead[0].Attempts, 30)
		assert.Equal(t, 1, f.counted(stateDead))

		f.smtp.Start()
		_, err := f.Retry(t.Context(), retry(dead[0].ID))
		require.NoError(t, err)
		f.drain()
		assert.Len(t, f.smtp.Taken(), 1)
	})
}

func TestPermanentRefusalIsDeadAtOnce(t *testing.T) {
	options := smtptest.Options{OnData: func([]byte) error {
		return smtptest.Reply(554, [3]int{5, 7, 1}, "refused by policy")
	}}
	onEachSMTP(t, options, func(t *testing.T, f *fixture) {
		f.send(activation("a"))
		f.send(activation("b"))
		f.drain()
		f.pass(2*time.Hour, time.Hour)
		require.Len(t, f.dead(), 2)
		assert.Equal(t, 1, f.dead()[0].Attempts)
		assert.Equal(t, 2, f.counted(stateDead))
	})
}

// The process ends after the server took the mail, and before anybody noted it.
func TestMailThatIsSentTwiceIsRecognisable(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, api.Name, Migrations, func(t *testing.T, d *db.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		release := make(chan struct{})
		var tries atomic.Int64
		f := newSMTPFixture(t, d, smtptest.Options{OnData: func([]byte) error {
			if tries.Add(1) == 1 { // the server has all of it, but its reply does not arrive
				cancel()
				<-release
			}
			return nil
		}})
		f.send(activation("a"))
		_ = f.queues[api.Email].Drain(ctx) // it was interrupted, as we know
		close(release)
		f.pass(time.Minute, 10*time.Second)

		require.Eventually(t, func() bool { return len(f.smtp.Taken()) == 2 }, 20*time.Second, time.Millisecond)
		taken := f.smtp.Taken()
		assert.Equal(t, string(taken[0].Data), string(taken[1].Data))
		assert.NotEmpty(t, taken[0].Header(t).Get("Message-Id"))
		assert.Zero(t, f.counted(stateDeferred), "an interruption is no verdict")
		assert.Equal(t, 1, f.counted(stateSent))
	})
}

func TestRunDelivers(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, api.Name, Migrations, func(t *testing.T, d *db.DB) {
		arrived := make(chan struct{})
		f := newSMTPFixture(t, d, smtptest.Options{OnData: func([]byte) error { close(arrived); return nil }})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- f.Run(ctx) }()
		f.send(activation("a"))
		select {
		case <-arrived:
		case <-time.After(20 * time.Second):
			t.Error("the mail did not arrive")
		}
		cancel()
		require.NoError(t, <-done)
		assert.Equal(t, 1, f.counted(stateSent))
	})
}

func TestNothingPersonalInTheLog(t *testing.T) {
	options := smtptest.Options{OnRcpt: func(to string) error {
		return smtptest.Reply(550, [3]int{5, 1, 1}, "no such user "+to)
	}}
	onEachSMTP(t, options, func(t *testing.T, f *fixture) {
		f.send(activation("a"))
		f.drain()
		require.Len(t, f.dead(), 1)
		log := f.log.String()
		assert.Contains(t, log, "given up")
		for _, secret := range []string{"mia", "example.com", "Best", link[len(link)-40:]} {
			assert.NotContains(t, log, secret)
		}
		assert.NotContains(t, strings.ToLower(f.dead()[0].Error), "mia")
	})
}
