package smtp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/mail"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/gatehouse-id/gatehouse/pkg/testkit/smtptest"
)

const recipient = "mia@example.com"

func letter() Mail {
	return Mail{
		Key: "activation:7", To: recipient, Subject: "Bestätigen Sie Ihre Adresse",
		Text: "Grüße\n\nhttps://id.example.org/a/8db560a23013ff54838d45e59a3f3f39f6720c86\n.\nEnde\n",
		HTML: "<p>Grüße</p>", Date: time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC),
	}
}

func optionsFor(t *testing.T, s *smtptest.Server) Options {
	t.Helper()
	pem, err := os.ReadFile(s.CA)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(pem))
	return Options{
		Host: "localhost", Port: s.Port, Security: None, TLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		From: &mail.Address{Name: "Pförtner", Address: "no-reply@id.example.org"}, Timeout: 10 * time.Second,
		Tracer: noop.NewTracerProvider(),
	}
}

func send(t *testing.T, o Options, m Mail) error {
	t.Helper()
	server, err := New(o)
	require.NoError(t, err)
	return server.Send(t.Context(), m)
}

func TestSendOverEachKindOfConnection(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		server   smtptest.Options
		security Security
		username string
	}{
		"plain":                        {smtptest.Options{}, None, ""},
		"STARTTLS":                     {smtptest.Options{STARTTLS: true}, STARTTLS, ""},
		"implicit TLS":                 {smtptest.Options{Implicit: true}, Implicit, ""},
		"STARTTLS and credentials":     {smtptest.Options{STARTTLS: true, User: "app", Password: "geheim"}, STARTTLS, "app"},
		"implicit TLS and credentials": {smtptest.Options{Implicit: true, User: "app", Password: "geheim"}, Implicit, "app"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := smtptest.New(t, c.server)
			o := optionsFor(t, server)
			o.Security, o.Username, o.Password = c.security, c.username, "geheim"
			require.NoError(t, send(t, o, letter()))
			taken := server.Taken()
			require.Len(t, taken, 1)
			assert.Equal(t, c.security != None, taken[0].TLS)
			assert.Equal(t, c.username, taken[0].User)
			assert.Equal(t, recipient, taken[0].To)
			assert.Equal(t, "no-reply@id.example.org", taken[0].From)
		})
	}
}

func TestSendRefusesAWeakConnection(t *testing.T) {
	t.Parallel()
	plain := smtptest.New(t, smtptest.Options{})
	encrypted := smtptest.New(t, smtptest.Options{STARTTLS: true, User: "app", Password: "geheim"})

	noTLS := optionsFor(t, plain)
	noTLS.Security = STARTTLS
	stranger := optionsFor(t, encrypted)
	stranger.Security, stranger.TLS = STARTTLS, nil // the test's authority is not among the system's
	otherName := optionsFor(t, encrypted)
	otherName.Security, otherName.Host = STARTTLS, "localhost.localdomain"
	wrong := optionsFor(t, encrypted)
	wrong.Security, wrong.Username, wrong.Password = STARTTLS, "app", "falsch"

	for name, o := range map[string]Options{
		"no STARTTLS offered": noTLS, "unknown authority": stranger, "another name": otherName, "wrong password": wrong,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := send(t, o, letter())
			require.Error(t, err)
			assert.False(t, Permanent(err), "an operator can put it right: %v", err)
			assert.NotContains(t, err.Error(), "falsch")
		})
	}
	t.Cleanup(func() {
		assert.Empty(t, plain.Taken())
		assert.Empty(t, encrypted.Taken())
	})
}

func TestNewRefusesAPasswordInTheClear(t *testing.T) {
	t.Parallel()
	o := optionsFor(t, smtptest.New(t, smtptest.Options{}))
	o.Username = "app"
	_, err := New(o)
	require.Error(t, err)
	o.Username, o.Security = "", "ssl"
	_, err = New(o)
	require.Error(t, err)
}

