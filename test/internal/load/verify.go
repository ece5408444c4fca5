package load

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// Expect says what a drill may have cost.
type Expect struct {
	// Repeats allows that a mail arrives twice, with the same Message-ID: of a mail
	// service, or its database, that dies between the server's acceptance and its
	// note of it.
	Repeats bool
	// MailWithin is how long mails may wait; 0 is two minutes.
	MailWithin time.Duration
}

// looked bounds how many of the sessions that ended are tried again.
const looked = 20

// Verify makes sure that what was acknowledged holds: everybody has had their one
// mail, open sessions are good and ended ones are refused at every gateway,
// families of refresh tokens are one, and hubs are called what they were called
// last. The load rests meanwhile, but for the mails.
func (l *Load) Verify(t testing.TB, e Expect) {
	t.Helper()
	l.verifyMails(t, e)
	l.gate.Lock()
	defer l.gate.Unlock()
	l.verifySessions(t)
	l.verifyFamilies(t)
	l.verifyHubs(t)
	l.ledger.with(func() {
		assert.Empty(t, l.ledger.broken, "promises that were broken")
		l.ledger.broken = nil // once is enough
	})
}

// Lost is how many families of refresh tokens have ended because their client
// came back later than the grace allows for an answer that was lost.
func (l *Load) Lost() (lost int) {
	l.ledger.with(func() { lost = l.ledger.lost })
	return lost
}

func (l *Load) verifyMails(t testing.TB, e Expect) {
	t.Helper()
	var registered, attempted map[string]time.Time
	l.ledger.with(func() { registered, attempted = maps.Clone(l.ledger.registered), maps.Clone(l.ledger.attempted) })
	within := e.MailWithin
	if within == 0 {
		within = 2 * time.Minute
	}
	var missing []string
	require.Eventually(t, func() bool {
		missing = nil
		for email := range registered {
			if len(l.options.Sink.To(email)) == 0 {
				missing = append(missing, email)
			}
		}
		return len(missing) == 0
	}, within, 50*time.Millisecond, "a mail to everybody who has registered (%v)", &missing)
	for email := range attempted {
		mails := l.options.Sink.To(email)
		ids := map[string]bool{}
		for _, m := range mails {
			ids[m.ID] = true
		}
		assert.LessOrEqual(t, len(ids), 1, "different mails to %s", email)
		if !e.Repeats {
			assert.LessOrEqual(t, len(mails), 1, "a mail to %s came twice", email)
		}
	}
	require.NoError(t, l.options.Sink.Odd())
	l.verifyLink(t, registered)
}

// verifyLink opens the link of whoever registered last: the mail is good for
// something.
func (l *Load) verifyLink(t testing.TB, registered map[string]time.Time) {
	t.Helper()
	var last string
	for email, at := range registered {
		if last == "" || at.After(registered[last]) {
			last = email
		}
	}
	if last == "" {
		return
	}
	l.ledger.with(func() { delete(l.ledger.registered, last) }) // the link is for once
	link := l.options.System.AwaitLink(t, last)
	a := l.definite(t, l.options.System.URL, http.MethodPost, "/v1/auth/verification/"+link, "")
	assert.Equal(t, http.StatusOK, a.status, "the link of a registration: %s", a.body)
}

// definite calls a gateway until the answer is one.
func (l *Load) definite(t testing.TB, origin, method, path, token string) (a answer) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: l.options.Timeout} // to the very gateway
	system.Eventually(t, "a definite answer", func() bool {
		var err error
		a, err = call(t.Context(), client, method, origin+path, token, nil)
		return err == nil
	})
	return a
}

func (l *Load) verifySessions(t testing.TB) {
	t.Helper()
	for _, gateway := range l.options.System.Gateways() {
		for token := range l.ledger.open {
			a := l.definite(t, gateway.Origin, http.MethodGet, "/v1/auth", token)
			assert.Equal(t, http.StatusOK, a.status, "a session that is open is refused at %s: %s", gateway.Name, a.body)
		}
		ended := slices.SortedFunc(maps.Keys(l.ledger.ended), func(a, b string) int {
			return l.ledger.ended[b].Compare(l.ledger.ended[a])
		})
		for _, token := range ended[:min(looked, len(ended))] {
			if time.Since(l.ledger.ended[token]) <= bound {
				continue // it is the next time's
			}
			a := l.definite(t, gateway.Origin, http.MethodGet, "/v1/auth", token)
			assert.Equal(t, http.StatusUnauthorized, a.status, "a session that was logged out lives at %s", gateway.Name)
		}
	}
}

// verifyFamilies uses the newest token of every family, and sees one end for the
// reuse of a token that was replaced long ago.
func (l *Load) verifyFamilies(t testing.TB) {
	t.Helper()
	l.ledger.families = slices.DeleteFunc(l.ledger.families, func(f *family) bool { return f.gone })
	reused := false
	for _, f := range l.ledger.families {
		system.Eventually(t, "a definite answer to a refresh", func() bool { return l.checker.rotate(t.Context(), f) == nil })
		if f.gone {
			continue // rotate has noted why
		}
		system.Eventually(t, "a definite answer to a repeated refresh", func() bool { return l.checker.repeat(t.Context(), f) == nil })
		if len(f.before) >= 2 && !reused {
			l.verifyReuse(t, f)
			reused = true
		}
	}
	// The next time's are new ones, and those that are refreshed all the time.
	l.ledger.families = slices.DeleteFunc(l.ledger.families, func(f *family) bool { return f.gone || f.idle })
}

func (l *Load) verifyReuse(t testing.TB, f *family) {
	t.Helper()
	f.gone = true
	for _, token := range []string{f.before[len(f.before)-2], f.newest} {
		var code string
		system.Eventually(t, "a definite answer to a reuse", func() bool {
			_, err := l.checker.present(context.WithoutCancel(t.Context()), token)
			code = refused(err)
			return err == nil || code != ""
		})
		assert.Equal(t, "invalid_grant", code, "a family lives on after the reuse of a token")
	}
}

func (l *Load) verifyHubs(t testing.TB) {
	t.Helper()
	for hash, h := range l.ledger.hubs {
		a := l.definite(t, l.options.System.URL, http.MethodGet, "/v1/hub/"+hash, h.token)
		var data struct {
			Name string `json:"name"`
		}
		require.NoError(t, json.Unmarshal(a.Data, &data), "%s", a.body)
		assert.Contains(t, append([]string{h.name}, h.maybe...), data.Name, "the name of a hub")
	}
}
