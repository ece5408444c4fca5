package mail

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/mail"
	"os"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/gatehouse-id/gatehouse/pkg/config"
	"github.com/gatehouse-id/gatehouse/pkg/obs"
	"github.com/gatehouse-id/gatehouse/services/mail/internal/sms"
	"github.com/gatehouse-id/gatehouse/services/mail/internal/smtp"
)

// The default settings, for whoever makes a Config without the environment.
const (
	defaultProduct = "Gatehouse"
	defaultTimeout = 30 * time.Second
)

// maxTimeout keeps a delivery shorter than an attempt of the outbox may take.
const maxTimeout = 90 * time.Second

// Config are the service's settings. Either SMTP.Host or DevMailbox is set.
type Config struct {
	ProductName string `env:"GATEHOUSE_PRODUCT_NAME" envDefault:"Gatehouse" doc:"What pages and mails call this installation."`
	PublicURL   string `env:"GATEHOUSE_PUBLIC_URL" doc:"The public origin, such as https://id.example.org. Security notices link to the page there on which a new password is asked for; without it they only describe the way."`
	DevMailbox  bool   `env:"GATEHOUSE_DEV_MAILBOX" envDefault:"false" doc:"Instead of sending mails, keep the newest 500 to look at. For development: anybody can read them, and the links in them."`
	SMTP        SMTP
	SMS         SMS
}

// SMS are the settings of the gateway that takes short messages. Without a URL
// none can be sent, but the development mailbox shows them.
type SMS struct {
	URL    string `env:"GATEHOUSE_SMS_URL" doc:"Where short messages are handed over: the https URL of an SMS gateway; http only at this machine. Empty: no code goes by SMS."`
	Token  string `env:"GATEHOUSE_SMS_TOKEN" secret:"true" doc:"What authenticates us to the SMS gateway, as a bearer token."`
	Sender string `env:"GATEHOUSE_SMS_SENDER" doc:"Sender of short messages, a number or a name of at most 11 letters and digits; empty: the gateway's own."`
}

// SMTP are the settings of the server that takes the mails.
type SMTP struct {
	Host     string        `env:"GATEHOUSE_SMTP_HOST" doc:"Name of the SMTP server that takes the mails, as in its certificate."`
	Port     int           `env:"GATEHOUSE_SMTP_PORT" envDefault:"0" doc:"Port of the SMTP server; 0: 587 with starttls, 465 with implicit, 25 with none."`
	Username string        `env:"GATEHOUSE_SMTP_USERNAME" doc:"User at the SMTP server; empty: no authentication."`
	Password string        `env:"GATEHOUSE_SMTP_PASSWORD" secret:"true" doc:"Password of that user."`
	TLS      smtp.Security `env:"GATEHOUSE_SMTP_TLS" envDefault:"starttls" doc:"How the connection is encrypted: starttls (required, not merely tried), implicit or none."`
	CA       string        `env:"GATEHOUSE_SMTP_CA" doc:"PEM file with authorities to trust besides the system's."`
	From     string        `env:"GATEHOUSE_SMTP_FROM" doc:"Sender of all mails, such as Gatehouse <no-reply@example.org>."`
	Timeout  time.Duration `env:"GATEHOUSE_SMTP_TIMEOUT" envDefault:"30s" doc:"How long one delivery may take, at most 90s."`
}

func (c Config) withDefaults() Config {
	c.ProductName = cmp.Or(c.ProductName, defaultProduct)
	c.SMTP.TLS = cmp.Or(c.SMTP.TLS, smtp.STARTTLS)
	c.SMTP.Timeout = cmp.Or(c.SMTP.Timeout, defaultTimeout)
	return c
}

// Validate finds what is wrong with the settings.
func (c *Config) Validate() []string {
	var problems []string
	if name := c.ProductName; len(name) > 60 || strings.ContainsFunc(name, unicode.IsControl) || strings.ContainsAny(name, "<>") {
		problems = append(problems, "GATEHOUSE_PRODUCT_NAME must be a text of at most 60 bytes on one line, without < and >")
	}
	if c.PublicURL != "" {
		if problem := config.OriginProblem("GATEHOUSE_PUBLIC_URL", c.PublicURL); problem != "" {
			problems = append(problems, problem)
		}
	}
	problems = append(problems, c.SMS.problems()...)
	switch {
	case c.DevMailbox && c.SMTP.Host != "":
		problems = append(problems, "GATEHOUSE_SMTP_HOST and GATEHOUSE_DEV_MAILBOX=true exclude each other")
	case !c.DevMailbox && c.SMTP.Host == "":
		problems = append(problems, "GATEHOUSE_SMTP_HOST is required; for development, GATEHOUSE_DEV_MAILBOX=true keeps mails instead of sending them")
	case !c.DevMailbox:
		problems = append(problems, c.SMTP.problems()...)
	}
	return problems
}

