package authority_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/mtls/authority"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func folder(t *testing.T) authority.Folder {
	t.Helper()
	return authority.Folder{
		Path: filepath.Join(t.TempDir(), "certs"), Services: []string{"accounts", "gateway", "mail"},
		Valid: 24 * time.Hour, AuthorityValid: 100 * 24 * time.Hour, Now: time.Now(),
	}
}

// fill says why certificates were issued, by service; the authority's is "".
func fill(t *testing.T, f authority.Folder) map[string]string {
	t.Helper()
	entries, err := f.Fill()
	require.NoError(t, err)
	reasons := map[string]string{}
	for _, e := range entries {
		reasons[e.Service] = e.Reason
	}
	return reasons
}

// contents are all files by path.
func contents(t *testing.T, f authority.Folder) map[string]string {
	t.Helper()
	files := map[string]string{}
	require.NoError(t, filepath.WalkDir(f.Path, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		files[path] = string(text)
		return err
	}))
	return files
}

func TestFillingAgainChangesNothing(t *testing.T) {
	t.Parallel()
	f := folder(t)
	assert.Equal(t, map[string]string{"": "there was none", "accounts": "there was none", "gateway": "there was none", "mail": "there was none"}, fill(t, f))
	before := contents(t, f)
	require.Len(t, before, 2+3*3+1, "and the lock")
	for path := range before {
		info, err := os.Stat(path)
		require.NoError(t, err)
		want := fs.FileMode(0o644)
		if ext := filepath.Ext(path); ext == ".key" || ext == ".lock" {
			want = 0o600
		}
		assert.Equal(t, want, info.Mode().Perm(), path)
	}
	f.Now = f.Now.Add(f.Valid / 2)
	assert.Equal(t, map[string]string{"": "", "accounts": "", "gateway": "", "mail": ""}, fill(t, f))
	assert.Equal(t, before, contents(t, f))
}

func TestCertificatesAreRenewed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*testing.T, *authority.Folder)
		why    string
	}{
		"asked for":   {func(_ *testing.T, f *authority.Folder) { f.Renew = true }, "asked for"},
		"last third":  {func(_ *testing.T, f *authority.Folder) { f.Now = f.Now.Add(f.Valid * 3 / 4) }, "expires on"},
		"expired":     {func(_ *testing.T, f *authority.Folder) { f.Now = f.Now.Add(f.Valid + time.Hour) }, "has expired"},
		"new host":    {func(_ *testing.T, f *authority.Folder) { f.Hosts = []string{"accounts.example.org"} }, "does not name accounts.example.org"},
		"new address": {func(_ *testing.T, f *authority.Folder) { f.Hosts = []string{"10.0.0.1"} }, "does not name 10.0.0.1"},
		"no key": {func(t *testing.T, f *authority.Folder) {
			t.Helper()
			require.NoError(t, os.Remove(f.Files("accounts").Key))
		}, "no such file"},
		"another's key": {func(t *testing.T, f *authority.Folder) {
			t.Helper()
			copyFile(t, f.Files("mail").Key, f.Files("accounts").Key)
		}, "does not match"},
		"another's certificate": {func(t *testing.T, f *authority.Folder) {
			t.Helper()
			copyFile(t, f.Files("mail").Key, f.Files("accounts").Key)
			copyFile(t, f.Files("mail").Cert, f.Files("accounts").Cert)
		}, "does not name accounts"},
		"another authority's": {func(t *testing.T, f *authority.Folder) {
			t.Helper()
			files := testkit.CA(t).Issue("accounts")
			copyFile(t, files.Key, f.Files("accounts").Key)
			copyFile(t, files.Cert, f.Files("accounts").Cert)
		}, "unknown authority"},
		"half a certificate": {func(t *testing.T, f *authority.Folder) {
			t.Helper()
			require.NoError(t, os.WriteFile(f.Files("accounts").Cert, []byte("-----BEGIN CERT"), 0o600))
		}, "cannot be used"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := folder(t)
			fill(t, f)
			c.change(t, &f)
			reasons := fill(t, f)
			assert.Contains(t, reasons["accounts"], c.why)
			assert.Empty(t, reasons[""], "the authority stays")
			f.Renew = false
			assert.Empty(t, fill(t, f)["accounts"], "it is fine now")
		})
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(to, text, 0o600))
}

