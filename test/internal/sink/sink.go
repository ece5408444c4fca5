// Package sink is an SMTP server for tests that counts what arrives. It can be
// stopped and started again, as the mail server of a bad day.
package sink

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"
)

// Mail is a mail that was taken.
type Mail struct {
	To, ID, Subject, Text string
}

// Server keeps what it takes.
type Server struct {
	Port int

	t    testing.TB
	mu   sync.Mutex
	stop func()
	all  map[string][]Mail // by recipient, newest last
	odd  []error
}

// New starts a server on loopback, without TLS, which ends with the test.
func New(t testing.TB) *Server {
	t.Helper()
	s := &Server{t: t, all: map[string][]Mail{}, stop: func() {}}
	s.Start()
	t.Cleanup(s.Stop)
	return s
}

// Environ are the settings with which the mail service sends everything here.
func (s *Server) Environ() []string {
	return []string{
		"GATEHOUSE_SMTP_HOST=127.0.0.1", "GATEHOUSE_SMTP_PORT=" + strconv.Itoa(s.Port),
		"GATEHOUSE_SMTP_TLS=none", "GATEHOUSE_SMTP_FROM=Gatehouse <no-reply@example.org>", "GATEHOUSE_SMTP_TIMEOUT=5s",
	}
}

// Start listens, after a Stop on the same port.
func (s *Server) Start() {
	s.t.Helper()
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &session{sink: s}, nil }))
	server.Domain, server.EnableSMTPUTF8, server.ErrorLog = "localhost", true, silent{}
	listener, err := new(net.ListenConfig).Listen(s.t.Context(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port)))
	require.NoError(s.t, err)
	address, ok := listener.Addr().(*net.TCPAddr)
	require.True(s.t, ok)
	s.Port = address.Port
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

// To lists what has arrived for an address, oldest first.
func (s *Server) To(address string) []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.all[address])
}

// Recipients are all addresses that something has arrived for.
func (s *Server) Recipients() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	addresses := make([]string, 0, len(s.all))
	for address := range s.all {
		addresses = append(addresses, address)
	}
	return addresses
}

// Odd is what arrived and is no mail as we send it; nil if all is well.
func (s *Server) Odd() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.odd...)
}

func (s *Server) take(to string, data []byte) {
	m, err := read(data)
	m.To = to
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.odd = append(s.odd, err)
	}
	s.all[to] = append(s.all[to], m)
}

func read(data []byte) (Mail, error) {
	message, err := mail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		return Mail{}, err
	}
	m := Mail{ID: message.Header.Get("Message-Id")}
	if m.Subject, err = new(mime.WordDecoder).DecodeHeader(message.Header.Get("Subject")); err != nil {
		return m, err
	}
	kind, parameters, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	if err != nil {
		return m, err
	}
	text := message.Body
	if strings.HasPrefix(kind, "multipart/") {
		if text, err = multipart.NewReader(message.Body, parameters["boundary"]).NextPart(); err != nil {
			return m, err
		}
	} else if strings.EqualFold(message.Header.Get("Content-Transfer-Encoding"), "quoted-printable") {
		text = quotedprintable.NewReader(text)
	}
	body, err := io.ReadAll(text)
	m.Text = strings.ReplaceAll(string(body), "\r\n", "\n")
	if err == nil && m.ID == "" {
		err = errors.New("a mail without a Message-ID")
	}
	return m, err
}

type silent struct{}

func (silent) Printf(string, ...any) {}
func (silent) Println(...any)        {}

type session struct {
	sink *Server
	to   string
}

func (s *session) Mail(string, *smtp.MailOptions) error { return nil }

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = to
	return nil
}

func (s *session) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.sink.take(s.to, data)
	return nil
}

func (*session) Reset()        {}
func (*session) Logout() error { return nil }