// sender is a telephone number, a short code, or a name as networks show it.
var sender = regexp.MustCompile(`^(\+?[0-9]{3,15}|[0-9A-Za-z .-]{1,11})$`)

func (c *SMS) problems() []string {
	var problems []string
	if c.URL == "" && c.Token != "" {
		problems = append(problems, "GATEHOUSE_SMS_TOKEN needs GATEHOUSE_SMS_URL")
	}
	if c.URL != "" {
		if err := sms.Check(c.URL); err != nil {
			problems = append(problems, "GATEHOUSE_SMS_URL "+err.Error())
		}
		if c.Token == "" || strings.ContainsFunc(c.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
			problems = append(problems, "GATEHOUSE_SMS_TOKEN is required with GATEHOUSE_SMS_URL, and is of visible ASCII characters")
		}
	}
	if c.Sender != "" && !sender.MatchString(c.Sender) {
		problems = append(problems, "GATEHOUSE_SMS_SENDER must be a number, or a name of at most 11 letters and digits")
	}
	return problems
}

func (c *SMS) options(o *obs.Obs) sms.Options {
	return sms.Options{URL: c.URL, Token: c.Token, Sender: c.Sender, Tracer: o.Tracer}
}

func (c *SMTP) problems() []string {
	var problems []string
	add := func(broken bool, problem string) {
		if broken {
			problems = append(problems, problem)
		}
	}
	_, fromErr := mail.ParseAddress(c.From)
	_, caErr := c.roots()
	add(c.Port < 0 || c.Port > 65535, "GATEHOUSE_SMTP_PORT must be between 0 and 65535")
	add(c.port() == 0, "GATEHOUSE_SMTP_TLS must be starttls, implicit or none")
	add(c.TLS == smtp.None && c.Username != "", "GATEHOUSE_SMTP_USERNAME needs encryption: set GATEHOUSE_SMTP_TLS to starttls or implicit")
	add((c.Username == "") != (c.Password == ""), "GATEHOUSE_SMTP_USERNAME and GATEHOUSE_SMTP_PASSWORD belong together")
	add(c.From == "", "GATEHOUSE_SMTP_FROM is required: the sender of all mails")
	add(c.From != "" && fromErr != nil, "GATEHOUSE_SMTP_FROM must be an address, with or without a name")
	add(caErr != nil, fmt.Sprintf("GATEHOUSE_SMTP_CA: %v", caErr))
	add(c.Timeout < time.Second || c.Timeout > maxTimeout, "GATEHOUSE_SMTP_TIMEOUT must be between 1s and 90s")
	return problems
}

// port is 0 if the kind of encryption is not known.
func (c *SMTP) port() int {
	switch c.TLS {
	case smtp.STARTTLS:
		return cmp.Or(c.Port, 587)
	case smtp.Implicit:
		return cmp.Or(c.Port, 465)
	case smtp.None:
		return cmp.Or(c.Port, 25)
	default:
		return 0
	}
}

// roots are nil where the system's suffice.
func (c *SMTP) roots() (*x509.CertPool, error) {
	if c.CA == "" {
		return nil, nil //nolint:nilnil // as in tls.Config
	}
	pem, err := os.ReadFile(c.CA)
	if err != nil {
		return nil, err
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s has no certificate", c.CA)
	}
	return roots, nil
}

func (c *SMTP) options() (smtp.Options, error) {
	from, err := mail.ParseAddress(c.From)
	if err != nil {
		return smtp.Options{}, fmt.Errorf("mail: the sender: %w", err)
	}
	roots, err := c.roots()
	if err != nil {
		return smtp.Options{}, fmt.Errorf("mail: authorities: %w", err)
	}
	return smtp.Options{
		Host: c.Host, Port: c.port(), Security: c.TLS, TLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		Username: c.Username, Password: c.Password, From: from, Timeout: c.Timeout,
	}, nil
}
