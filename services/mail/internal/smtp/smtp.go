package smtp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"slices"
	"time"

	gomail "github.com/wneessen/go-mail"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

const tracerName = "github.com/gatehouse-id/gatehouse/services/mail/internal/smtp"

// Security is how a connection is encrypted.
type Security string

// The kinds of Security.
const (
	STARTTLS Security = "starttls" // in the clear first, then required (RFC 3207)
	Implicit Security = "implicit" // from the first byte (RFC 8314)
	None     Security = "none"     // not at all
)

// Options describe the server and the sender.
type Options struct {
	Host     string
	Port     int
	Security Security
	// TLS has the roots to trust; ServerName and MinVersion are set here.
	TLS *tls.Config
	// Username is empty for no authentication, which needs encryption.
	Username, Password string
	From               *mail.Address
	// Timeout bounds one delivery, from the connection to the last reply.
	Timeout time.Duration
	Tracer  trace.TracerProvider
}

// Server is an SMTP server that takes our mail.
type Server struct {
	options Options
	tls     *tls.Config
	client  []gomail.Option
	tracer  trace.Tracer
}

// New makes a Server. It does not connect.
func New(o Options) (*Server, error) {
	config := o.TLS.Clone()
	if config == nil {
		config = &tls.Config{}
	}
	config.ServerName, config.MinVersion = o.Host, tls.VersionTLS12
	s := &Server{options: o, tls: config, tracer: o.Tracer.Tracer(tracerName)}
	var err error
	if s.client, err = s.clientOptions(); err != nil {
		return nil, err
	}
	_, err = gomail.NewClient(o.Host, s.client...)
	return s, err
}

// Send delivers one mail over a connection of its own. It returns nil if the
// server took it; see the package on other outcomes.
func (s *Server) Send(ctx context.Context, m Mail) error {
	ctx, cancel := context.WithTimeout(ctx, s.options.Timeout)
	defer cancel()
	ctx, span := s.tracer.Start(ctx, "smtp.send", trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		attribute.String("network.protocol.name", "smtp"),
		attribute.String("server.address", s.options.Host),
		attribute.Int("server.port", s.options.Port),
	))
	defer span.End()

	err := s.send(ctx, m)
	if err != nil {
		span.SetStatus(codes.Error, err.Error())
	}
	return err
}

func (s *Server) send(ctx context.Context, m Mail) error {
	msg, err := compose(s.options.From, m)
	if err != nil {
		return failure(ctx, err)
	}
	// A client of its own: it holds the state of its connection.
	client, err := gomail.NewClient(s.options.Host, append(slices.Clone(s.client), gomail.WithDialContextFunc(s.dialer(ctx)))...)
	if err != nil {
		return failure(ctx, err)
	}
	session, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return failure(ctx, err)
	}
	if err := client.SendWithSMTPClient(session, msg); err != nil && !msg.IsDelivered() {
		return failure(ctx, err)
	}
	// The mail is theirs. Whether they take leave as well does not matter.
	_ = client.CloseWithSMTPClient(session)
	return nil
}

func (s *Server) clientOptions() ([]gomail.Option, error) {
	o := s.options
	options := []gomail.Option{
		gomail.WithPort(o.Port), gomail.WithTimeout(o.Timeout), gomail.WithTLSConfig(s.tls),
		gomail.WithoutNoop(), gomail.WithoutRset(), // one mail per connection
	}
	switch o.Security {
	case STARTTLS:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	case Implicit, None: // for implicit TLS, the dialer encrypts
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	default:
		return nil, fmt.Errorf("smtp: %q is no kind of encryption", o.Security)
	}
	if o.Username != "" {
		if o.Security == None {
			return nil, errors.New("smtp: a password is not sent without encryption")
		}
		options = append(options, gomail.WithUsername(o.Username), gomail.WithPassword(o.Password),
			gomail.WithOpportunisticSMTPAuth(gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin))
	}
	return options, nil
}

// dialer makes connections that last as long as delivery, the context of one
// delivery. The library looks at a context only while it connects, and leaves
// connections open when the greeting fails.
func (s *Server) dialer(delivery context.Context) gomail.DialContextFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		context.AfterFunc(delivery, func() { _ = conn.Close() })
		if s.options.Security != Implicit {
			return conn, nil
		}
		encrypted := tls.Client(conn, s.tls)
		if err := encrypted.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		return encrypted, nil
	}
}
