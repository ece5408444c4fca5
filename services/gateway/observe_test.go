package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/gatehouse-id/gatehouse/pkg/config"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/obs"
	"github.com/gatehouse-id/gatehouse/services/gateway"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/gatewaytest"
)

func tokenOf(t *testing.T, a answer) string {
	t.Helper()
	var data struct{ Token string }
	require.NoError(t, json.Unmarshal(a.envelope().Data, &data))
	require.NotEmpty(t, data.Token)
	return data.Token
}

// watched is a stage whose log and spans can be read.
type watched struct {
	*stage
	log   *bytes.Buffer
	spans *tracetest.SpanRecorder
}

func watch(t *testing.T, options ...option) watched {
	t.Helper()
	w := watched{log: &bytes.Buffer{}, spans: tracetest.NewSpanRecorder()}
	o, shutdown, err := obs.New(t.Context(), obs.Options{
		Service: "gateway", LogWriter: w.log, SpanProcessors: []sdktrace.SpanProcessor{w.spans},
	})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, shutdown(context.Background())) })
	w.stage = newStage(t, append(options, func(_ *gateway.Config, s *stage) { s.obs = o })...)
	return w
}

func (w watched) lines(t *testing.T) []map[string]any {
	t.Helper()
	var lines []map[string]any
	for line := range strings.Lines(w.log.String()) {
		var m map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &m), line)
		lines = append(lines, m)
	}
	return lines
}

func TestRequestsAreLoggedTracedAndCountedByRoute(t *testing.T) {
	t.Parallel()
	w := watch(t)
	a := w.do(t, request{
		method: http.MethodPost, path: "/v1/auth/verification/" + gatewaytest.ActivationLink, from: "198.51.100.7:1",
		header: map[string]string{"X-Request-Id": "my-request"},
	})
	a.succeeds(http.StatusOK)

	lines := w.lines(t)
	require.Len(t, lines, 1)
	assert.Equal(t, "request", lines[0]["msg"])
	assert.Equal(t, "my-request", lines[0]["request_id"])
	assert.Equal(t, "POST", lines[0]["method"])
	assert.Equal(t, "/v1/auth/verification/{verification}", lines[0]["route"])
	assert.EqualValues(t, http.StatusOK, lines[0]["status"])
	assert.Equal(t, "198.51.100.7", lines[0]["address"])

	spans := w.spans.Ended()
	require.Len(t, spans, 1)
	assert.Equal(t, "POST /v1/auth/verification/{verification}", spans[0].Name())
	assert.Equal(t, lines[0]["trace_id"], spans[0].SpanContext().TraceID().String())
	attributes := fmt.Sprint(spans[0].Attributes())
	assert.Contains(t, attributes, "my-request")
	assert.Contains(t, attributes, "198.51.100.7")

	assert.Equal(t, 1, testutil.CollectAndCount(w.obs.Registry, "gatehouse_http_request_duration_seconds"))
}

func TestLabelsAreBounded(t *testing.T) {
	t.Parallel()
	s := newStage(t, settings(unlimited))
	for i := range 50 {
		s.do(t, request{method: fmt.Sprintf("BREW%d", i), path: "/v1/auth"})
		s.do(t, request{method: http.MethodGet, path: fmt.Sprintf("/v1/nonsense/%d", i)})
		s.do(t, request{method: http.MethodPost, path: fmt.Sprintf("/v1/auth/verification/%040d", i)})
	}
	assert.Equal(t, 3, testutil.CollectAndCount(s.obs.Registry, "gatehouse_http_request_duration_seconds"))
}

func TestSecretsAreNeitherLoggedNorTraced(t *testing.T) {
	t.Parallel()
	w := watch(t)
	token := w.full()
	secrets := []string{gatewaytest.Password, gatewaytest.ActivationLink, token, "pat_secret", "wrong-password", "code-in-query"}
	for _, q := range []request{
		{method: http.MethodPost, path: "/v1/auth", body: login},
		{method: http.MethodPost, path: "/v1/auth", body: `{"user": "a", "password": "wrong-password"}`},
		{method: http.MethodPost, path: "/v1/auth", body: `{"token": "pat_secret"}`},
		{method: http.MethodPost, path: "/v1/auth", body: `{"password": "wrong-password`},
		{method: http.MethodPost, path: "/v1/auth/verification/" + gatewaytest.ActivationLink},
		{method: http.MethodPost, path: "/v1/auth/verification/" + gatewaytest.ActivationLink},
		{method: http.MethodGet, path: "/v1/auth?code=code-in-query", token: token},
		{method: http.MethodGet, path: "/v1/auth", cookie: token},
		{method: http.MethodGet, path: "/v1/" + token},
		{method: http.MethodGet, path: "/v1/auth/" + token + "/x"},
	} {
		w.do(t, q)
	}
	told := w.log.String()
	for _, span := range w.spans.Ended() {
		told += fmt.Sprintln(span.Name(), span.Attributes(), span.Events(), span.Status())
	}
	for _, secret := range secrets {
		assert.NotContains(t, told, secret)
	}
}

