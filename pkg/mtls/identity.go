package mtls

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"
)

// DefaultPoll is how often the files are read even when nothing tells that they changed.
const DefaultPoll = 30 * time.Second

// Files are the paths of PEM files.
type Files struct {
	Cert string // the certificate, followed by intermediate ones if there are any
	Key  string // its private key
	CA   string // the authorities that are trusted, as issuers of callers and of servers
}

// Options are for [New]. Only Files is required.
type Options struct {
	Files  Files
	Logger *slog.Logger
	Clock  clockwork.Clock // for the validity of certificates and for Poll
	Poll   time.Duration   // see DefaultPoll
	// OnReload, if set, is called after each attempt to use files that have
	// changed, from the goroutine that watches them; err is nil if they are used now.
	OnReload func(err error)
}

// Identity is a service's own certificate and the authorities that it trusts,
// both as of the last good reading of the files. It is safe for concurrent use.
type Identity struct {
	files    Files
	logger   *slog.Logger
	clock    clockwork.Clock
	poll     time.Duration
	onReload func(error)

	current atomic.Pointer[material]
	stop    func()
	done    chan struct{}
}

// Load reads the files and watches them until [Identity.Close]. It is an error
// if the files do not fit together or the certificate is not valid now.
func Load(files Files, logger *slog.Logger) (*Identity, error) {
	return New(Options{Files: files, Logger: logger})
}

// New is [Load] with more choices.
func New(o Options) (*Identity, error) {
	i := &Identity{
		files: o.Files, logger: o.Logger, clock: o.Clock, poll: o.Poll, onReload: o.OnReload,
		done: make(chan struct{}),
	}
	if i.logger == nil {
		i.logger = slog.New(slog.DiscardHandler)
	}
	if i.clock == nil {
		i.clock = clockwork.NewRealClock()
	}
	if i.poll <= 0 {
		i.poll = DefaultPoll
	}
	watcher := i.watch() // before reading, so that no change is missed in between
	used, err := i.first()
	if err != nil {
		closeWatcher(watcher)
		return nil, err
	}
	stop := make(chan struct{})
	i.stop = sync.OnceFunc(func() { close(stop) })
	go func() {
		defer close(i.done)
		defer closeWatcher(watcher)
		i.follow(stop, watcher, reading{used: used})
	}()
	return i, nil
}

func (i *Identity) first() (content, error) {
	found, err := read(i.files)
	if err != nil {
		return content{}, err
	}
	usable, err := found.parse(i.clock.Now())
	if err != nil {
		return content{}, err
	}
	i.current.Store(usable)
	return found, nil
}

// Close stops watching the files. The identity can still be used.
func (i *Identity) Close() error {
	i.stop()
	<-i.done
	return nil
}

// Service is the service whose certificate this is, if it names exactly one.
func (i *Identity) Service() (string, bool) {
	return ServiceOf(i.current.Load().cert.Leaf)
}

// Expires is when the certificate in use stops being valid.
func (i *Identity) Expires() time.Time {
	return i.current.Load().cert.Leaf.NotAfter
}

// ServerConfig is for servers: it takes callers with a certificate of a service
// only, over TLS 1.3. Which services may call is for the server to decide, with
// [PeerService]. HTTP/2 is offered.
//
// In TLS 1.3 a caller that is refused learns it when it first reads, not when it connects.
func (i *Identity) ServerConfig() *tls.Config {
	config := i.serverConfig()
	config.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		return i.serverConfig(), nil
	}
	return config
}

func (i *Identity) serverConfig() *tls.Config {
	now := i.current.Load()
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		Time:                   i.clock.Now,
		Certificates:           []tls.Certificate{now.cert},
		ClientAuth:             tls.RequireAndVerifyClientCert,
		ClientCAs:              now.authorities,
		VerifyConnection:       requireService,
		NextProtos:             []string{"h2", "http/1.1"},
		SessionTicketsDisabled: true,
	}
}

// ClientConfig is for calling a service: the server must have a certificate
// for exactly that service, whatever its address.
func (i *Identity) ClientConfig(service string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		ServerName: Name(service),
		Time:       i.clock.Now,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return &i.current.Load().cert, nil
		},
		// The built-in verification knows only the authorities of the moment when
		// the configuration was made. VerifyConnection does the same with today's.
		InsecureSkipVerify:     true, // #nosec G402
		VerifyConnection:       func(peer tls.ConnectionState) error { return i.verifyServer(service, peer) },
		SessionTicketsDisabled: true,
	}
}

func (i *Identity) verifyServer(service string, peer tls.ConnectionState) error {
	if len(peer.PeerCertificates) == 0 {
		return errors.New("mtls: the server has no certificate")
	}
	leaf := peer.PeerCertificates[0]
	intermediates := x509.NewCertPool()
	for _, c := range peer.PeerCertificates[1:] {
		intermediates.AddCert(c)
	}
	_, err := leaf.Verify(x509.VerifyOptions{
		Roots:         i.current.Load().authorities,
		Intermediates: intermediates,
		CurrentTime:   i.clock.Now(),
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	if err == nil && !names(leaf, service) {
		err = fmt.Errorf("the server is not %q: %w", service, x509.HostnameError{Certificate: leaf, Host: Name(service)})
	}
	if err != nil {
		// As the built-in verification would say it, by which callers know that nothing was sent.
		return fmt.Errorf("mtls: the server at the address of %q: %w", service,
			&tls.CertificateVerificationError{UnverifiedCertificates: peer.PeerCertificates, Err: err})
	}
	return nil
}
