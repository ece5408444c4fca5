package oauth

import (
	"bytes"
	"context"
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/config"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// logoSite has a logo, until it is broken.
type logoSite struct {
	address string
	asked   atomic.Int64
	broken  atomic.Bool
	gate    chan struct{} // nil: open
}

func newLogoSite(t *testing.T, gate chan struct{}) *logoSite {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, image.NewGray(image.Rect(0, 0, 64, 64))))
	s := &logoSite{gate: gate}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s.asked.Add(1)
		if s.gate != nil {
			<-s.gate
		}
		if s.broken.Load() {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = w.Write(b.Bytes())
	}))
	t.Cleanup(server.Close)
	s.address = server.URL + "/logo.png"
	return s
}

// withLogo is a client with a logo there.
func (h *harness) withLogo(address string) oauth.Client {
	h.t.Helper()
	return h.web(func(r *oauth.CreateClientRequest) { r.LogoURI = address }).Client
}

func (h *harness) logo(c oauth.Client) (oauth.Logo, error) {
	return h.service.Logo(h.t.Context(), oauth.LogoRequest{Client: c.Hash})
}

// fetchesLogosLocally lets logos be on this machine, which takes more than that clients
// may name addresses there.
func (h *harness) fetchesLogosLocally() {
	h.t.Helper()
	h.logosAt = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	h.config.FetchAllow = []config.Network{{Prefix: h.logosAt[0]}}
	h.restart()
}

func TestLogosAreFetchedNowAndThen(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		h.fetchesLogosLocally()
		site := newLogoSite(t, nil)
		c := h.withLogo(site.address)
		shown := func(asked int64, why string) {
			t.Helper()
			logo, err := h.logo(c)
			require.NoError(t, err, why)
			assert.Equal(t, "image/jpeg", logo.MIME)
			assert.NotEmpty(t, logo.Data)
			assert.Equal(t, asked, site.asked.Load(), why)
		}
		shown(1, "at first")
		h.clock.Advance(23 * time.Hour)
		shown(1, "of today")
		h.restart()
		shown(1, "another process has it, too")
		h.clock.Advance(time.Hour)
		shown(2, "of tomorrow")
		site.broken.Store(true)
		h.clock.Advance(24 * time.Hour)
		shown(3, "what there was")
		shown(3, "and nobody is pressed")

		// Another address has another logo, or none; that is found out anew.
		update := oauth.UpdateClientRequest{ID: c.ID, Changes: []byte(`{"logo_uri":"` + site.address + `?2"}`)}
		_, err := h.service.UpdateClient(t.Context(), update)
		require.NoError(t, err)
		for range 2 {
			_, err = h.logo(c)
			require.True(t, fault.Is(err, fault.NotFound))
		}
		assert.Equal(t, int64(3), site.asked.Load(), "it was asked just now")
		h.clock.Advance(time.Minute)
		for range 2 {
			_, err = h.logo(c)
			require.True(t, fault.Is(err, fault.NotFound))
		}
		assert.Equal(t, int64(4), site.asked.Load())
		site.broken.Store(false)
		h.clock.Advance(time.Hour)
		shown(5, "it is there again")
		_, err = h.service.DeleteClient(t.Context(), oauth.ClientRequest{ID: c.ID})
		require.NoError(t, err)
		_, err = h.logo(c)
		require.True(t, fault.Is(err, fault.NotFound))
		var left int
		require.NoError(t, h.db.QueryRow(t.Context(), `SELECT COUNT(*) FROM client_logos`).Scan(&left))
		assert.Zero(t, left)
	})
}

func TestWhoHasNoLogo(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		h.fetchesLogosLocally()
		site := newLogoSite(t, nil)
		unvetted := h.withLogo(site.address)
		_, err := h.db.Exec(t.Context(), "UPDATE clients SET registration = 'open' WHERE id = $1", unvetted.ID)
		require.NoError(t, err)
		for name, c := range map[string]oauth.Client{
			"names none": h.web().Client, "nobody has vetted it": unvetted, "unknown": {Hash: alice}, "no hash": {}, "not UTF-8": {Hash: "\xff"},
		} {
			_, err := h.logo(c)
			require.True(t, fault.Is(err, fault.NotFound), "%s: %v", name, err)
		}
		assert.Zero(t, site.asked.Load())
		shown, err := h.service.GetClient(t.Context(), oauth.ClientRequest{ID: unvetted.ID})
		require.NoError(t, err)
		assert.False(t, shown.Vetted)

		// Nor is a private network asked, whatever else may be there.
		vetted := h.withLogo(site.address)
		h.logosAt = nil
		h.restart()
		_, err = h.logo(vetted)
		require.True(t, fault.Is(err, fault.NotFound))
		assert.Zero(t, site.asked.Load())
	})
}