func TestStrangersDoNotContinueTraces(t *testing.T) {
	t.Parallel()
	const trace = "0af7651916cd43dd8448eb211c80319c"
	parent := map[string]string{"traceparent": "00-" + trace + "-b7ad6b7169203331-01"}
	for name, c := range map[string]struct {
		believed  bool
		from      string
		continues bool
	}{
		"a stranger":                             {true, "198.51.100.7:1", false},
		"a proxy that passes on what it is sent": {false, "10.0.0.1:1", false},
		"a proxy that begins traces":             {true, "10.0.0.1:1", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := watch(t, settings(func(s *gateway.Config) {
				s.TrustedProxies, s.TraceProxies = []config.Network{network(t, "10.0.0.1")}, c.believed
			}))
			w.do(t, request{method: http.MethodGet, path: "/v1/auth", header: parent, from: c.from})
			spans := w.spans.Ended()
			require.Len(t, spans, 1)
			if c.continues {
				assert.Equal(t, trace, spans[0].SpanContext().TraceID().String())
				return
			}
			assert.NotEqual(t, trace, spans[0].SpanContext().TraceID().String())
			require.Len(t, spans[0].Links(), 1)
			assert.Equal(t, trace, spans[0].Links()[0].SpanContext.TraceID().String())
		})
	}
}

const detail = `pq: duplicate key value violates unique constraint "users_email" at 10.1.2.3:5432`

func TestFailuresOfOursShowNothingButAnID(t *testing.T) {
	t.Parallel()
	internal := fault.New(fault.Internal, "").Because(errors.New(detail))
	for name, err := range map[string]error{"an error": errors.New(detail), "a fault": internal} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := watch(t)
			w.accounts.Fail("Authenticate", err)
			a := w.do(t, request{method: http.MethodPost, path: "/v1/auth", body: login})
			f := a.fails(http.StatusInternalServerError)
			assert.Equal(t, "Something went wrong on our side.", f.Message)
			assertNoDetail(t, a)

			lines := w.lines(t)
			require.Len(t, lines, 2)
			assert.Equal(t, f.ID, lines[0]["fault_id"])
			assert.Contains(t, lines[0]["error"], "users_email")
			assert.Equal(t, a.Header().Get("X-Request-Id"), lines[0]["request_id"])
		})
	}
}

func assertNoDetail(t *testing.T, a answer) {
	t.Helper()
	all := fmt.Sprint(a.Header(), a.Body.String())
	for _, part := range []string{"pq:", "users_email", "10.1.2.3", "goroutine", ".go:", "panic"} {
		assert.NotContains(t, all, part)
	}
}

func TestPanicsAreAnswered(t *testing.T) {
	t.Parallel()
	w := watch(t)
	w.accounts.Service = nil
	w.mail.Err = nil
	w.public = func(http.ResponseWriter, *http.Request) { panic(detail) }
	a := w.do(t, request{method: http.MethodGet, path: "/oauth2/userinfo"})
	assert.Equal(t, http.StatusInternalServerError, a.Code)
	assert.JSONEq(t, `{"error":"server_error","error_description":"Something went wrong on our side."}`, a.Body.String())
	assertNoDetail(t, a)
	lines := w.lines(t)
	require.Len(t, lines, 2)
	assert.Contains(t, lines[0]["error"], "users_email")
	assert.EqualValues(t, http.StatusInternalServerError, lines[1]["status"])

	w.accounts.Fail("Authenticate", panicking{})
	a = w.do(t, request{method: http.MethodPost, path: "/v1/auth", body: login})
	a.fails(http.StatusInternalServerError)
	assertNoDetail(t, a)
}

// panicking is an error that cannot even be looked at.
type panicking struct{}

func (panicking) Error() string { panic(detail) }

func TestHalfAnAnswerIsCutOff(t *testing.T) {
	t.Parallel()
	w := watch(t)
	w.public = func(rw http.ResponseWriter, _ *http.Request) {
		_, _ = rw.Write([]byte("half"))
		panic(detail)
	}
	assert.PanicsWithValue(t, http.ErrAbortHandler, func() { w.do(t, request{method: http.MethodGet, path: "/oauth2/jwks"}) })
	assert.Contains(t, w.log.String(), "users_email")
}
