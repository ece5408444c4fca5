package otlp_test

import (
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/gatehouse-id/gatehouse/pkg/obs/internal/otlp"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// prefix is that of the variables for all signals.
const prefix = "OTEL_EXPORTER_OTLP_"

var spans = []*tracepb.ResourceSpans{{ScopeSpans: []*tracepb.ScopeSpans{{Spans: []*tracepb.Span{{Name: "work"}}}}}}

// client makes a client that the variables, without their prefix, describe.
func client(t *testing.T, variables map[string]string) *otlp.Client {
	t.Helper()
	for name, value := range variables {
		t.Setenv(prefix+name, value)
	}
	c, err := otlp.NewClient()
	require.NoError(t, err)
	c.Hasten()
	t.Cleanup(func() { assert.NoError(t, c.Stop(context.WithoutCancel(t.Context()))) })
	return c
}

// serve starts a collector.
func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// names are those of the spans in a request.
func names(t *testing.T, r *http.Request) []string {
	t.Helper()
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		unpacked, err := gzip.NewReader(r.Body)
		if err != nil {
			t.Error(err)
			return nil
		}
		body = unpacked
	}
	encoded, err := io.ReadAll(body)
	assert.NoError(t, err)
	var request collector.ExportTraceServiceRequest
	assert.NoError(t, proto.Unmarshal(encoded, &request))
	var all []string
	for _, resource := range request.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				all = append(all, span.GetName())
			}
		}
	}
	return all
}

func TestWhatIsSent(t *testing.T) {
	for name, tt := range map[string]struct {
		variables map[string]string
		path      string
		headers   map[string]string
	}{
		"for all signals":  {map[string]string{"ENDPOINT": ""}, "/v1/traces", nil},
		"below a path":     {map[string]string{"ENDPOINT": "/otlp/"}, "/otlp/v1/traces", nil},
		"for traces":       {map[string]string{"TRACES_ENDPOINT": "/here"}, "/here", nil},
		"traces go before": {map[string]string{"ENDPOINT": "/x", "TRACES_ENDPOINT": ""}, "/", nil},
		"compressed":       {map[string]string{"ENDPOINT": "", "COMPRESSION": "gzip"}, "/v1/traces", map[string]string{"Content-Encoding": "gzip"}},
		"not compressed after all": {
			map[string]string{"ENDPOINT": "", "COMPRESSION": "gzip", "TRACES_COMPRESSION": "none"}, "/v1/traces", map[string]string{"Content-Encoding": ""},
		},
		"with headers": {
			map[string]string{"ENDPOINT": "", "HEADERS": "authorization=Basic%20eDp5PQ==, x-tenant = a,"},
			"/v1/traces", map[string]string{"Authorization": "Basic eDp5PQ==", "X-Tenant": "a"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			came := make(chan *http.Request, 1)
			s := serve(t, func(_ http.ResponseWriter, r *http.Request) {
				assert.Equal(t, []string{"work"}, names(t, r))
				came <- r
			})
			for _, endpoint := range []string{"ENDPOINT", "TRACES_ENDPOINT"} {
				if path, ok := tt.variables[endpoint]; ok {
					tt.variables[endpoint] = s.URL + path
				}
			}
			require.NoError(t, client(t, tt.variables).UploadTraces(t.Context(), spans))
			r := <-came
			assert.Equal(t, tt.path, r.URL.Path)
			assert.Equal(t, "application/x-protobuf", r.Header.Get("Content-Type"))
			for name, value := range tt.headers {
				assert.Equal(t, value, r.Header.Get(name), name)
			}
		})
	}
}

func TestCertificates(t *testing.T) {
	ca := testkit.CA(t)
	files := ca.Issue("collector")
	pair, err := tls.LoadX509KeyPair(files.Cert, files.Key)
	require.NoError(t, err)
	trusted := x509.NewCertPool()
	require.True(t, trusted.AppendCertsFromPEM(ca.PEM()))
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: trusted, ClientAuth: tls.RequireAndVerifyClientCert}
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	s.StartTLS()
	t.Cleanup(s.Close)

	own := ca.Issue("mail")
	require.NoError(t, client(t, map[string]string{
		"ENDPOINT": s.URL, "CERTIFICATE": own.CA, "CLIENT_CERTIFICATE": own.Cert, "CLIENT_KEY": own.Key,
	}).UploadTraces(t.Context(), spans))
	require.Error(t, client(t, map[string]string{"CERTIFICATE": testkit.CA(t).Issue("mail").CA}).UploadTraces(t.Context(), spans), "another authority")
}

