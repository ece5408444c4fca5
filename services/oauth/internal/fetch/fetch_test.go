package fetch

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func loopback() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
}

func serve(t *testing.T, h http.HandlerFunc) (string, *atomic.Int64) {
	t.Helper()
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		h(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, &asked
}

func TestWhichAddressesAreOnes(t *testing.T) {
	t.Parallel()
	strict, relaxed := New(nil), New(loopback())
	for address, want := range map[string]struct{ strict, relaxed bool }{
		"https://example.org/keys":                     {true, true},
		"https://example.org:8443/keys?a=b":            {true, true},
		"http://example.org/keys":                      {false, true},
		"":                                             {false, false},
		"example.org/keys":                             {false, false},
		"//example.org/keys":                           {false, false},
		"https://":                                     {false, false},
		"https:///keys":                                {false, false},
		"https:example.org":                            {false, false},
		"https://user@example.org/":                    {false, false},
		"https://example.org/#a":                       {false, false},
		"https://example.org/a b":                      {false, false},
		"https://example.org/\n":                       {false, false},
		"https://exämple.org/":                         {false, false},
		"file:///etc/passwd":                           {false, false},
		"gopher://example.org/":                        {false, false},
		"https://e.org/" + strings.Repeat("a", MaxURL): {false, false},
	} {
		assert.Equal(t, want.strict, strict.Check(address) == nil, address)
		assert.Equal(t, want.relaxed, relaxed.Check(address) == nil, address)
	}
	_, err := strict.Get(t.Context(), "http://example.org", "*/*")
	require.ErrorIs(t, err, ErrAddress)
	_, err = strict.PostForm(t.Context(), "ftp://example.org", nil)
	require.ErrorIs(t, err, ErrAddress)
}

// Every address of a private network is refused before anything is sent, however
// it is written.
func TestPrivateNetworksAreOutOfReach(t *testing.T) {
	t.Parallel()
	address, asked := serve(t, func(http.ResponseWriter, *http.Request) {})
	_, port, _ := strings.Cut(strings.TrimPrefix(address, "http://"), ":")
	f := New([]netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")})
	for _, host := range []string{
		"127.0.0.1", "127.1.2.3", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]", "10.0.0.1", "172.16.0.1", "192.168.0.1",
		"169.254.169.254", "100.64.0.1", "[fe80::1]", "[fc00::1]", "224.0.0.1", "255.255.255.255", "[64:ff9b::7f00:1]",
		"localhost", // a name leads where the resolver says
	} {
		_, err := f.Get(t.Context(), "https://"+host+":"+port+"/", "*/*")
		require.Error(t, err, host)
		require.NotErrorIs(t, err, context.DeadlineExceeded, host)
		_, err = f.PostForm(t.Context(), "https://"+host+":"+port+"/", url.Values{})
		require.Error(t, err, host)
	}
	assert.Zero(t, asked.Load())
}

func TestAllowedNetworksAreReached(t *testing.T) {
	t.Parallel()
	address, asked := serve(t, func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "application/json", r.Header.Get("Accept"))
		w.Header().Set("Content-Type", "application/jwk-set+json")
		_, _ = io.WriteString(w, "{}")
	})
	document, err := New(loopback()).Get(t.Context(), address, "application/json")
	require.NoError(t, err)
	assert.Equal(t, "{}", string(document.Body))
	assert.Equal(t, "application/jwk-set+json", document.ContentType)
	assert.Equal(t, int64(1), asked.Load())
	// By name, too.
	_, err = New(loopback()).Get(t.Context(), strings.Replace(address, "127.0.0.1", "localhost", 1), "application/json")
	require.NoError(t, err)
}

func TestAnswersThatAreNotTaken(t *testing.T) {
	t.Parallel()
	elsewhere, asked := serve(t, func(http.ResponseWriter, *http.Request) {})
	f := New(loopback())
	for name, h := range map[string]http.HandlerFunc{
		"a redirect":     func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere, http.StatusFound) },
		"an error":       func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"no content":     func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
		"large":          func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, MaxBody+1)) },
		"a large header": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 20<<10)) },
		"a cut": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "9")
			_, _ = w.Write([]byte("x"))
		},
		"endless": func(w http.ResponseWriter, r *http.Request) { endless(w, r) },
	} {
		address, _ := serve(t, h)
		_, err := f.Get(t.Context(), address, "*/*")
		require.Error(t, err, name)
	}
	assert.Zero(t, asked.Load(), "the redirect was followed")
	address, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, MaxBody)) })
	_, err := f.Get(t.Context(), address, "*/*")
	assert.NoError(t, err)
}

func endless(w http.ResponseWriter, r *http.Request) {
	for r.Context().Err() == nil {
		if _, err := w.Write(make([]byte, 4096)); err != nil {
			return
		}
	}
}

// Who does not answer is left in good time, here by the caller's deadline.
func TestSlowAnswers(t *testing.T) {
	t.Parallel()
	address, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	f := New(loopback())
	assert.Equal(t, Timeout, f.client.Timeout)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := f.Get(ctx, address, "*/*")
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestForms(t *testing.T) {
	t.Parallel()
	var got atomic.Value
	address, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got.Store(r.PostFormValue("a"))
		w.WriteHeader(http.StatusNoContent)
	})
	status, err := New(loopback()).PostForm(t.Context(), address, url.Values{"a": {"b c"}})
	require.NoError(t, err)
	assert.Equal(t, http.StatusNoContent, status)
	assert.Equal(t, "b c", got.Load())
}

// However many are asked for, no site is asked more than so often at once.
func TestASiteIsNotCrowded(t *testing.T) {
	t.Parallel()
	var at, most atomic.Int64
	gate := make(chan struct{})
	address, asked := serve(t, func(http.ResponseWriter, *http.Request) {
		for n := at.Add(1); ; {
			if m := most.Load(); n <= m || most.CompareAndSwap(m, n) {
				break
			}
		}
		<-gate
		at.Add(-1)
	})
	f := New(loopback())
	f.client.Timeout = time.Minute // how long a busy machine takes is not what this is about
	var all sync.WaitGroup
	for range 3 * maxPerHost {
		all.Go(func() {
			_, err := f.Get(t.Context(), address, "*/*")
			assert.NoError(t, err)
		})
	}
	require.Eventually(t, func() bool { return asked.Load() == maxPerHost }, 30*time.Second, time.Millisecond)
	close(gate)
	all.Wait()
	assert.LessOrEqual(t, most.Load(), int64(maxPerHost))
}