// An authority that ends before its certificates would end with them; to renew these changes nothing.
func TestNothingOutlivesTheAuthority(t *testing.T) {
	t.Parallel()
	f := folder(t)
	fill(t, f)
	f.Now = f.Now.Add(f.AuthorityValid - time.Hour)
	assert.NotEmpty(t, fill(t, f)["accounts"])
	entries, err := f.Fill()
	require.NoError(t, err)
	for _, e := range entries {
		assert.Empty(t, e.Reason)
		assert.WithinDuration(t, f.Now.Add(time.Hour), e.Expires, time.Second)
	}
}

func TestAnAuthorityIsNotLost(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*testing.T, *authority.Folder)
		why    string
	}{
		"no key": {func(t *testing.T, f *authority.Folder) {
			t.Helper()
			require.NoError(t, os.Remove(filepath.Join(f.Path, "ca.key")))
		}, "ca.key belong together"},
		"no certificate": {func(t *testing.T, f *authority.Folder) {
			t.Helper()
			require.NoError(t, os.Remove(filepath.Join(f.Path, "ca.crt")))
		}, "ca.key belong together"},
		"another's key": {func(t *testing.T, f *authority.Folder) {
			t.Helper()
			copyFile(t, f.Files("mail").Key, filepath.Join(f.Path, "ca.key"))
		}, "does not match"},
		"no authority": {func(t *testing.T, f *authority.Folder) {
			t.Helper()
			copyFile(t, f.Files("mail").Key, filepath.Join(f.Path, "ca.key"))
			copyFile(t, f.Files("mail").Cert, filepath.Join(f.Path, "ca.crt"))
		}, "not that of an authority"},
		"something beside it": {func(t *testing.T, f *authority.Folder) {
			t.Helper()
			path := filepath.Join(f.Path, "ca.crt")
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(path, append(text, "remark"...), 0o600))
		}, "something else than certificates"},
		"expired":      {func(_ *testing.T, f *authority.Folder) { f.Now = f.Now.Add(f.AuthorityValid + time.Hour) }, "make a new authority"},
		"still needed": {func(t *testing.T, f *authority.Folder) { t.Helper(); another(t, *f); f.Prune = true }, "renew all certificates first"},
		"no service":   {func(_ *testing.T, f *authority.Folder) { f.Services = []string{"../etc"} }, "no name of a service"},
		"two services": {func(_ *testing.T, f *authority.Folder) { f.Hosts = []string{"mail.Gatehouse.internal"} }, "second service"},
		"a wildcard":   {func(_ *testing.T, f *authority.Folder) { f.Hosts = []string{"*.example.org"} }, "neither a DNS name"},
		"no time":      {func(_ *testing.T, f *authority.Folder) { f.Valid = 0 }, "valid for a minute"},
		"outlived":     {func(_ *testing.T, f *authority.Folder) { f.Valid = f.AuthorityValid + 1 }, "not shorter"},
		"all at once":  {func(_ *testing.T, f *authority.Folder) { f.NewAuthority, f.Renew = true, true }, "known to all"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := folder(t)
			fill(t, f)
			c.change(t, &f)
			before := contents(t, f)
			_, err := f.Fill()
			require.ErrorContains(t, err, c.why)
			assert.Equal(t, before, contents(t, f))
		})
	}
}

func another(t *testing.T, f authority.Folder) {
	t.Helper()
	f.NewAuthority = true
	fill(t, f)
}

func TestManyAtOnceMakeOneAuthority(t *testing.T) {
	t.Parallel()
	f := folder(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			_, err := f.Fill()
			assert.NoError(t, err)
		})
	}
	all.Wait()
	for service, reason := range fill(t, f) {
		assert.Empty(t, reason, service)
	}
}