// Sites that do not answer keep a few places busy, and each logo no more than one.
func TestLogosAreFetchedAFewAtATime(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		h.fetchesLogosLocally()
		gate := make(chan struct{})
		site := newLogoSite(t, gate)
		const places = 8
		answers := make(chan error, 2*places)
		for range places {
			c := h.withLogo(site.address)
			for range 2 {
				go func() {
					_, err := h.logo(c)
					answers <- err
				}()
			}
		}
		require.Eventually(t, func() bool { return site.asked.Load() == places }, 20*time.Second, time.Millisecond)
		one := h.withLogo(site.address)
		_, err := h.logo(one)
		require.True(t, fault.Is(err, fault.Unavailable), "%v", err)
		close(gate)
		for range cap(answers) {
			require.NoError(t, <-answers)
		}
		_, err = h.logo(one)
		require.NoError(t, err)
		assert.Equal(t, int64(places+1), site.asked.Load())
	})
}

// A client that names one address after the other has no more looked for than one
// that stays.
func TestALogoThatMovesIsLookedForOnceInAMinute(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		h.fetchesLogosLocally()
		site := newLogoSite(t, nil)
		c := h.withLogo(site.address)
		_, err := h.logo(c)
		require.NoError(t, err)
		for _, query := range []string{"?2", "?3", "", "?4"} {
			h.moves(c, site.address+query)
			_, _ = h.logo(c)
		}
		assert.Equal(t, int64(1), site.asked.Load())
		h.clock.Advance(time.Minute)
		_, err = h.logo(c)
		require.NoError(t, err)
		h.moves(c, site.address)
		_, err = h.logo(c)
		require.True(t, fault.Is(err, fault.NotFound), "what was at the other address is not shown")
		assert.Equal(t, int64(2), site.asked.Load())
	})
}

func (h *harness) moves(c oauth.Client, address string) {
	h.t.Helper()
	_, err := h.service.UpdateClient(h.t.Context(), oauth.UpdateClientRequest{ID: c.ID, Changes: []byte(`{"logo_uri":"` + address + `"}`)})
	require.NoError(h.t, err)
}

// Of two processes one fetches a logo, and the other waits for it: the page that names
// it has been shown already.
func TestALogoIsFetchedByOne(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		h.fetchesLogosLocally()
		site := newLogoSite(t, make(chan struct{}))
		first, c := h.service, h.withLogo(site.address)
		h.restart()
		answers := make(chan error, 2)
		logoBy(t, first, c, answers)
		logoBy(t, h.service, c, answers)
		soon, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		require.NoError(t, h.clock.BlockUntilContext(soon, 1), "one of the two waits")
		require.Eventually(t, func() bool { return site.asked.Load() == 1 }, 20*time.Second, time.Millisecond)
		close(site.gate)
		require.NoError(t, <-answers)
		require.NoError(t, h.passing(time.Second, answers))
		assert.Equal(t, int64(1), site.asked.Load())
	})
}

// Where the one that fetches it finds none, nobody waits; where it does not survive,
// nobody waits for long, nor tries again.
func TestALogoThatOneHasMissed(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		h.fetchesLogosLocally()
		site := newLogoSite(t, make(chan struct{}))
		lost := h.withLogo(site.address)
		left, waiting := make(chan error, 1), make(chan error, 1)
		logoBy(t, h.service, lost, left)
		require.Eventually(t, func() bool { return site.asked.Load() == 1 }, 20*time.Second, time.Millisecond)
		h.restart()
		began := h.clock.Now()
		logoBy(t, h.service, lost, waiting)
		require.True(t, fault.Is(h.passing(time.Second, waiting), fault.NotFound))
		assert.WithinDuration(t, began, h.clock.Now(), 10*time.Second)
		assert.Equal(t, int64(1), site.asked.Load(), "nor does another one try")
		h.clock.Advance(time.Minute)
		_, err := h.logo(lost)
		require.True(t, fault.Is(err, fault.NotFound), "later on it is not waited for")
		close(site.gate)
		require.NoError(t, <-left)
		_, err = h.logo(lost)
		require.NoError(t, err, "it was only slow")

		site.broken.Store(true)
		missed := h.withLogo(site.address)
		for range 2 {
			_, err = h.logo(missed)
			require.True(t, fault.Is(err, fault.NotFound))
			h.restart() // another process knows
		}
		assert.Equal(t, int64(2), site.asked.Load())
	})
}

// logoBy asks a process for a logo.
func logoBy(t *testing.T, s *Service, c oauth.Client, answers chan<- error) {
	t.Helper()
	go func() {
		_, err := s.Logo(t.Context(), oauth.LogoRequest{Client: c.Hash})
		answers <- err
	}()
}

// passing lets time pass where somebody waits, until there is an answer.
func (h *harness) passing(step time.Duration, answer <-chan error) (err error) {
	h.t.Helper()
	now, cancel := context.WithCancel(h.t.Context())
	cancel()
	require.Eventually(h.t, func() bool {
		select {
		case err = <-answer:
			return true
		default:
		}
		if h.clock.BlockUntilContext(now, 1) == nil {
			h.clock.Advance(step)
		}
		return false
	}, 20*time.Second, time.Millisecond)
	return err
}