func TestRepliesThatAreAndAreNotPermanent(t *testing.T) {
	t.Parallel()
	text := "<" + recipient + "> not welcome, " + recipient + " (" + recipient + ")"
	reply := func(code int) func(string) error {
		return func(string) error { return smtptest.Reply(code, [3]int{code / 100, 1, 1}, text) }
	}
	data := func(code int) func([]byte) error { return func([]byte) error { return reply(code)("") } }
	for name, c := range map[string]struct {
		server           smtptest.Options
		code             int
		permanent, later bool
	}{
		"unknown recipient":      {smtptest.Options{OnRcpt: reply(550)}, 550, true, false},
		"greylisted":             {smtptest.Options{OnRcpt: reply(450)}, 450, false, true},
		"refused content":        {smtptest.Options{OnData: data(554)}, 554, true, false},
		"no space at the moment": {smtptest.Options{OnData: data(452)}, 452, false, true},
		"refused sender":         {smtptest.Options{OnMail: reply(550)}, 550, false, false},
		"busy at the sender":     {smtptest.Options{OnMail: reply(421)}, 421, false, false},
		"authentication wanted":  {smtptest.Options{OnRcpt: reply(530)}, 530, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := send(t, optionsFor(t, smtptest.New(t, c.server)), letter())
			var f *Failure
			require.ErrorAs(t, err, &f)
			assert.Equal(t, c.code, f.Code)
			assert.Equal(t, c.permanent, Permanent(err))
			assert.Equal(t, c.later, Later(err))
			assert.Contains(t, err.Error(), "not welcome", "the server's words help the operator")
			assert.NotContains(t, err.Error(), "example.com")
		})
	}
}

func TestNobodyListens(t *testing.T) {
	t.Parallel()
	server := smtptest.New(t, smtptest.Options{})
	server.Stop()
	err := send(t, optionsFor(t, server), letter())
	require.Error(t, err)
	assert.False(t, Permanent(err))
	assert.False(t, Later(err), "it says nothing about this mail")
}

// The library knows no context after it has connected.
func TestSendEndsWithTheContext(t *testing.T) {
	t.Parallel()
	reached, release := make(chan struct{}), make(chan struct{})
	server := smtptest.New(t, smtptest.Options{OnData: func([]byte) error { close(reached); <-release; return nil }})
	t.Cleanup(func() { close(release) })
	sender, err := New(optionsFor(t, server))
	require.NoError(t, err)

	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-reached; cancel() }()
	err = sender.Send(ctx, letter())
	require.ErrorIs(t, err, context.Canceled)
	assert.False(t, Permanent(err))
}

func TestSilentServerTimesOut(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	server := smtptest.New(t, smtptest.Options{OnRcpt: func(string) error { <-release; return nil }})
	t.Cleanup(func() { close(release) })
	o := optionsFor(t, server)
	o.Timeout = 200 * time.Millisecond
	err := send(t, o, letter())
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.False(t, Permanent(err))
}

func TestSpanHoldsNoAddressAndNoSubject(t *testing.T) {
	t.Parallel()
	spans := tracetest.NewSpanRecorder()
	server := smtptest.New(t, smtptest.Options{OnRcpt: func(to string) error {
		return smtptest.Reply(550, [3]int{5, 1, 1}, "no such user "+to)
	}})
	o := optionsFor(t, server)
	o.Tracer = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	require.Error(t, send(t, o, letter()))

	require.Len(t, spans.Ended(), 1)
	span := spans.Ended()[0]
	assert.Equal(t, "smtp.send", span.Name())
	assert.Equal(t, codes.Error, span.Status().Code)
	var all strings.Builder
	all.WriteString(span.Status().Description)
	for _, a := range span.Attributes() {
		all.WriteString(a.Value.String())
	}
	for _, event := range span.Events() {
		for _, a := range event.Attributes {
			all.WriteString(a.Value.String())
		}
	}
	assert.NotContains(t, all.String(), "mia")
	assert.NotContains(t, all.String(), "Best")
}
