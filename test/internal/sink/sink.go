// Package sink counts the mails that arrive at a server for tests. It can be stopped
// and started again, as the mail server of a bad day.
package sink

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/gatehouse-id/gatehouse/pkg/testkit/smtptest"
)

// Mail is a mail that was taken.
type Mail struct {
	To, ID, Subject, Text string
}

// Server keeps what it takes, by whom it is for.
type Server struct {
	*smtptest.Server

	mu  sync.Mutex
	all map[string][]Mail // by recipient, newest last
	odd []error
}

// New starts a server on loopback, without TLS, which ends with the test.
func New(t testing.TB) *Server {
	t.Helper()
	s := &Server{all: map[string][]Mail{}}
	s.Server = smtptest.New(t, smtptest.Options{OnTaken: s.take})
	return s
}

// Environ are the settings with which the mail service sends everything here.
func (s *Server) Environ() []string {
	return []string{
		"GATEHOUSE_SMTP_HOST=127.0.0.1", "GATEHOUSE_SMTP_PORT=" + strconv.Itoa(s.Port),
		"GATEHOUSE_SMTP_TLS=none", "GATEHOUSE_SMTP_FROM=Gatehouse <no-reply@example.org>", "GATEHOUSE_SMTP_TIMEOUT=5s",
	}
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

func (s *Server) take(taken smtptest.Taken) {
	m, err := read(taken.Data)
	m.To = taken.To
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.odd = append(s.odd, err)
	}
	s.all[m.To] = append(s.all[m.To], m)
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
