package mtls_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gatehouse-id/gatehouse/pkg/mtls"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

// never is a poll that no test waits for: what reloads then is the watching of folders.
const never = 24 * time.Hour

type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// await takes attempts to reload until one ends as wanted.
func await(t *testing.T, attempts <-chan error, wanted func(error) bool) {
	t.Helper()
	for {
		select {
		case err := <-attempts:
			if wanted(err) {
				return
			}
		case <-t.Context().Done():
			t.Fatal("the test ended")
		case <-time.After(20 * time.Second):
			t.Fatal("the files were not read again")
		}
	}
}

func succeeded(err error) bool { return err == nil }

// failedWith lets attempts pass that saw some of the files before and some after a change.
func failedWith(text string) func(error) bool {
	return func(err error) bool { return err != nil && strings.Contains(err.Error(), text) }
}

func TestNewFilesAreUsedWithoutARestart(t *testing.T) {
	t.Parallel()
	ca := testkit.CA(t)
	files := ca.Issue("accounts")
	attempts := make(chan error, 10)
	identity := load(t, mtls.Options{Files: files, Poll: never, OnReload: func(err error) { attempts <- err }})
	server, before := identity.ServerConfig(), identity.Expires()

	ca.Replace(files, testkit.Leaf{Service: "sessions", NotAfter: time.Now().Add(72 * time.Hour)})
	await(t, attempts, succeeded)
	assert.True(t, identity.Expires().After(before))

	// The configurations that were handed out before know the new certificate,
	// as a server and as a client.
	_, serverErr, clientErr := greet(t, server, ca.Identity("gateway").ClientConfig("sessions"))
	require.NoError(t, serverErr)
	require.NoError(t, clientErr)
	caller, _, err := greet(t, ca.Identity("mail").ServerConfig(), identity.ClientConfig("mail"))
	require.NoError(t, err)
	assert.Equal(t, "sessions", caller)
}

func TestANewAuthorityIsUsedWithoutARestart(t *testing.T) {
	t.Parallel()
	before, after := testkit.CA(t), testkit.CA(t)
	files := before.Issue("accounts")
	attempts := make(chan error, 10)
	identity := load(t, mtls.Options{Files: files, Poll: never, OnReload: func(err error) { attempts <- err }})
	server, client := identity.ServerConfig(), identity.ClientConfig("gateway")
	gateway := after.Identity("gateway")

	_, _, err := greet(t, server, gateway.ClientConfig("accounts"))
	require.ErrorContains(t, err, "unknown authority")
	_, _, err = greet(t, gateway.ServerConfig(), client)
	require.ErrorContains(t, err, "unknown authority")

	after.Replace(files, testkit.Leaf{Service: "accounts"})
	await(t, attempts, succeeded)
	caller, serverErr, clientErr := greet(t, server, gateway.ClientConfig("accounts"))
	require.NoError(t, serverErr)
	require.NoError(t, clientErr)
	assert.Equal(t, "gateway", caller)
	_, _, err = greet(t, gateway.ServerConfig(), client)
	require.NoError(t, err)

	// A caller that trusts both, but has a certificate of the old one.
	late := before.Issue("gateway")
	require.NoError(t, os.WriteFile(late.CA, append(before.PEM(), after.PEM()...), 0o600))
	_, serverErr, _ = greet(t, server, load(t, mtls.Options{Files: late}).ClientConfig("accounts"))
	require.ErrorContains(t, serverErr, "unknown authority")
}

func TestKubernetesSwapsALink(t *testing.T) {
	t.Parallel()
	ca := testkit.CA(t)
	root := t.TempDir()
	generation := func(name string, leaf testkit.Leaf) {
		folder := filepath.Join(root, name)
		require.NoError(t, os.Mkdir(folder, 0o700))
		ca.Replace(filesIn(folder), leaf)
		require.NoError(t, os.Symlink(name, filepath.Join(root, "..data_tmp")))
		require.NoError(t, os.Rename(filepath.Join(root, "..data_tmp"), filepath.Join(root, "..data")))
	}
	generation("..2026_01_01", testkit.Leaf{Service: "accounts"})
	for _, name := range []string{"tls.crt", "tls.key", "ca.crt"} {
		require.NoError(t, os.Symlink(filepath.Join("..data", name), filepath.Join(root, name)))
	}
	attempts := make(chan error, 10)
	identity := load(t, mtls.Options{Files: filesIn(root), Poll: never, OnReload: func(err error) { attempts <- err }})
	generation("..2026_01_02", testkit.Leaf{Service: "mail"})
	await(t, attempts, succeeded)
	service, _ := identity.Service()
	assert.Equal(t, "mail", service)
}

func filesIn(folder string) mtls.Files {
	return mtls.Files{
		Cert: filepath.Join(folder, "tls.crt"),
		Key:  filepath.Join(folder, "tls.key"),
		CA:   filepath.Join(folder, "ca.crt"),
	}
}

