package authority_test

import (
	"context"
	"log/slog"
	"net"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-kit/kit/sd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/mtls"
	"github.com/gatehouse-id/gatehouse/pkg/mtls/authority"
	"github.com/gatehouse-id/gatehouse/pkg/obs"
	"github.com/gatehouse-id/gatehouse/pkg/rpc"
)

type nothing struct{}

type who struct {
	Caller string `json:"caller"`
}

var ask = rpc.Route[nothing, who]{Service: "accounts", Method: "Who", Callers: []string{"gateway", "mail"}}

// serve is accounts with the certificate of the folder, for the gateway only.
func serve(t *testing.T, identity *mtls.Identity) (address string) {
	t.Helper()
	s := rpc.NewServer(rpc.ServerOptions{Service: "accounts", Callers: []string{"gateway"}, Obs: obs.Nop()})
	rpc.Handle(s, ask, func(ctx context.Context, _ nothing) (who, error) { return who{rpc.Caller(ctx)}, nil })
	server := httptest.NewUnstartedServer(s)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelWarn) // of handshakes that shall fail
	server.TLS = identity.ServerConfig()
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.Listener.Addr().(*net.TCPAddr).String()
}

// call asks accounts once, over a connection of its own.
func call(t *testing.T, address string, identity *mtls.Identity) (who, error) {
	t.Helper()
	c := rpc.Dial(rpc.DialOptions{
		Service: "accounts", Instancer: sd.FixedInstancer{address}, TLS: identity.ClientConfig("accounts"), Caller: "gateway", Obs: obs.Nop(),
	})
	defer func() { assert.NoError(t, c.Close()) }()
	return rpc.Call(t.Context(), c, ask, nothing{})
}

func identity(t *testing.T, f authority.Folder, service string, onReload func(error)) *mtls.Identity {
	t.Helper()
	i, err := mtls.New(mtls.Options{Files: f.Files(service), OnReload: onReload})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, i.Close()) })
	return i
}

func TestServicesAcceptWhatTheFolderHolds(t *testing.T) {
	t.Parallel()
	f := folder(t)
	fill(t, f)
	address := serve(t, identity(t, f, "accounts", nil))

	answer, err := call(t, address, identity(t, f, "gateway", nil))
	require.NoError(t, err)
	assert.Equal(t, "gateway", answer.Caller)

	_, err = call(t, address, identity(t, f, "mail", nil))
	require.True(t, fault.Is(err, fault.Forbidden), "mail is off the list: %v", err)

	strangers := folder(t)
	fill(t, strangers)
	_, err = call(t, address, identity(t, strangers, "gateway", nil))
	require.True(t, fault.Is(err, fault.Unavailable), "of another authority: %v", err)
	require.ErrorContains(t, err, "unknown authority")
}

// A process that has not been told of new files goes on with what has expired meanwhile.
func TestServicesRefuseWhatHasExpired(t *testing.T) {
	t.Parallel()
	f := folder(t)
	f.Now = time.Now().Add(-f.Valid + 2*time.Second)
	fill(t, f)
	gateway := identity(t, f, "gateway", nil)
	late := f
	late.Now = time.Now()
	late.Services = []string{"accounts"}
	fill(t, late)
	address := serve(t, identity(t, late, "accounts", nil))
	require.Eventually(t, func() bool {
		_, err := call(t, address, gateway)
		return fault.Is(err, fault.Unavailable)
	}, 20*time.Second, 50*time.Millisecond)
	require.True(t, time.Now().After(gateway.Expires()), "it was accepted until then")
}

func TestAuthoritiesChangeWhileServicesRun(t *testing.T) {
	t.Parallel()
	f := folder(t)
	fill(t, f)
	served, called := make(chan error, 100), make(chan error, 100)
	server := identity(t, f, "accounts", func(err error) { served <- err })
	client := identity(t, f, "gateway", func(err error) { called <- err })
	address := serve(t, server)
	// A caller that misses everything.
	old := identity(t, f, "gateway", nil)
	require.NoError(t, old.Close())

	step := func(change func(*authority.Folder)) {
		t.Helper()
		next := f
		change(&next)
		fill(t, next)
		for _, read := range []chan error{served, called} {
			for again := true; again; {
				select {
				case err := <-read:
					again = err != nil
					_, err = call(t, address, client) // half-way it has to work, too
					require.NoError(t, err)
				case <-time.After(20 * time.Second):
					t.Fatal("the files were not read again")
				}
			}
		}
	}
	step(func(f *authority.Folder) { f.NewAuthority = true })
	_, err := call(t, address, old)
	require.NoError(t, err, "the old certificates are good as yet")
	step(func(f *authority.Folder) { f.Renew, f.Valid = true, 2*f.Valid })
	require.Eventually(t, func() bool {
		return server.Expires().Equal(client.Expires()) && server.Expires().After(old.Expires().Add(time.Hour))
	}, 20*time.Second, 10*time.Millisecond)
	step(func(f *authority.Folder) { f.Prune = true })
	require.Eventually(t, func() bool {
		_, err = call(t, address, old)
		return fault.Is(err, fault.Unavailable)
	}, 20*time.Second, 50*time.Millisecond)
	_, err = call(t, address, client)
	require.NoError(t, err)
}
