package mail

import (
	"context"
	"net"
	"strconv"

	"go.opentelemetry.io/otel/trace/noop"

	"github.com/gatehouse-id/gatehouse/pkg/doctor"
	"github.com/gatehouse-id/gatehouse/services/mail/internal/smtp"
)

// Diagnose connects to the SMTP server, encrypts and authenticates, and sends nothing.
func Diagnose(ctx context.Context, c Config) []doctor.Result {
	c = c.withDefaults()
	if c.DevMailbox {
		return doctor.Warn("mails are kept in the development mailbox", "for a server, set GATEHOUSE_SMTP_HOST")
	}
	options, err := c.SMTP.options()
	if err != nil {
		return doctor.Fail(err.Error(), "see the settings of GATEHOUSE_SMTP_*")
	}
	options.Tracer = noop.NewTracerProvider()
	server, err := smtp.New(options)
	if err == nil {
		err = server.Greet(ctx)
	}
	if err != nil {
		return doctor.Fail(err.Error(), "see whether GATEHOUSE_SMTP_HOST, _PORT, _TLS, _USERNAME and _PASSWORD are what the mail server expects, and a firewall lets us out")
	}
	return doctor.Good("%s takes our mail", net.JoinHostPort(c.SMTP.Host, strconv.Itoa(c.SMTP.port())))
}