func TestBrokenFilesLeaveTheLastGoodOnesInUse(t *testing.T) {
	t.Parallel()
	ca := testkit.CA(t)
	breakages := map[string]struct {
		damage func(*testing.T, mtls.Files)
		want   string
	}{
		"half a certificate": {func(t *testing.T, f mtls.Files) {
			t.Helper()
			require.NoError(t, os.WriteFile(f.Cert, []byte("-----BEGIN CERT"), 0o600))
		}, "the certificate and its key"},
		"a key that does not fit": {func(t *testing.T, f mtls.Files) {
			t.Helper()
			require.NoError(t, os.Rename(ca.Issue("mail").Key, f.Key))
		}, "does not match"},
		"a file that is gone": {func(t *testing.T, f mtls.Files) {
			t.Helper()
			require.NoError(t, os.Remove(f.CA))
		}, "no such file"},
		"an expired certificate": {func(t *testing.T, f mtls.Files) {
			t.Helper()
			ca.Replace(f, testkit.Leaf{Service: "accounts", NotAfter: time.Now().Add(-time.Minute)})
		}, "expired"},
	}
	for name, b := range breakages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := ca.Issue("accounts")
			attempts, written := make(chan error, 10), &log{}
			identity := load(t, mtls.Options{
				Files: files, Poll: never, OnReload: func(err error) { attempts <- err },
				Logger: slog.New(slog.NewTextHandler(written, nil)),
			})
			b.damage(t, files)
			await(t, attempts, failedWith(b.want))
			assert.Contains(t, written.String(), "the last good ones stay in use")
			assert.NotContains(t, written.String(), "PRIVATE")
			_, _, err := greet(t, identity.ServerConfig(), ca.Identity("gateway").ClientConfig("accounts"))
			require.NoError(t, err)

			ca.Replace(files, testkit.Leaf{Service: "mail"})
			await(t, attempts, succeeded)
			service, _ := identity.Service()
			assert.Equal(t, "mail", service)
		})
	}
}

// The folder of the links is watched, not that of the files they lead to.
func TestPollingFindsWhatWatchingMisses(t *testing.T) {
	t.Parallel()
	ca := testkit.CA(t)
	elsewhere, linked := ca.Issue("accounts"), filesIn(t.TempDir())
	require.NoError(t, os.Symlink(elsewhere.Cert, linked.Cert))
	require.NoError(t, os.Symlink(elsewhere.Key, linked.Key))
	require.NoError(t, os.Symlink(elsewhere.CA, linked.CA))

	clock := clockwork.NewFakeClockAt(time.Now())
	attempts := make(chan error, 10)
	identity := load(t, mtls.Options{Files: linked, Clock: clock, OnReload: func(err error) { attempts <- err }})
	require.NoError(t, clock.BlockUntilContext(t.Context(), 1))

	require.NoError(t, os.WriteFile(elsewhere.Cert, []byte("broken"), 0o600))
	clock.Advance(mtls.DefaultPoll)
	await(t, attempts, failedWith("the certificate and its key"))
	ca.Replace(elsewhere, testkit.Leaf{Service: "mail"})
	clock.Advance(mtls.DefaultPoll)
	await(t, attempts, succeeded)
	service, _ := identity.Service()
	assert.Equal(t, "mail", service)
}

func TestWhatIsBrokenIsLoggedOnce(t *testing.T) {
	t.Parallel()
	files, written := testkit.CA(t).Issue("accounts"), &log{}
	identity := load(t, mtls.Options{Files: files, Logger: slog.New(slog.NewTextHandler(written, nil))})
	require.NoError(t, identity.Close())

	require.NoError(t, os.WriteFile(files.Cert, []byte("broken"), 0o600))
	identity.Reload(3)
	assert.Equal(t, 1, strings.Count(written.String(), "cannot be used"))
	require.NoError(t, os.Remove(files.Key))
	identity.Reload(3)
	assert.Equal(t, 2, strings.Count(written.String(), "cannot be used"))
}

func TestACertificateThatIsNotValidYetIsTriedAgain(t *testing.T) {
	t.Parallel()
	ca := testkit.CA(t)
	clock := clockwork.NewFakeClockAt(time.Now())
	attempts := make(chan error, 10)
	files := ca.Issue("accounts")
	identity := load(t, mtls.Options{Files: files, Clock: clock, OnReload: func(err error) { attempts <- err }})
	require.NoError(t, clock.BlockUntilContext(t.Context(), 1))
	ca.Replace(files, testkit.Leaf{Service: "mail", NotBefore: clock.Now().Add(time.Hour)})
	clock.Advance(mtls.DefaultPoll)
	await(t, attempts, failedWith("not yet valid"))
	clock.Advance(2 * time.Hour)
	await(t, attempts, succeeded)
	service, _ := identity.Service()
	assert.Equal(t, "mail", service)
}

func TestCloseEndsTheWatching(t *testing.T) { //nolint:paralleltest // it looks for goroutines that are left over
	ca := testkit.CA(t)
	identity, err := mtls.Load(ca.Issue("accounts"), nil)
	require.NoError(t, err)
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	second, err := mtls.Load(ca.Issue("mail"), nil)
	require.NoError(t, err)
	require.NoError(t, second.Close())
	require.NoError(t, second.Close(), "twice does no harm")
	require.NoError(t, identity.Close())
	_, ok := identity.Service()
	assert.True(t, ok, "it can still be used")
}
