package logo

import (
	"bytes"
	"context"
	"image"
	"image/png"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/picture"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/fetch"
)

func aPNG(t *testing.T, width, height int) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, image.NewGray(image.Rect(0, 0, width, height))))
	return b.Bytes()
}

// logos fetch from this machine, too, if they may.
func logos(local bool, patience time.Duration) *Logos {
	var allowed []netip.Prefix
	if local {
		allowed = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	}
	return New(Options{Fetcher: fetch.New(allowed), Logger: slog.New(slog.DiscardHandler), Patience: patience})
}

func sends(data []byte, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		_, _ = w.Write(data)
	}
}

func TestWhatIsTakenAsALogo(t *testing.T) {
	t.Parallel()
	good := aPNG(t, 512, 128)
	elsewhere := httptest.NewServer(sends(good))
	t.Cleanup(elsewhere.Close)
	svg := []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`)
	for name, tt := range map[string]struct {
		handler http.HandlerFunc
		want    error // nil: it is taken
		refused bool  // for another reason
	}{
		"a picture":                  {handler: sends(good)},
		"whatever its type is said":  {handler: sends(good, "Content-Type", "text/html")},
		"with something behind it":   {handler: sends(append(bytes.Clone(good), "<script>alert(1)</script>"...))},
		"SVG with a script":          {handler: sends(svg, "Content-Type", "image/svg+xml"), want: picture.ErrNone},
		"SVG that is said to be PNG": {handler: sends(svg, "Content-Type", "image/png"), want: picture.ErrNone},
		"a page":                     {handler: sends([]byte("<!doctype html>")), want: picture.ErrNone},
		"nothing":                    {handler: sends(nil), want: picture.ErrNone},
		"half of it":                 {handler: sends(good[:len(good)/2]), want: picture.ErrNone},
		"many bytes":                 {handler: sends(append(bytes.Clone(good), make([]byte, MaxBytes)...)), refused: true},
		"many pixels":                {handler: sends(aPNG(t, 5000, 4000)), want: picture.ErrTooCostly},
		"an error":                   {handler: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, refused: true},
		"a redirect": {handler: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusFound)
		}, refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(tt.handler)
			defer server.Close()
			drawn, err := logos(true, time.Minute).fetch(t.Context(), server.URL+"/logo.png")
			if tt.want != nil || tt.refused {
				require.Error(t, err)
				if tt.want != nil {
					require.ErrorIs(t, err, tt.want)
				}
				return
			}
			require.NoError(t, err)
			require.NotContains(t, string(drawn.Data), "script")
			size, _, err := image.DecodeConfig(bytes.NewReader(drawn.Data))
			require.NoError(t, err)
			require.Equal(t, 256, size.Width)
			require.Equal(t, 64, size.Height)
		})
	}
}

func TestASlowSiteIsLeft(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	defer server.Close()
	_, err := logos(true, time.Millisecond).fetch(t.Context(), server.URL)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestPrivateAddressesAreNotAsked(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was asked") }))
	defer server.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(server.URL, "https://"), ":")
	for _, address := range []string{
		server.URL, "https://localhost:" + port, "https://[::1]:" + port, "https://169.254.169.254/", "http://example.org/logo.png", "file:///etc/passwd",
	} {
		_, err := logos(false, time.Minute).fetch(t.Context(), address)
		require.Error(t, err, address)
	}
}
