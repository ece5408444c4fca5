package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"

	"github.com/go-kit/kit/sd"
	"github.com/hashicorp/consul/api"
	"github.com/jonboulle/clockwork"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehouse-id/gatehouse/pkg/discovery"
	"github.com/gatehouse-id/gatehouse/pkg/keyring"
	"github.com/gatehouse-id/gatehouse/pkg/mtls"
	"github.com/gatehouse-id/gatehouse/pkg/obs"
	"github.com/gatehouse-id/gatehouse/pkg/rpc"
)

// Runtime is what a service is built with. What it hands out is closed with the
// process.
type Runtime struct {
	Base    Base
	Obs     *obs.Obs
	Clock   clockwork.Clock
	Version string
	// Name is the service's.
	Name string

	service    Service
	group      *Group
	debug      *Server
	identity   *mtls.Identity // nil in plaintext
	consul     *api.Client    // nil without Consul
	membership membership     // of Consul
	refused    error          // why the process must not serve
}

// NewServer makes the server for the methods of this service, open to
// Service.Callers.
func (rt *Runtime) NewServer() *rpc.Server {
	return rpc.NewServer(rpc.ServerOptions{
		Service:  rt.Name,
		Callers:  rt.service.Callers,
		Insecure: rt.Base.InsecureInternal,
		Obs:      rt.Obs,
	})
}

// ServeInternal serves h to the other services: with mutual TLS, unless
// INSECURE_INTERNAL is true, and registered in Consul.
func (rt *Runtime) ServeInternal(h http.Handler) {
	s := &Server{Name: "internal server", Listen: rt.Base.Listen, Handler: h, Logger: rt.Obs.Logger}
	switch {
	case rt.identity != nil:
		s.TLS = rt.identity.ServerConfig()
	case !rt.Base.InsecureInternal:
		// Reached only by a service that says it is alone; load refuses the others.
		rt.refused = errPlaintext
	}
	rt.serve(s)
}

// ServePublic serves h to everybody, in plaintext: TLS ends before it. It is
// registered in Consul like any other.
func (rt *Runtime) ServePublic(h http.Handler) {
	rt.serve(&Server{Name: "public server", Listen: rt.Base.Listen, Handler: h, Logger: rt.Obs.Logger})
}

var errPlaintext = errors.New("plaintext between services is refused: set INSECURE_INTERNAL=true to allow it")

func (rt *Runtime) serve(s *Server) {
	rt.group.Serve(s)
	rt.group.OnServe(s.Name, func(ctx context.Context) error {
		rt.Obs.Logger.InfoContext(ctx, "serving", "server", s.Name, "address", s.Addr().String(), "mutual_tls", s.TLS != nil)
		return nil
	})
	if rt.consul != nil {
		rt.register(s)
	}
}

// register makes the server an instance in Consul for as long as it is ready.
func (rt *Runtime) register(s *Server) {
	var registrar *discovery.Registrar
	rt.group.OnServe("registration in consul", func(context.Context) error {
		address, port, check, err := rt.advertised(s)
		if err != nil {
			return err
		}
		registrar = discovery.Register(rt.consul, discovery.Registration{ //nolint:contextcheck // ended by its Close
			Service: rt.Name,
			Address: address,
			Port:    port,
			Version: rt.Version,
			Tags:    rt.Base.Consul.Tags,
			Check:   check,
			Ready:   rt.group.CheckReady,
			Logger:  rt.Obs.Logger,
			Clock:   rt.Clock,
		})
		rt.membership.registers(registrar)
		return nil
	})
	rt.group.OnDrain("registration in consul", func(ctx context.Context) error {
		if registrar == nil {
			return nil
		}
		return registrar.Close(ctx)
	})
}

