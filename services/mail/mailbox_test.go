package mail

import (
	"context"
	"io/fs"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
)

func retry(id int64) mail.RetryRequest { return mail.RetryRequest{ID: id} }

func (f *fixture) put(key string) {
	f.t.Helper()
	m := queued{Template: mail.Activation, To: recipient, Subject: key, Text: link}
	require.NoError(f.t, f.mailbox.put(f.t.Context(), key, m, f.clock.Now()))
}

// fill puts n mails, named by their numbers, at one blow.
func (f *fixture) fill(n int) {
	f.t.Helper()
	require.NoError(f.t, f.db.Tx(f.t.Context(), func(ctx context.Context, tx *db.Tx) error {
		for i := range n {
			key := strconv.Itoa(i)
			sealed, err := f.ring.Seal(sealing, []byte(`{"subject":"`+key+`"}`), []byte(key))
			require.NoError(f.t, err)
			_, err = tx.Exec(ctx, `INSERT INTO mailbox (mail_key, content, sent_time) VALUES ($1, $2, 0)`, key, sealed)
			require.NoError(f.t, err)
		}
		return nil
	}))
}

func TestMailboxListsTheNewestFirst(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		f.fill(maxListed)
		for i := range 3 {
			f.put(strconv.Itoa(maxListed + i))
		}
		box := f.box()
		require.Len(t, box, maxListed)
		assert.Equal(t, strconv.Itoa(maxListed+2), box[0].Subject)
		assert.Equal(t, "3", box[maxListed-1].Subject)
		assert.Equal(t, int64(maxListed), f.count(`SELECT COUNT(*) FROM mailbox`))
		for limit, want := range map[int]int{0: defaultListed, -1: defaultListed, 2: 2, maxListed + 1: maxListed} {
			listed, err := f.Mailbox(t.Context(), mail.MailboxRequest{Limit: limit})
			require.NoError(t, err)
			assert.Len(t, listed.Messages, want)
		}
	})
}

func TestMailboxHasEachMailOnce(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		f.put("a")
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				assert.NoError(t, f.mailbox.put(t.Context(), "a", queued{Subject: "again"}, f.clock.Now()))
			})
		}
		all.Wait()
		require.Len(t, f.box(), 1)
		assert.Equal(t, "a", f.box()[0].Subject)
	})
}

func TestNothingIsStoredInTheClear(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		f.send(activation("activation/1"))
		assertSealed(t, f, `SELECT payload FROM outbox`)
		f.drain()
		assertSealed(t, f, `SELECT content FROM mailbox`)
		assert.Equal(t, int64(1), f.count(`SELECT COUNT(*) FROM outbox WHERE payload IS NULL`), "wiped with the delivery")
	})
}

func assertSealed(t *testing.T, f *fixture, query string) {
	t.Helper()
	var stored []byte
	require.NoError(t, f.db.QueryRow(t.Context(), query).Scan(&stored))
	require.NotEmpty(t, stored)
	for _, secret := range []string{"mia", "example", link[len(link)-40:]} {
		assert.NotContains(t, string(stored), secret)
	}
}

func TestMigrationsHaveTheOutbox(t *testing.T) {
	t.Parallel()
	text, err := fs.ReadFile(Migrations, "0002_outbox.sql")
	require.NoError(t, err)
	assert.True(t, strings.HasSuffix(string(text), outbox.Schema))
}
