package authority

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/mtls"
)

// The files of a folder. Each service has a folder in it, which is all that its
// process needs to see, with a certificate, its key and the authorities under
// the names that Kubernetes gives them.
const (
	authorityCert = "ca.crt" // of all that are trusted, the one that issues first
	authorityKey  = "ca.key"
	leafCert      = "tls.crt"
	leafKey       = "tls.key"
)

// skew is how long certificates are valid before they are made, for machines
// whose clocks are behind.
const skew = 5 * time.Minute

// Folder is an authority and the certificates of services, as files.
type Folder struct {
	Path     string
	Services []string
	// Hosts are further names in all certificates that are issued.
	Hosts []string
	// Valid is how long new certificates are; those that are past two thirds of
	// their time are renewed. AuthorityValid is that of a new authority.
	Valid, AuthorityValid time.Duration
	// Renew issues all certificates again, whatever is left of them.
	Renew bool
	// NewAuthority makes another authority. Former ones stay trusted, and what
	// they have issued stays, until all are told otherwise: by Renew, then Prune.
	NewAuthority bool
	// Prune trusts former authorities no longer. It is refused as long as
	// certificates of theirs are there.
	Prune bool
	Now   time.Time
}

// Entry tells what became of one certificate.
type Entry struct {
	Service string    `json:"service,omitempty"` // empty: the authority's
	Cert    string    `json:"certificate"`       // path
	Expires time.Time `json:"expires"`
	// Reason says why it was issued now; empty if it was kept.
	Reason string `json:"reason,omitempty"`
}

var isService = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)

// Files are those of a service.
func (f Folder) Files(service string) mtls.Files {
	return mtls.Files{
		Cert: filepath.Join(f.Path, service, leafCert),
		Key:  filepath.Join(f.Path, service, leafKey),
		CA:   filepath.Join(f.Path, service, authorityCert),
	}
}

