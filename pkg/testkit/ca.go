package testkit

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/mtls"
	"github.com/gatehouse-id/gatehouse/pkg/mtls/authority"
)

// Authority is a certificate authority for one test.
type Authority struct {
	tb     testing.TB
	issuer *authority.Authority
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
	issuer, err := authority.New("Gatehouse test authority", time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), time.Now().AddDate(10, 0, 0))
	require.NoError(tb, err)
	return &Authority{tb: tb, issuer: issuer}
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
	if leaf.NotBefore.IsZero() {
		leaf.NotBefore = time.Now().Add(-time.Hour)
	}
	if leaf.NotAfter.IsZero() {
		leaf.NotAfter = time.Now().AddDate(0, 0, 1)
	}
	pair, err := a.issuer.Issue(authority.Leaf{
		Service: leaf.Service, Hosts: append([]string{"localhost", "127.0.0.1", "::1"}, leaf.Names...),
		NotBefore: leaf.NotBefore, NotAfter: leaf.NotAfter,
	})
	require.NoError(a.tb, err)
	require.NoError(a.tb, os.WriteFile(files.CA, a.PEM(), 0o600))
	require.NoError(a.tb, os.WriteFile(files.Key, pair.Key, 0o600))
	require.NoError(a.tb, os.WriteFile(files.Cert, pair.Cert, 0o600))
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
func (a *Authority) PEM() []byte { return a.issuer.PEM() }
