package app

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/jonboulle/clockwork"

	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/mtls"
	"github.com/gatehouse-id/gatehouse/pkg/rpc"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
	"github.com/gatehouse-id/gatehouse/pkg/testkit/fakeconsul"
)

var whoCalls = rpc.Route[string, string]{Service: "accounts", Method: "WhoCalls", Callers: []string{"mail", "gateway"}}

// accounts answers whoCalls to mail alone.
func accounts() Service {
	return Service{Name: "accounts", Callers: []string{"mail"}, Build: func(_ context.Context, rt *Runtime) error {
		s := rt.NewServer()
		rpc.Handle(s, whoCalls, func(ctx context.Context, greeting string) (string, error) {
			return greeting + " " + rpc.Caller(ctx), nil
		})
		rt.ServeInternal(s)
		return nil
	}}
}

type answer struct {
	text string
	err  error
}

// caller calls whoCalls as soon as it runs.
func caller(name string) (Service, <-chan answer) {
	answers := make(chan answer, 1)
	return Service{Name: name, Build: func(_ context.Context, rt *Runtime) error {
		conn, err := rt.Dial("accounts")
		if err != nil {
			return err
		}
		rt.Go("call", func(ctx context.Context) error {
			text, err := rpc.Call(ctx, conn, whoCalls, "hello")
			answers <- answer{text, err}
			return nil
		})
		return nil
	}}, answers
}

func certificate(files mtls.Files) []string {
	return []string{"GATEHOUSE_TLS_CERT=" + files.Cert, "GATEHOUSE_TLS_KEY=" + files.Key, "GATEHOUSE_TLS_CA=" + files.CA}
}

func TestServicesTalkOverMutualTLS(t *testing.T) {
	t.Parallel()
	ca, other := testkit.CA(t), testkit.CA(t)
	consul := fakeconsul.Start(t, fakeconsul.Options{})
	common := []string{"GATEHOUSE_DRAIN=0s", "CONSUL_HTTP_ADDR=" + consul.Address}
	start(t, accounts(), clockwork.NewRealClock(), append(common, certificate(ca.Issue("accounts"))...)...)
	url, _ := instance(t, consul)
	at := strings.TrimPrefix(url, "http://")

	for name, test := range map[string]struct {
		caller string
		files  mtls.Files
		where  string
		want   string
		kind   fault.Kind
	}{
		"by Consul":         {"mail", ca.Issue("mail"), common[1], "hello mail", ""},
		"by peers":          {"mail", ca.Issue("mail"), "GATEHOUSE_PEERS=accounts=" + at, "hello mail", ""},
		"not on the list":   {"oauth", ca.Issue("oauth"), common[1], "", fault.Forbidden},
		"foreign authority": {"mail", other.Issue("mail"), common[1], "", fault.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, answers := caller(test.caller)
			start(t, s, clockwork.NewRealClock(), append(certificate(test.files), "GATEHOUSE_DRAIN=0s", test.where)...)
			got := <-answers
			if got.text != test.want || (got.err == nil) != (test.kind == "") || got.err != nil && !fault.Is(got.err, test.kind) {
				t.Errorf("%q, %v", got.text, got.err)
			}
		})
	}
	t.Run("plaintext", func(t *testing.T) {
		t.Parallel()
		if status, _ := get(t, url+"/rpc/accounts/WhoCalls"); status == http.StatusOK || status == http.StatusMethodNotAllowed {
			t.Errorf("plaintext was served: %d", status)
		}
	})
}

func TestServicesTalkInPlaintextIfAllowed(t *testing.T) {
	t.Parallel()
	consul := fakeconsul.Start(t, fakeconsul.Options{})
	common := []string{"GATEHOUSE_DRAIN=0s", "INSECURE_INTERNAL=true", "CONSUL_HTTP_ADDR=" + consul.Address}
	start(t, accounts(), clockwork.NewRealClock(), common...)
	instance(t, consul)
	s, answers := caller("mail")
	start(t, s, clockwork.NewRealClock(), common...)
	if got := <-answers; got.err != nil || got.text != "hello mail" {
		t.Errorf("%q, %v", got.text, got.err)
	}
}

func TestAPeerThatStartsLaterIsFound(t *testing.T) {
	t.Parallel()
	consul := fakeconsul.Start(t, fakeconsul.Options{})
	common := []string{"GATEHOUSE_DRAIN=0s", "INSECURE_INTERNAL=true", "CONSUL_HTTP_ADDR=" + consul.Address}
	tried, answers := make(chan error, 1), make(chan answer, 1)
	start(t, Service{Name: "mail", Build: func(_ context.Context, rt *Runtime) error {
		conn, err := rt.Dial("accounts")
		if err != nil {
			return err
		}
		rt.Go("call", func(ctx context.Context) error {
			_, err := rpc.Call(ctx, conn, whoCalls, "hello")
			tried <- err
			for { // until the news from Consul has arrived
				text, err := rpc.Call(ctx, conn, whoCalls, "hello")
				if !fault.Is(err, fault.Unavailable) || ctx.Err() != nil {
					answers <- answer{text, err}
					return ctx.Err()
				}
			}
		})
		return nil
	}}, clockwork.NewRealClock(), common...)
	if err := <-tried; !fault.Is(err, fault.Unavailable) {
		t.Errorf("without an instance: %v", err)
	}
	start(t, accounts(), clockwork.NewRealClock(), common...)
	if got := <-answers; got.err != nil || got.text != "hello mail" {
		t.Errorf("%q, %v", got.text, got.err)
	}
}

func TestRing(t *testing.T) {
	t.Parallel()
	rt := &Runtime{}
	if _, err := rt.Ring(); err == nil || !strings.Contains(err.Error(), "GATEHOUSE_ROOT_KEY") {
		t.Error(err)
	}
	rt.Base.RootKey = rootKey
	if _, err := rt.Ring(); err != nil {
		t.Error(err)
	}
	rt.Base.RootKey = "short"
	if _, err := rt.Ring(); err == nil {
		t.Error("a short key was accepted")
	}
}
