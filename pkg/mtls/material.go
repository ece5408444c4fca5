package mtls

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"time"
)

// content is what is in the three files.
type content struct {
	cert, key, ca []byte
}

// material is content that can be used.
type material struct {
	cert        tls.Certificate
	authorities *x509.CertPool
}

func read(files Files) (content, error) {
	var c content
	for _, file := range []struct {
		what, path string
		into       *[]byte
	}{
		{"certificate", files.Cert, &c.cert},
		{"private key", files.Key, &c.key},
		{"authorities", files.CA, &c.ca},
	} {
		if file.path == "" {
			return content{}, fmt.Errorf("mtls: no file with the %s is named", file.what)
		}
		text, err := os.ReadFile(file.path)
		if err != nil {
			return content{}, fmt.Errorf("mtls: the %s: %w", file.what, err)
		}
		*file.into = text
	}
	return c, nil
}

func (c content) equal(d content) bool {
	return bytes.Equal(c.cert, d.cert) && bytes.Equal(c.key, d.key) && bytes.Equal(c.ca, d.ca)
}

// parse checks that the parts fit together, so that a mistake shows at the
// start or in the log, and not as handshakes that fail everywhere.
func (c content) parse(now time.Time) (*material, error) {
	authorities := x509.NewCertPool()
	if !authorities.AppendCertsFromPEM(c.ca) {
		return nil, errors.New("mtls: the file of authorities has no certificate in it")
	}
	pair, err := tls.X509KeyPair(c.cert, c.key)
	if err != nil {
		return nil, fmt.Errorf("mtls: the certificate and its key: %w", err)
	}
	intermediates := x509.NewCertPool()
	for _, der := range pair.Certificate[1:] {
		issuer, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("mtls: an intermediate certificate: %w", err)
		}
		intermediates.AddCert(issuer)
	}
	_, err = pair.Leaf.Verify(x509.VerifyOptions{
		Roots:         authorities,
		Intermediates: intermediates,
		CurrentTime:   now,
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return nil, fmt.Errorf("mtls: the certificate: %w", err)
	}
	return &material{cert: pair, authorities: authorities}, nil
}