// Fill makes what is missing, expires soon or does not fit, and leaves alone
// what is fine: processes that use the files see no change without need. An
// authority is never replaced unless it is asked for; half of one is an error.
func (f Folder) Fill() (entries []Entry, err error) {
	if err := f.Check(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(f.Path, 0o755); err != nil { //nolint:gosec // certificates are public; keys have 0600
		return nil, fmt.Errorf("authority: %w", err)
	}
	unlock, err := lock(f.Path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	issuer, trusted, reason, err := f.authority()
	if err != nil {
		return nil, err
	}
	if f.Prune {
		if trusted, err = f.prune(issuer, trusted); err != nil {
			return nil, err
		}
	}
	bundle := bundleOf(trusted)
	// Before the certificates, so that nobody is shown one whose authority they do not know.
	for _, path := range f.bundles() {
		if err := write(path, bundle, 0o644); err != nil {
			return nil, err
		}
	}
	entries = []Entry{{Cert: filepath.Join(f.Path, authorityCert), Expires: issuer.cert.NotAfter, Reason: reason}}
	for _, service := range f.Services {
		entry, err := f.leaf(service, issuer, trusted)
		if err != nil {
			return entries, err
		}
		entries = append(entries, entry)
	}
	return entries, nil
}

// Check tells what makes no sense about it; Fill begins with that.
func (f Folder) Check() error {
	var problems []error
	for _, service := range f.Services {
		if !isService.MatchString(service) {
			problems = append(problems, fmt.Errorf("%q is no name of a service", service))
		}
	}
	for _, host := range f.Hosts {
		if strings.HasSuffix(strings.ToLower(host), mtls.Domain) {
			problems = append(problems, fmt.Errorf("%q would name a second service", host))
		} else if net.ParseIP(host) == nil && (host == "" || strings.Trim(strings.ToLower(host), "abcdefghijklmnopqrstuvwxyz0123456789-.") != "") {
			problems = append(problems, fmt.Errorf("%q is neither a DNS name nor an IP address", host))
		}
	}
	if f.Valid < time.Minute || f.AuthorityValid < f.Valid {
		problems = append(problems, errors.New("certificates have to be valid for a minute or more, and an authority not shorter than what it issues"))
	}
	if f.NewAuthority && (f.Renew || f.Prune) {
		problems = append(problems, errors.New("a new authority has to be known to all before it issues: renew later, and prune after that"))
	}
	return errors.Join(problems...)
}

// bundles are the files with the authorities: the folder's, and that of each service.
func (f Folder) bundles() []string {
	paths := []string{filepath.Join(f.Path, authorityCert)}
	for _, service := range f.Services {
		paths = append(paths, f.Files(service).CA)
	}
	// Services that are not asked for now need it as well.
	others, _ := filepath.Glob(filepath.Join(f.Path, "*", authorityCert)) // the pattern is fine
	for _, path := range others {
		if !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	return paths
}

// authority reads the authority, or makes it, and all that are trusted with it.
func (f Folder) authority() (issuer *Authority, trusted []*x509.Certificate, reason string, err error) {
	certPath, keyPath := filepath.Join(f.Path, authorityCert), filepath.Join(f.Path, authorityKey)
	cert, certErr := os.ReadFile(certPath)
	key, keyErr := os.ReadFile(keyPath)
	switch {
	case errors.Is(certErr, fs.ErrNotExist) && errors.Is(keyErr, fs.ErrNotExist):
		issuer, err = f.create(nil)
		return issuer, only(issuer), "there was none", err
	case certErr != nil || keyErr != nil:
		return nil, nil, "", fmt.Errorf("authority: %s and %s belong together, and one cannot be read; nothing was changed: %w",
			certPath, keyPath, errors.Join(certErr, keyErr))
	}
	if issuer, err = Parse(cert, key); err != nil {
		return nil, nil, "", fmt.Errorf("%s: %w; nothing was changed", certPath, err)
	}
	if trusted, err = certificates(cert); err != nil {
		return nil, nil, "", fmt.Errorf("%s: %w; nothing was changed", certPath, err)
	}
	// An authority that has ended vouches for nobody.
	trusted = slices.DeleteFunc(trusted, func(c *x509.Certificate) bool { return f.Now.After(c.NotAfter) })
	if f.NewAuthority {
		if issuer, err = f.create(trusted); err != nil {
			return nil, nil, "", err
		}
		return issuer, append(only(issuer), trusted...), "asked for", nil
	}
	if f.Now.After(issuer.cert.NotAfter) {
		return nil, nil, "", fmt.Errorf("authority: %s has expired: make a new authority", certPath)
	}
	return issuer, trusted, "", nil
}

func only(a *Authority) []*x509.Certificate {
	if a == nil {
		return nil
	}
	return []*x509.Certificate{a.cert}
}

// create makes an authority and keeps it.
func (f Folder) create(former []*x509.Certificate) (*Authority, error) {
	// The serial numbers of two authorities differ, and so should their names: that is how an issuer is found.
	a, err := New("Gatehouse internal authority "+f.Now.UTC().Format("2006-01-02T15:04:05Z"), f.Now.Add(-skew), f.Now.Add(f.AuthorityValid))
	if err != nil {
		return nil, err
	}
	key, err := a.KeyPEM()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(f.Path, authorityKey)
	if !f.NewAuthority {
		if err := writeNew(path, key); err != nil {
			return nil, err
		}
	} else if err := write(path, key, 0o600); err != nil {
		return nil, err
	}
	return a, write(filepath.Join(f.Path, authorityCert), bundleOf(append(only(a), former...)), 0o644)
}

func bundleOf(trusted []*x509.Certificate) []byte {
	var text []byte
	for _, c := range trusted {
		text = append(text, encode(certificateType, c.Raw)...)
	}
	return text
}

// prune leaves the issuer alone, unless former authorities are still needed.
func (f Folder) prune(issuer *Authority, trusted []*x509.Certificate) ([]*x509.Certificate, error) {
	paths, _ := filepath.Glob(filepath.Join(f.Path, "*", leafCert)) // the pattern is fine
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("authority: %w", err)
		}
		chain, err := certificates(text)
		if err != nil || len(chain) == 0 {
			continue // it is of no use, whoever is trusted
		}
		if chain[0].CheckSignatureFrom(issuer.cert) != nil && verify(chain, trusted, f.Now) == nil {
			return nil, fmt.Errorf("authority: %s was issued by a former authority: renew all certificates first", path)
		}
	}
	return only(issuer), nil
}

// leaf keeps or issues the certificate of a service.
func (f Folder) leaf(service string, issuer *Authority, trusted []*x509.Certificate) (Entry, error) {
	files := f.Files(service)
	expires, reason := f.keep(service, files, trusted)
	if reason == "" {
		return Entry{Service: service, Cert: files.Cert, Expires: expires}, nil
	}
	expires = f.Now.Add(f.Valid).Truncate(time.Second)
	if issuer.cert.NotAfter.Before(expires) {
		expires = issuer.cert.NotAfter
	}
	pair, err := issuer.Issue(Leaf{Service: service, Hosts: f.Hosts, NotBefore: f.Now.Add(-skew), NotAfter: expires})
	if err != nil {
		return Entry{}, err
	}
	// A process that reads in between sees a pair that does not fit, keeps what
	// it has, and reads again a moment later.
	if err := errors.Join(write(files.Key, pair.Key, 0o600), write(files.Cert, pair.Cert, 0o644)); err != nil {
		return Entry{}, err
	}
	return Entry{Service: service, Cert: files.Cert, Expires: expires, Reason: reason}, nil
}

// keep says until when a certificate is good, or why another is needed.
func (f Folder) keep(service string, files mtls.Files, trusted []*x509.Certificate) (expires time.Time, reason string) {
	if f.Renew {
		return time.Time{}, "asked for"
	}
	if _, err := os.Stat(files.Cert); errors.Is(err, fs.ErrNotExist) {
		return time.Time{}, "there was none"
	}
	pair, err := tls.LoadX509KeyPair(files.Cert, files.Key)
	if err != nil {
		return time.Time{}, "the old one cannot be used: " + err.Error()
	}
	leaf := pair.Leaf
	if err := verify([]*x509.Certificate{leaf}, trusted, f.Now); err != nil {
		return time.Time{}, "the old one is not valid: " + err.Error()
	}
	if name, ok := mtls.ServiceOf(leaf); !ok || name != service {
		return time.Time{}, "the old one does not name " + service
	}
	for _, host := range f.Hosts {
		if leaf.VerifyHostname(host) != nil {
			return time.Time{}, "the old one does not name " + host
		}
	}
	if left := leaf.NotAfter.Sub(f.Now); left < leaf.NotAfter.Sub(leaf.NotBefore)/3 && leaf.NotAfter.Before(trusted[0].NotAfter) {
		return time.Time{}, "the old one expires on " + leaf.NotAfter.UTC().Format(time.DateOnly)
	}
	return leaf.NotAfter, ""
}

func verify(chain, trusted []*x509.Certificate, now time.Time) error {
	roots := x509.NewCertPool()
	for _, c := range trusted {
		roots.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	return err
}