func TestRetries(t *testing.T) {
	for status, tries := range map[int]int64{
		http.StatusTooManyRequests: 3, http.StatusBadGateway: 3, http.StatusServiceUnavailable: 3, http.StatusGatewayTimeout: 3,
		http.StatusBadRequest: 1, http.StatusInternalServerError: 1, http.StatusNotFound: 1, http.StatusTemporaryRedirect: 1,
	} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			var count atomic.Int64
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				assert.Equal(t, []string{"work"}, names(t, r), "each time anew")
				if count.Add(1) < 3 {
					w.Header().Set("Location", "/elsewhere")
					w.WriteHeader(status)
				}
			})
			err := client(t, map[string]string{"ENDPOINT": s.URL}).UploadTraces(t.Context(), spans)
			assert.Equal(t, tries, count.Load())
			if tries == 1 {
				require.ErrorContains(t, err, fmt.Sprint(status))
				return
			}
			require.NoError(t, err)
		})
	}
}

func TestACollectorThatAsksForMoreTimeThanThereIs(t *testing.T) {
	// The last one is more than a time.Duration can hold.
	for _, seconds := range []string{"3600", "9223372036854775807"} {
		t.Run(seconds, func(t *testing.T) {
			var count atomic.Int64
			s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				count.Add(1)
				w.Header().Set("Retry-After", seconds)
				w.WriteHeader(http.StatusServiceUnavailable)
			})
			require.ErrorContains(t, client(t, map[string]string{"ENDPOINT": s.URL}).UploadTraces(t.Context(), spans), "503")
			assert.EqualValues(t, 1, count.Load())
		})
	}
}

func TestRejectedSpans(t *testing.T) {
	for name, tt := range map[string]struct {
		partial *collector.ExportTracePartialSuccess
		want    string
	}{
		"none":    {nil, ""},
		"some":    {&collector.ExportTracePartialSuccess{RejectedSpans: 300, ErrorMessage: "too old"}, `rejects 300 spans: "too old"`},
		"a hint":  {&collector.ExportTracePartialSuccess{ErrorMessage: "use gzip"}, `rejects 0 spans: "use gzip"`},
		"nothing": {&collector.ExportTracePartialSuccess{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				answer, err := proto.Marshal(&collector.ExportTraceServiceResponse{PartialSuccess: tt.partial})
				assert.NoError(t, err)
				w.Header().Set("Content-Type", "application/x-protobuf")
				_, _ = w.Write(answer)
			})
			err := client(t, map[string]string{"ENDPOINT": s.URL}).UploadTraces(t.Context(), spans)
			if tt.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tt.want)
		})
	}
	for _, nonsense := range []string{"\x0a", "\x0a\xff\xff", "\xff\xff\xff", "\x0a\x02\x08", "<html>"} {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/x-protobuf")
			_, _ = io.WriteString(w, nonsense)
		})
		require.NoError(t, client(t, map[string]string{"ENDPOINT": s.URL}).UploadTraces(t.Context(), spans), "%q", nonsense)
	}
}

// A collector that hangs must not keep the process from ending.
func TestStopEndsWhatIsBeingSent(t *testing.T) {
	asked, ended := make(chan struct{}), make(chan struct{})
	s := serve(t, func(http.ResponseWriter, *http.Request) {
		close(asked)
		<-ended
	})
	c := client(t, map[string]string{"ENDPOINT": s.URL, "TIMEOUT": "3600000"})
	failed := make(chan error, 1)
	go func() { failed <- c.UploadTraces(t.Context(), spans) }()
	<-asked
	require.NoError(t, c.Stop(t.Context()))
	require.ErrorIs(t, <-failed, context.Canceled)
	close(ended)
}

func TestATryTakesNoLongerThanTheTimeout(t *testing.T) {
	ended := make(chan struct{})
	var count atomic.Int64
	s := serve(t, func(http.ResponseWriter, *http.Request) {
		if count.Add(1) == 1 {
			<-ended
		}
	})
	defer close(ended)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, client(t, map[string]string{"ENDPOINT": s.URL, "TIMEOUT": "200"}).UploadTraces(ctx, spans), "the second try")
	assert.GreaterOrEqual(t, count.Load(), int64(2))
}

func TestWrongSettingsAreToldAtOnce(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	for name, value := range map[string]string{
		"ENDPOINT": "collector:4318", "TRACES_ENDPOINT": "ftp://u:hunter2@collector", "HEADERS": "hunter2", "TRACES_HEADERS": "a b=hunter2",
		"TIMEOUT": "10s", "TRACES_TIMEOUT": "-1", "COMPRESSION": "zstd", "CERTIFICATE": empty, "TRACES_CERTIFICATE": empty + ".not",
		"CLIENT_KEY": empty, "CLIENT_CERTIFICATE": empty,
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(prefix+name, value)
			_, err := otlp.NewClient()
			require.ErrorContains(t, err, prefix+name)
			assert.NotContains(t, err.Error(), "hunter2")
		})
	}
	t.Setenv(prefix+"ENDPOINT", "://")
	t.Setenv(prefix+"TIMEOUT", "x")
	_, err := otlp.NewClient()
	require.ErrorContains(t, err, "ENDPOINT")
	require.ErrorContains(t, err, "TIMEOUT")
}
