package obs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

func logged(t *testing.T, write func(*slog.Logger)) map[string]any {
	t.Helper()
	var out bytes.Buffer
	o, shutdown, err := New(t.Context(), Options{LogWriter: &out})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := shutdown(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}()
	write(o.Logger)
	record := map[string]any{}
	if err := json.Unmarshal(out.Bytes(), &record); err != nil {
		t.Fatalf("%q: %v", out.String(), err)
	}
	delete(record, "time")
	delete(record, "level")
	delete(record, "msg")
	return record
}

func traced(ctx context.Context) context.Context {
	return trace.ContextWithSpanContext(WithRequestID(ctx, "req-1"), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2},
	}))
}

func TestContextIsLogged(t *testing.T) {
	t.Parallel()
	known := map[string]any{
		"trace_id":   "01000000000000000000000000000000",
		"span_id":    "0200000000000000",
		"request_id": "req-1",
	}
	for name, test := range map[string]struct {
		write func(*slog.Logger)
		want  map[string]any
	}{
		"plain":  {func(l *slog.Logger) { l.InfoContext(traced(t.Context()), "x", "a", 1) }, map[string]any{"a": 1.0}},
		"with":   {func(l *slog.Logger) { l.With("a", 1).InfoContext(traced(t.Context()), "x") }, map[string]any{"a": 1.0}},
		"group":  {func(l *slog.Logger) { l.WithGroup("g").InfoContext(traced(t.Context()), "x", "a", 1) }, map[string]any{"g": map[string]any{"a": 1.0}}},
		"groups": {func(l *slog.Logger) { nested(l).InfoContext(traced(t.Context()), "x", "c", 3) }, map[string]any{"o": 0.0, "g": map[string]any{"a": 1.0, "h": map[string]any{"b": 2.0, "c": 3.0}}}},
		"empty":  {func(l *slog.Logger) { l.WithGroup("").With().InfoContext(traced(t.Context()), "x") }, map[string]any{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			maps.Copy(test.want, known)
			if diff := cmp.Diff(test.want, logged(t, test.write)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func nested(l *slog.Logger) *slog.Logger {
	return l.With("o", 0).WithGroup("g").With("a", 1).WithGroup("h").With("b", 2)
}

func TestSiblingLoggersDoNotShareGroups(t *testing.T) {
	t.Parallel()
	got := logged(t, func(l *slog.Logger) {
		parent := l.WithGroup("g").With("a", 1)
		_ = parent.With("left", 1)
		parent.With("right", 2).InfoContext(traced(t.Context()), "x")
	})
	if diff := cmp.Diff(map[string]any{"a": 1.0, "right": 2.0}, got["g"]); diff != "" {
		t.Error(diff)
	}
}

func TestWithoutContextNothingIsAdded(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(map[string]any{"a": 1.0}, logged(t, func(l *slog.Logger) { l.Info("x", "a", 1) })); diff != "" {
		t.Error(diff)
	}
}

type lazy struct{ secret string }

func (l lazy) LogValue() slog.Value {
	return slog.GroupValue(slog.String("password", l.secret), slog.String("login", "ada"))
}

func TestSecretsStayOut(t *testing.T) {
	t.Parallel()
	const secret = "hunter2-hunter2-hunter2"
	type request struct {
		Login    string `json:"login"`
		Password string `json:"password"`
	}
	for name, write := range map[string]func(*slog.Logger){
		"attribute":   func(l *slog.Logger) { l.Info("x", "password", secret) },
		"with":        func(l *slog.Logger) { l.With("access_token", secret).Info("x") },
		"group":       func(l *slog.Logger) { l.Info("x", slog.Group("a", slog.Group("b", "codeVerifier", secret))) },
		"open group":  func(l *slog.Logger) { l.WithGroup("a").InfoContext(traced(t.Context()), "x", "Set-Cookie", secret) },
		"under":       func(l *slog.Logger) { l.Info("x", slog.Group("secrets", "first", secret)) },
		"log valuer":  func(l *slog.Logger) { l.Info("x", "user", lazy{secret}) },
		"struct":      func(l *slog.Logger) { l.Info("x", "request", request{"ada", secret}) },
		"pointers":    func(l *slog.Logger) { l.Info("x", "requests", []*request{{"ada", secret}}) },
		"map":         func(l *slog.Logger) { l.Info("x", "form", map[string][]string{"client_secret": {secret}}) },
		"header":      func(l *slog.Logger) { l.Info("x", "header", http.Header{"Authorization": {secret}}) },
		"query":       func(l *slog.Logger) { l.Info("x", "url", "https://a.test/cb?state=1&code="+secret) },
		"fragment":    func(l *slog.Logger) { l.Info("x", "url", "https://a.test/cb#id_token="+secret) },
		"form":        func(l *slog.Logger) { l.Info("x", "body", "client_secret="+secret+"&a=b") },
		"error":       func(l *slog.Logger) { l.Info("x", "error", errors.New(`Get "https://a.test/?token=`+secret+`": EOF`)) },
		"bearer":      func(l *slog.Logger) { l.Info("x", "header", "Bearer "+secret) },
		"message":     func(l *slog.Logger) { l.Info("calling https://a.test/?refresh_token=" + secret) },
		"database":    func(l *slog.Logger) { l.Info("x", "at", "postgres://gatehouse:"+secret+"@db/gatehouse") },
		"unmarshaled": func(l *slog.Logger) { l.Info("x", "what", map[string]any{"password": secret, "f": func() {}}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, format := range []string{"json", "text"} {
				var out bytes.Buffer
				logger, err := newLogger(Options{LogWriter: &out, LogFormat: format})
				if err != nil {
					t.Fatal(err)
				}
				write(logger)
				if out.Len() == 0 || strings.Contains(out.String(), secret) {
					t.Errorf("%s: %q", format, out.String())
				}
			}
		})
	}
}

func TestTheRestIsLoggedAsItIs(t *testing.T) {
	t.Parallel()
	got := logged(t, func(l *slog.Logger) {
		l.Info("x",
			"status_code", 404,
			"token_type", "bearer",
			"url", "https://a.test/?page=2&error_code=7",
			"address", netip.MustParseAddr("192.0.2.1"),
			"error", errors.New("it broke"),
			"list", []string{"a", "b"},
			"nothing", nil,
			slog.Group("user", "id", 7))
	})
	want := map[string]any{
		"status_code": 404.0,
		"token_type":  "bearer",
		"url":         "https://a.test/?page=2&error_code=7",
		"address":     "192.0.2.1",
		"error":       "it broke",
		"list":        []any{"a", "b"},
		"nothing":     nil,
		"user":        map[string]any{"id": 7.0},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSecret(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]bool{
		"password": true, "newPassword": true, "NEW_PASSWORD": true, "tokens": true, "idToken": true, "JSONWebToken": true,
		"id_token_hint": true, "recovery-codes": true, "user_code": true, "X-Api-Key": true, "Set-Cookie": true, "client_assertion": true,
		"": false, "status_code": false, "errorCode": false, "token_id": false, "token_endpoint": false, "encoder": false, "secretary": false,
		"passed": false, "key": false, "login": false,
	} {
		if Secret(key) != want {
			t.Errorf("Secret(%q) = %v", key, !want)
		}
	}
}

func TestLevelAndFormat(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	logger, err := newLogger(Options{LogWriter: &out, LogFormat: "text", LogLevel: slog.LevelWarn, Service: "mail"})
	if err != nil {
		t.Fatal(err)
	}
	logger.Info("quiet")
	logger.Warn("loud")
	if got := out.String(); strings.Contains(got, "quiet") || !strings.Contains(got, "msg=loud service=mail") {
		t.Error(got)
	}
	if _, _, err := New(t.Context(), Options{LogFormat: "xml"}); err == nil {
		t.Error("format xml was accepted")
	}
}

var _ sdktrace.SpanExporter = (*loggedExporter)(nil)
