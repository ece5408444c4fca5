// Package smtptest is a real SMTP server on loopback for tests, which can be stopped
// and started again.
package smtptest

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

// Options decide what the server offers and says. Nil hooks agree; a hook may
// return an *smtp.SMTPError to choose the reply.
type Options struct {
	STARTTLS bool
	Implicit bool
	// User and Password are required of clients unless User is empty.
	User, Password string
	OnMail         func(from string) error
	OnRcpt         func(to string) error
	OnData         func(data []byte) error
	// OnTaken hears of each mail that was taken.
	OnTaken func(m Taken)
}

// Server keeps what it takes. It can be stopped and started again.
type Server struct {
	Port int
	// CA is a PEM file with the authority of the server's certificate.
	CA string

	t       testing.TB
	options Options
	tls     *tls.Config

	mu    sync.Mutex
	stop  func()
	taken []Taken
}

// Taken is a mail that the server took.
type Taken struct {
	From, To string
	Data     []byte
	TLS      bool
	User     string // who authenticated
}

// Header parses the mail's header.
func (m Taken) Header(tb testing.TB) mail.Header {
	tb.Helper()
	parsed, err := mail.ReadMessage(bytes.NewReader(m.Data))
	require.NoError(tb, err)
	return parsed.Header
}

// New starts a server, which ends with the test.
func New(tb testing.TB, o Options) *Server {
	tb.Helper()
	authority := testkit.CA(tb)
	files := authority.Issue("")
	cert, err := tls.LoadX509KeyPair(files.Cert, files.Key)
	require.NoError(tb, err)
	s := &Server{
		t: tb, options: o, CA: filepath.Join(tb.TempDir(), "ca.pem"),
		tls: &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12},
	}
	require.NoError(tb, os.WriteFile(s.CA, authority.PEM(), 0o600))
	s.Start()
	tb.Cleanup(s.Stop)
	return s
}

// Start listens, after a Stop on the same port.
func (s *Server) Start() {
	s.t.Helper()
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &session{server: s, conn: c}, nil
	}))
	server.Domain, server.EnableSMTPUTF8, server.ErrorLog = "localhost", true, silent{}
	if s.options.STARTTLS {
		server.TLSConfig = s.tls
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(s.Port))
	require.NoError(s.t, err)
	address, ok := listener.Addr().(*net.TCPAddr)
	require.True(s.t, ok)
	s.Port = address.Port
	if s.options.Implicit {
		listener = tls.NewListener(listener, s.tls)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	s.mu.Lock()
	defer s.mu.Unlock()
	// The listener is closed as well: Close forgets it if Serve has just begun.
	s.stop = func() { _ = listener.Close(); _ = server.Close(); <-done }
}

// Stop breaks all connections and listens no more.
func (s *Server) Stop() {
	s.mu.Lock()
	stop := s.stop
	s.stop = func() {}
	s.mu.Unlock()
	stop()
}

// Taken lists what the server has taken, oldest first.
func (s *Server) Taken() []Taken {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.taken)
}

// Reply is an error that makes the server reply so.
func Reply(code int, enhanced [3]int, text string) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: enhanced, Message: text}
}

type silent struct{}

func (silent) Printf(string, ...any) {}
func (silent) Println(...any)        {}

type session struct {
	server *Server
	conn   *smtp.Conn
	mail   Taken
}

var _ smtp.AuthSession = (*session)(nil)

func (s *session) AuthMechanisms() []string {
	if s.server.options.User == "" {
		return nil
	}
	return []string{sasl.Plain}
}

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, username, password string) error {
		if username != s.server.options.User || password != s.server.options.Password {
			return errors.New("wrong credentials")
		}
		s.mail.User = username
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if s.server.options.User != "" && s.mail.User == "" {
		return smtp.ErrAuthRequired
	}
	_, s.mail.TLS = s.conn.TLSConnectionState()
	s.mail.From = from
	return hook(s.server.options.OnMail, from)
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mail.To = to
	return hook(s.server.options.OnRcpt, to)
}

func (s *session) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := hook(s.server.options.OnData, data); err != nil {
		return err
	}
	s.mail.Data = data
	s.server.mu.Lock()
	s.server.taken = append(s.server.taken, s.mail)
	s.server.mu.Unlock()
	if heard := s.server.options.OnTaken; heard != nil {
		heard(s.mail)
	}
	return nil
}

func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }

func hook[T any](f func(T) error, v T) error {
	if f == nil {
		return nil
	}
	return f(v)
}