// Dial connects to a service by way of Consul, or of GATEHOUSE_PEERS without it.
func (rt *Runtime) Dial(service string) (rpc.Conn, error) {
	options, err := rt.DialOptions(service)
	if err != nil {
		return nil, err
	}
	conn := rpc.Dial(options)
	rt.OnClose("connection to "+service, func(context.Context) error { return conn.Close() })
	return conn, nil
}

// DialOptions are those of Dial, for rpc.Proxy. The instancer in it is stopped
// with the process.
func (rt *Runtime) DialOptions(service string) (rpc.DialOptions, error) {
	var config *tls.Config
	switch {
	case rt.identity != nil:
		config = rt.identity.ClientConfig(service)
	case !rt.Base.InsecureInternal:
		return rpc.DialOptions{}, errPlaintext
	}
	instancer, err := rt.instancer(service)
	if err != nil {
		return rpc.DialOptions{}, err
	}
	rt.OnClose("discovery of "+service, func(context.Context) error {
		instancer.Stop()
		return nil
	})
	return rpc.DialOptions{Service: service, Instancer: instancer, TLS: config, Caller: rt.Name, Obs: rt.Obs}, nil
}

func (rt *Runtime) instancer(service string) (sd.Instancer, error) {
	if rt.consul != nil {
		watcher := discovery.Watch(discovery.WatchOptions{
			Client: rt.consul, Service: service, Tags: rt.Base.Consul.OnlyTags, Logger: rt.Obs.Logger, Clock: rt.Clock,
		})
		rt.membership.watches(service, watcher)
		return watcher, nil
	}
	addresses := rt.Base.Peers[service]
	if len(addresses) == 0 {
		return nil, fmt.Errorf("nobody says where the service %s is: set CONSUL_HTTP_ADDR, or name it in GATEHOUSE_PEERS", service)
	}
	return discovery.Fixed(addresses...), nil
}

// Ring is the ring of the keys in GATEHOUSE_ROOT_KEY.
func (rt *Runtime) Ring() (*keyring.Ring, error) {
	if rt.Base.RootKey == "" {
		return nil, errors.New("GATEHOUSE_ROOT_KEY (or GATEHOUSE_ROOT_KEY_FILE) is required")
	}
	roots, err := keyring.ParseRoots(rt.Base.RootKey)
	if err != nil {
		return nil, fmt.Errorf("GATEHOUSE_ROOT_KEY: %w", err)
	}
	return keyring.NewRing(roots...)
}

// Go runs background work from when the servers open until they have closed;
// see Group.Go.
func (rt *Runtime) Go(name string, run func(context.Context) error) { rt.group.Go(name, run) }

// Ready adds a check to /readyz.
func (rt *Runtime) Ready(name string, check func(context.Context) error) { rt.group.Ready(name, check) }

// OnClose adds what is closed at the end, the last added first.
func (rt *Runtime) OnClose(name string, do func(context.Context) error) { rt.group.OnClose(name, do) }

// Draining is closed when the process begins to end: long polls return then.
func (rt *Runtime) Draining() <-chan struct{} { return rt.group.Draining() }

// connect sets up who this process is and how it finds others.
func (rt *Runtime) connect() error {
	if files, ok := rt.Base.files(); ok {
		identity, err := mtls.New(mtls.Options{Files: files, Logger: rt.Obs.Logger})
		if err != nil {
			return err
		}
		rt.identity = identity
		rt.OnClose("certificate", func(context.Context) error { return identity.Close() })
		obs.Register(rt.Obs.Registry, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "gatehouse_tls_certificate_expiry_timestamp_seconds",
			Help: "When the certificate for mutual TLS that is in use expires, as a Unix time.",
		}, func() float64 { return float64(identity.Expires().Unix()) }))
	}
	client, transport, err := rt.Base.Consul.client()
	if err != nil {
		return err
	}
	if client != nil {
		rt.consul = client
		rt.membership.observe(rt.Obs)
		rt.OnClose("consul", func(context.Context) error {
			transport.CloseIdleConnections()
			return nil
		})
	}
	return nil
}
