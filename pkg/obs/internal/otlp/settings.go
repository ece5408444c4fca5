package otlp

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path"
	"strconv"
	"strings"
	"time"
)

// tracesPath is where collectors take traces, below the endpoint of all signals.
const tracesPath = "v1/traces"

// settings are what OpenTelemetry's variables say about the export.
type settings struct {
	endpoint *url.URL
	headers  http.Header
	timeout  time.Duration // of one try
	gzip     bool
	tls      *tls.Config
}

// environment looks variables up, as os.Getenv.
type environment func(string) string

// value is that of OTEL_EXPORTER_OTLP_TRACES_… or, without it, of
// OTEL_EXPORTER_OTLP_…, and the name that it has.
func (e environment) value(name string) (value, variable string) {
	for _, prefix := range []string{"OTEL_EXPORTER_OTLP_TRACES_", "OTEL_EXPORTER_OTLP_"} {
		if value := strings.TrimSpace(e(prefix + name)); value != "" {
			return value, prefix + name
		}
	}
	return "", ""
}

// read says everything that is wrong with the variables at once.
func read(e environment) (*settings, error) {
	s := &settings{headers: http.Header{}, timeout: 10 * time.Second}
	if err := errors.Join(s.readEndpoint(e), s.readHeaders(e), s.readTimeout(e), s.readCompression(e), s.readTLS(e)); err != nil {
		return nil, err
	}
	return s, nil
}

// readEndpoint reads the endpoint of traces, which is complete, or that of all
// signals, below which each has a path of its own.
func (s *settings) readEndpoint(e environment) error {
	value, variable := e.value("ENDPOINT")
	if value == "" {
		value = "https://localhost:4318"
	}
	endpoint, err := url.Parse(value)
	if err != nil || endpoint.Host == "" || endpoint.Scheme != "http" && endpoint.Scheme != "https" {
		// The error may quote a password.
		return fmt.Errorf("%s is not http://host:port or https://host:port", variable)
	}
	if variable != "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" {
		endpoint.Path = path.Join("/", endpoint.Path, tracesPath)
	}
	s.endpoint = endpoint
	return nil
}

// readHeaders reads key1=value1,key2=value2, where values may be percent-encoded.
func (s *settings) readHeaders(e environment) error {
	value, variable := e.value("HEADERS")
	for pair := range strings.SplitSeq(value, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		name, encoded, ok := strings.Cut(pair, "=")
		content, err := url.PathUnescape(strings.TrimSpace(encoded))
		if name = strings.TrimSpace(name); !ok || name == "" || strings.ContainsAny(name, " \t:") || err != nil {
			return fmt.Errorf("%s is not name=value,name=value", variable) // values are secret
		}
		s.headers.Set(name, content)
	}
	return nil
}

func (s *settings) readTimeout(e environment) error {
	value, variable := e.value("TIMEOUT")
	if value == "" {
		return nil
	}
	milliseconds, err := strconv.Atoi(value)
	if err != nil || milliseconds < 0 {
		return fmt.Errorf("%s: %q is not a number of milliseconds", variable, value)
	}
	s.timeout = time.Duration(milliseconds) * time.Millisecond // 0: none
	return nil
}

func (s *settings) readCompression(e environment) error {
	value, variable := e.value("COMPRESSION")
	if value != "" && value != "none" && value != "gzip" {
		return fmt.Errorf(`%s: %q is neither "gzip" nor "none"`, variable, value)
	}
	s.gzip = value == "gzip"
	return nil
}

// readTLS reads whom to believe, and as whom to come. Without either, the
// system's authorities hold.
func (s *settings) readTLS(e environment) error {
	s.tls = &tls.Config{MinVersion: tls.VersionTLS12}
	if file, variable := e.value("CERTIFICATE"); file != "" {
		pem, err := os.ReadFile(file) // #nosec G304 G703 -- the operator names the file
		if err != nil {
			return fmt.Errorf("%s: %w", variable, err)
		}
		if s.tls.RootCAs = x509.NewCertPool(); !s.tls.RootCAs.AppendCertsFromPEM(pem) {
			return fmt.Errorf("%s: there is no certificate in %s", variable, file)
		}
	}
	cert, variable := e.value("CLIENT_CERTIFICATE")
	key, _ := e.value("CLIENT_KEY")
	switch {
	case cert == "" && key == "":
		return nil
	case cert == "" || key == "":
		return errors.New("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY belong together: set both")
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return fmt.Errorf("%s: %w", variable, err)
	}
	s.tls.Certificates = []tls.Certificate{pair}
	return nil
}
