// Package authority is a small certificate authority for package mtls: it issues
// certificates that name a service as [mtls.Name] does, and keeps a folder of
// them. It is for development, tests and small installations; a larger one has
// an authority already, or cert-manager.
package authority

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/mtls"
)

// PEM types.
const (
	certificateType = "CERTIFICATE"
	keyType         = "PRIVATE KEY" // PKCS #8
)

// Authority can issue certificates.
type Authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// Leaf is a certificate to issue, for both ends of a connection.
type Leaf struct {
	// Service is put into the certificate as its identity, unless it is empty.
	Service string
	// Hosts are further DNS names and IP addresses. Services do not look at them.
	Hosts               []string
	NotBefore, NotAfter time.Time
}

// Pair is a certificate and its private key, in PEM.
type Pair struct{ Cert, Key []byte }

// New makes an authority that signs itself, with a new key.
func New(name string, notBefore, notAfter time.Time) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("authority: making its key: %w", err)
	}
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             notBefore,
		NotAfter:              notAfter,
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true, // it issues no authorities
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("authority: signing its certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("authority: %w", err)
	}
	return &Authority{cert: cert, key: key}, nil
}

// Parse reads an authority that was kept. Of several certificates, the first is its own.
func Parse(cert, key []byte) (*Authority, error) {
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("authority: the certificate and its key: %w", err)
	}
	if !pair.Leaf.IsCA {
		return nil, errors.New("authority: the certificate is not that of an authority")
	}
	signer, ok := pair.PrivateKey.(crypto.Signer)
	if !ok {
		return nil, errors.New("authority: the key does not sign")
	}
	return &Authority{cert: pair.Leaf, key: signer}, nil
}

// Certificate is the authority's own.
func (a *Authority) Certificate() *x509.Certificate { return a.cert }

// PEM is the authority's own certificate.
func (a *Authority) PEM() []byte { return encode(certificateType, a.cert.Raw) }

// KeyPEM is the authority's private key.
func (a *Authority) KeyPEM() ([]byte, error) { return keyPEM(a.key) }

// Issue makes a certificate with a new key. It ends when the authority ends, at the latest.
func (a *Authority) Issue(leaf Leaf) (Pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Pair{}, fmt.Errorf("authority: making a key: %w", err)
	}
	serial, err := newSerial()
	if err != nil {
		return Pair{}, err
	}
	template := leaf.template(serial)
	if template.NotAfter.After(a.cert.NotAfter) {
		template.NotAfter = a.cert.NotAfter
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		return Pair{}, fmt.Errorf("authority: signing the certificate of %s: %w", leaf.Service, err)
	}
	text, err := keyPEM(key)
	if err != nil {
		return Pair{}, err
	}
	return Pair{Cert: encode(certificateType, der), Key: text}, nil
}

func (l Leaf) template(serial *big.Int) *x509.Certificate {
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: l.Service},
		NotBefore:    l.NotBefore,
		NotAfter:     l.NotAfter,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if l.Service != "" {
		template.DNSNames = append(template.DNSNames, mtls.Name(l.Service))
	}
	for _, host := range l.Hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	return template
}

func newSerial() (*big.Int, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, fmt.Errorf("authority: %w", err)
	}
	return serial.Add(serial, big.NewInt(1)), nil
}

func keyPEM(key crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("authority: writing a key: %w", err)
	}
	return encode(keyType, der), nil
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// certificates are all that a PEM text holds.
func certificates(text []byte) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for rest := bytes.TrimSpace(text); len(rest) > 0; rest = bytes.TrimSpace(rest) {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil || block.Type != certificateType {
			return nil, errors.New("it holds something else than certificates")
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		all = append(all, cert)
	}
	return all, nil
}
