package flow_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// TestOneTrace asserts that what one request does in every service, down to the
// SQL, is one tree under the request's span.
func TestOneTrace(t *testing.T) {
	t.Parallel()
	recorder := tracetest.NewSpanRecorder()
	s := system.StandaloneWith(t, system.StandaloneOptions{Spans: []sdktrace.SpanProcessor{recorder}})
	person, _ := s.Register(t, "trace@example.org")
	app := system.NewApp(t, s)

	s.LogIn(t, person)
	login := treeOf(t, recorder, "POST /v1/auth")
	login.has("POST /v1/auth", "accounts.Authenticate", "sql")
	login.has("POST /v1/auth", "sessions.Create", "sql")
	login.has("POST /v1/auth", "accounts.Admit", "sql")

	b := system.NewBrowser(t, app.Config.RedirectURL)
	request := app.Start()
	signIn(t, b, request, person)
	app.Finish(request, b.Arrived)
	authorize := treeOf(t, recorder, "GET /oauth2/authorize")
	authorize.has("GET /oauth2/authorize", "oauth.Authorize", "sql")
	code := treeOf(t, recorder, "POST /oauth2/token")
	code.has("POST /oauth2/token", "accounts.Claims", "sql")

	noSecrets(t, recorder, s, person.Password, app.Secret, request.Verifier, b.Arrived.Query().Get("code"))
}

// tree is the spans of one trace.
type tree struct {
	t        *testing.T
	children map[trace.SpanID][]sdktrace.ReadOnlySpan
}

// treeOf waits for the latest trace whose root has the name.
func treeOf(t *testing.T, recorder *tracetest.SpanRecorder, root string) tree {
	t.Helper()
	var id trace.TraceID
	system.Eventually(t, "the span "+root, func() bool {
		for _, span := range recorder.Ended() {
			if span.Name() == root && !span.Parent().IsValid() {
				id = span.SpanContext().TraceID()
			}
		}
		return id.IsValid()
	})
	found := tree{t: t, children: map[trace.SpanID][]sdktrace.ReadOnlySpan{}}
	for _, span := range recorder.Ended() {
		if span.SpanContext().TraceID() == id {
			parent := span.Parent().SpanID()
			found.children[parent] = append(found.children[parent], span)
		}
	}
	return found
}

// has asserts that there is a span of each name somewhere below one of the name
// before it; "sql" is any span of a database.
func (r tree) has(path ...string) {
	r.t.Helper()
	if !r.below(trace.SpanID{}, path) {
		var names []string
		r.names(trace.SpanID{}, 0, &names)
		require.Fail(r.t, "no "+strings.Join(path, " > "), "the trace is\n%s", strings.Join(names, "\n"))
	}
}

func (r tree) below(parent trace.SpanID, path []string) bool {
	if len(path) == 0 {
		return true
	}
	for _, span := range r.children[parent] {
		rest := path
		if span.Name() == path[0] || path[0] == "sql" && isSQL(span) {
			rest = path[1:]
		}
		if r.below(span.SpanContext().SpanID(), rest) {
			return true
		}
	}
	return len(path) == 0
}

func (r tree) names(parent trace.SpanID, depth int, into *[]string) {
	for _, span := range r.children[parent] {
		*into = append(*into, strings.Repeat("  ", depth)+span.Name())
		r.names(span.SpanContext().SpanID(), depth+1, into)
	}
}

func isSQL(span sdktrace.ReadOnlySpan) bool {
	for _, a := range span.Attributes() {
		if a.Key == "db.system" || a.Key == "db.system.name" {
			return true
		}
	}
	return false
}

// noSecrets searches everything that was logged and traced.
func noSecrets(t *testing.T, recorder *tracetest.SpanRecorder, s *system.System, secrets ...string) {
	t.Helper()
	var seen strings.Builder
	seen.WriteString(s.Logs.String())
	for _, span := range recorder.Ended() {
		seen.WriteString(span.Name())
		for _, a := range span.Attributes() {
			seen.WriteString(a.Value.String() + "\n")
		}
		for _, e := range span.Events() {
			for _, a := range e.Attributes {
				seen.WriteString(a.Value.String() + "\n")
			}
		}
	}
	for _, secret := range secrets {
		require.NotEmpty(t, secret)
		assert.NotContains(t, seen.String(), secret)
		assert.NotContains(t, seen.String(), url.QueryEscape(secret))
	}
}

// TestMetrics asserts that the debug port tells requests, errors and durations
// by route, of all services.
func TestMetrics(t *testing.T) {
	system.Each(t, func(t *testing.T, s *system.System) {
		person, _ := s.Register(t, "metrics@example.org")
		s.LogIn(t, person)
		s.Call(t, http.MethodPost, "/v1/auth", "", map[string]any{"user": person.Email, "password": "wrong, wrong"})

		var all string
		for _, address := range s.Debug {
			all += get(t.Context(), t, "http://"+address+"/metrics")
		}
		for _, line := range []string{
			`gatehouse_rpc_server_duration_seconds_count{method="accounts.Authenticate",outcome="ok"} 1`,
			`gatehouse_rpc_server_duration_seconds_count{method="accounts.Authenticate",outcome="unauthenticated"} 1`,
			`gatehouse_rpc_server_duration_seconds_count{method="sessions.Create",outcome="ok"}`,
			`go_goroutines`,
		} {
			assert.Contains(t, all, line)
		}
		assert.Regexp(t, `gatehouse_http_request\w*\{[^}]*route="/v1/auth"`, all)
		assert.NotContains(t, all, person.Email)
	})
}

func get(ctx context.Context, t *testing.T, address string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	require.NoError(t, err)
	res, err := system.HTTP().Do(r)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	var b strings.Builder
	_, err = io.Copy(&b, res.Body)
	require.NoError(t, err)
	return b.String()
}
