package sessions

import (
	"encoding/json"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

func TestASessionEndsByItsHashForItsUserAlone(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		expired := f.open(login(olli, nil))
		f.clock.Advance(shortLife)
		token, other, narrow := f.open(login(olli, ref(1))), f.open(login(mia, ref(1))), f.open(step(sessions.ScopeCode))
		for _, hash := range []string{
			other.Session.Hash, narrow.Session.Hash, expired.Session.Hash, strings.Repeat("0", 40), strings.ToUpper(token.Session.Hash), "\xff",
			strconv.FormatInt(token.Session.ID, 10),
		} {
			// What else it may name, the hash counts.
			_, err := f.End(t.Context(), sessions.EndRequest{Session: token.Session.ID, Hash: hash, User: olli})
			requireFault(t, err, fault.NotFound, "fault.not_found")
		}
		_, err := f.End(t.Context(), sessions.EndRequest{Hash: token.Session.Hash})
		requireFault(t, err, fault.Invalid, "fault.invalid")
		_, err = f.End(t.Context(), sessions.EndRequest{Hash: token.Session.Hash, User: mia})
		requireFault(t, err, fault.NotFound, "fault.not_found")
		f.good(token, other, narrow)
		assert.Empty(t, f.audited())

		request := sessions.EndRequest{Hash: token.Session.Hash, User: olli, Origin: browser}
		done, err := f.End(t.Context(), request)
		require.NoError(t, err)
		assert.Equal(t, sessions.Ended{Session: token.Session.ID}, done)
		f.over(token)
		f.good(other, narrow)
		_, err = f.End(t.Context(), request)
		requireFault(t, err, fault.NotFound, "fault.not_found")
		records := f.audited()
		require.Len(t, records, 1)
		assert.Equal(t, "session.ended", records[0].Kind)
		assert.Equal(t, browser, records[0].Origin)
	})
}

func TestASessionEndsByItsHashOnce(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		token := f.open(login(olli, nil))
		var all sync.WaitGroup
		var ended atomic.Int64
		for range 4 {
			all.Go(func() {
				_, err := f.End(t.Context(), sessions.EndRequest{Hash: token.Session.Hash, User: olli})
				if err == nil {
					ended.Add(1)
					return
				}
				assert.Equal(t, fault.NotFound, fault.From(err).Kind)
			})
		}
		all.Wait()
		assert.EqualValues(t, 1, ended.Load())
		f.clock.Advance(time.Second)
		f.over(token)
	})
}

// What a version says that knows no hash, and what it hears.
func TestAnEndAmongVersions(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(sessions.EndRequest{Session: 5, User: 1})
	require.NoError(t, err)
	assert.JSONEq(t, `{"session":5,"user":1}`, string(text), "as ever")
	text, err = json.Marshal(sessions.EndRequest{Hash: "0a", User: 1})
	require.NoError(t, err)
	assert.JSONEq(t, `{"session":0,"hash":"0a","user":1}`, string(text), "of which an older one finds no session")
	var done sessions.Ended
	require.NoError(t, json.Unmarshal([]byte(`{}`), &done))
	assert.Zero(t, done.Session)
}
