package mail

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

func TestAddressesThatAreRefused(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		for _, to := range []string{
			"", "mia", "@example.com", "mia@", "Mia <mia@example.com>", "<mia@example.com>", "mia@example.com, olli@example.com",
			"mia@example.com\r\nBcc: all@example.com", "mia@example.com\nDATA", "mia\x00@example.com", "mia@exa mple.com",
			`"mia"@example.com`, "mia(comment)@example.com", "mia@exam\u2028ple.com", "mia@ex\xffample.com",
			strings.Repeat("a", 250) + "@example.com", " mia@example.com", "mia@example.com ",
		} {
			r := activation("k")
			r.To = to
			_, err := f.Send(t.Context(), r)
			requireFault(t, err, fault.Invalid, "to")
		}
		assert.Zero(t, f.count(`SELECT COUNT(*) FROM mail_keys`), "a refused request uses no key up")
	})
}

func TestAddressesThatAreAccepted(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		for to, sent := range map[string]string{
			"mia@example.com":              "mia@example.com",
			"mia+gate@sub.example.com":     "mia+gate@sub.example.com",
			"o'hara@example.com":           "o'hara@example.com",
			"mia@müller.example":           "mia@xn--mller-kva.example",
			"jürgen@xn--mller-kva.example": "jürgen@xn--mller-kva.example",
			"root@localhost":               "root@localhost",
		} {
			r := activation(to)
			r.To = to
			f.send(r)
			f.drain()
			assert.Equal(t, sent, f.box()[0].To)
		}
	})
}

func TestLinksThatAreRefused(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		for _, url := range []string{
			"", "/link/1", "//id.example.org/link/1", "javascript:alert(1)", "ftp://id.example.org/1", "https:///link/1", "https:link",
			"https://id.example.org/a b", "https://id.example.org/a\nb", "https://id.example.org/\u202e", "https://user@evil.example/",
			"https://id.example.org/\"onclick", "https://id.example.org/" + strings.Repeat("a", maxURL),
		} {
			r := activation("k")
			r.Data = map[string]string{"url": url}
			_, err := f.Send(t.Context(), r)
			requireFault(t, err, fault.Invalid, "url")
		}
	})
}

func TestKeysThatAreRefused(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		for _, key := range []string{"", strings.Repeat("k", maxKey+1), "a\x00b", "a\xff", "a\nb"} {
			_, err := f.Send(t.Context(), activation(key))
			requireFault(t, err, fault.Invalid, "key")
		}
	})
}

func TestEveryTemplateInEveryLanguage(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		subjects := map[string]bool{}
		for _, name := range mail.Templates() {
			for language := range 2 {
				r := activation(string(name) + string(rune('0'+language)))
				r.Template, r.Language, r.Data = name, language, complete()
				f.send(r)
				f.drain()
				subjects[f.box()[0].Subject] = true
			}
		}
		assert.Len(t, subjects, 2*len(mail.Templates()))
	})
}

// The mailbox counts what is delivered, also after the outbox forgot the key.
func TestOneKeyIsOneMailForTwoMonths(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		f.send(activation("a"))
		f.drain()
		f.clock.Advance(60 * 24 * time.Hour)
		require.NoError(t, f.queues[mail.Email].Prune(t.Context()))
		require.NoError(t, f.sweep(t.Context()))
		require.Zero(t, f.count(`SELECT COUNT(*) FROM outbox`))
		again := activation("a")
		again.To = "olli@example.com"
		f.send(again)
		f.drain()
		require.Len(t, f.box(), 1)
		assert.Equal(t, 1, f.counted(stateAccepted))
		assert.Equal(t, 1, f.counted(stateRepeated))
		assert.Equal(t, 1, f.counted(stateSent))

		f.clock.Advance(time.Microsecond)
		require.NoError(t, f.sweep(t.Context()))
		require.Zero(t, f.count(`SELECT COUNT(*) FROM mail_keys`))
		f.send(again)
		assert.Equal(t, 2, f.counted(stateAccepted))
	})
}

func TestRunForgetsOldKeys(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		f.send(activation("a"))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- f.Run(ctx) }()
		require.NoError(t, f.clock.BlockUntilContext(ctx, 5)) // the sweep's turn, and of each queue its own and its house keeping
		f.clock.Advance(61 * 24 * time.Hour)
		require.Eventually(t, func() bool { return f.count(`SELECT COUNT(*) FROM mail_keys`) == 0 }, 20*time.Second, time.Millisecond)
		cancel()
		require.NoError(t, <-done)
	})
}

func TestTwoAtOnceAreOneMail(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		replicas := []*Service{f.Service, f.replica()}
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				_, err := replicas[i%2].Send(t.Context(), activation("a"))
				assert.NoError(t, err)
			})
		}
		all.Wait()
		f.drain()
		assert.Len(t, f.box(), 1)
		assert.Equal(t, 1, f.counted(stateAccepted))
	})
}

// The key is used up only with the mail.
func TestARollbackLeavesTheKey(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		broken := errors.New("broken")
		err := f.db.Tx(t.Context(), func(ctx context.Context, tx *db.Tx) error {
			fresh, err := f.claim(ctx, tx, "a")
			assert.True(t, fresh)
			return errors.Join(err, broken)
		})
		require.ErrorIs(t, err, broken)
		f.send(activation("a"))
		f.drain()
		assert.Len(t, f.box(), 1)
	})
}
