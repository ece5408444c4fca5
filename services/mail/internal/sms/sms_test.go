package sms

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace/noop"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, good := range []string{
		"https://sms.example.org", "https://sms.example.org:8443/v1/messages?tenant=1", "http://localhost:9999/", "http://127.0.0.1:1/sms", "http://[::1]/",
	} {
		require.NoError(t, Check(good), good)
	}
	for _, bad := range []string{
		"", "sms.example.org", "http://sms.example.org/", "http://localhost.example.org/", "ftp://localhost/", "https:///v1",
		"https://me:secret@sms.example.org/", "https://sms.example.org/#a", "https://%zz",
	} {
		err := Check(bad)
		require.Error(t, err, bad)
		assert.NotContains(t, err.Error(), "secret")
		_, err = New(Options{URL: bad, Tracer: noop.NewTracerProvider()})
		require.Error(t, err)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the number was given away") }))
	t.Cleanup(elsewhere.Close)
	server := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	t.Cleanup(server.Close)
	err := send(t, server.URL)
	require.Error(t, err)
	assert.False(t, Permanent(err))
}

func TestErrorsDoNotNameTheURL(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	address := server.URL + "/?key=geheim"
	err := send(t, address)
	require.Error(t, err)
	assert.True(t, Permanent(err))
	server.Close()
	err = send(t, address)
	require.Error(t, err)
	assert.False(t, Permanent(err))
	assert.NotContains(t, err.Error(), "geheim")
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]time.Duration{
		"": 0, "120": 2 * time.Minute, "-1": 0, "soon": 0, "Wed, 21 Oct 2026 07:28:00 GMT": 0, "99999999999999": 0,
	} {
		assert.Equal(t, want, retryAfter(http.Header{"Retry-After": {value}}), value)
	}
}

func send(t *testing.T, address string) error {
	t.Helper()
	g, err := New(Options{URL: address, Token: "t", Tracer: noop.NewTracerProvider()})
	require.NoError(t, err)
	return g.Send(t.Context(), Message{Key: "a", To: "+4915123456789", Text: "hello"})
}
