package testkit

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/mtls"
)

// Authority is a certificate authority for one test.
type Authority struct {
	tb   testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// Leaf is a certificate to issue. Its zero fields have useful values.
type Leaf struct {
	// Service is put into the certificate as its identity, unless it is empty.
	Service string
	// Names are more DNS names, besides "localhost".
	Names []string
	// NotBefore and NotAfter are an hour ago and a day ahead of the real clock if they are zero.
	NotBefore, NotAfter time.Time
}

// CA makes a certificate authority, valid for years around the real clock and
// around that of [Clock].
func CA(tb testing.TB) *Authority {
	tb.Helper()
	a := &Authority{tb: tb, key: newECKey(tb)}
	template := &x509.Certificate{
		SerialNumber:          newSerial(tb),
		Subject:               pkix.Name{CommonName: "Gatehouse test authority"},
		NotBefore:             time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:              time.Now().AddDate(10, 0, 0),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	require.NoError(tb, err)
	a.cert, err = x509.ParseCertificate(der)
	require.NoError(tb, err)
	return a
}

// Issue writes the files of a service to a folder of their own.
func (a *Authority) Issue(service string) mtls.Files {
	a.tb.Helper()
	return a.IssueLeaf(Leaf{Service: service})
}

// IssueLeaf is [Authority.Issue] with more choices.
func (a *Authority) IssueLeaf(leaf Leaf) mtls.Files {
	a.tb.Helper()
	folder := a.tb.TempDir()
	files := mtls.Files{
		Cert: filepath.Join(folder, "tls.crt"),
		Key:  filepath.Join(folder, "tls.key"),
		CA:   filepath.Join(folder, "ca.crt"),
	}
	a.Replace(files, leaf)
	return files
}

// Replace issues a new certificate with a new key into files that are there already.
func (a *Authority) Replace(files mtls.Files, leaf Leaf) {
	a.tb.Helper()
	key := newECKey(a.tb)
	template := leaf.template(newSerial(a.tb))
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	require.NoError(a.tb, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(a.tb, err)
	writePEM(a.tb, files.CA, "CERTIFICATE", a.cert.Raw)
	writePEM(a.tb, files.Key, "PRIVATE KEY", pkcs8)
	writePEM(a.tb, files.Cert, "CERTIFICATE", der)
}

// Identity issues a certificate for a service and loads it; it is closed when the test ends.
func (a *Authority) Identity(service string) *mtls.Identity {
	a.tb.Helper()
	identity, err := mtls.Load(a.Issue(service), nil)
	require.NoError(a.tb, err)
	a.tb.Cleanup(func() { _ = identity.Close() })
	return identity
}

// PEM is the authority's own certificate.
func (a *Authority) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

func (l Leaf) template(serial *big.Int) *x509.Certificate {
	names := append([]string{"localhost"}, l.Names...)
	if l.Service != "" {
		names = append(names, mtls.Name(l.Service))
	}
	if l.NotBefore.IsZero() {
		l.NotBefore = time.Now().Add(-time.Hour)
	}
	if l.NotAfter.IsZero() {
		l.NotAfter = time.Now().AddDate(0, 0, 1)
	}
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: l.Service},
		NotBefore:    l.NotBefore,
		NotAfter:     l.NotAfter,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		DNSNames:     names,
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
}

func newECKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(tb, err)
	return key
}

func newSerial(tb testing.TB) *big.Int {
	tb.Helper()
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	require.NoError(tb, err)
	return serial.Add(serial, big.NewInt(1))
}

func writePEM(tb testing.TB, path, kind string, der []byte) {
	tb.Helper()
	block := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	require.NoError(tb, os.WriteFile(path, block, 0o600))
}
