package discovery

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/hashicorp/consul/api"
	"github.com/jonboulle/clockwork"
)

// Registration describes one instance of a service. Service, Address and Port
// are required.
type Registration struct {
	// Service is the name others look for.
	Service string
	// ID tells instances apart, and stays the same when a process restarts in
	// its place, so that it replaces its predecessor; empty is Service-Address:Port.
	ID string
	// Address and Port are where others reach the instance.
	Address string
	Port    int
	// Version becomes the tag "version=…" and the metadatum "version".
	Version string
	// Tags are further tags.
	Tags []string
	// Check is the URL, http or https, that Consul asks for the instance's
	// health: /readyz on the debug port. It is asked with the ID as [Instance], for
	// whoever has the address by then may be another. Empty registers no check.
	Check string
	// CheckInterval is how often it does; 0 is checkInterval.
	CheckInterval time.Duration
	// Ready, if set, is asked when registering: without an error the instance
	// counts as passing at once rather than after Consul's first check.
	Ready func(context.Context) error
	// Refresh is how often Consul is asked whether it still knows the instance;
	// 0 is five seconds.
	Refresh time.Duration
	// RetryMin and RetryMax bound the growing pause between two attempts while
	// Consul is away; 0 is 100ms and 10s.
	RetryMin, RetryMax time.Duration
	Logger             *slog.Logger
	// Clock paces all of it; nil is the real one.
	Clock clockwork.Clock
}

// Instance is the parameter of a check's URL that names the instance which is meant.
const Instance = "instance"

// callTimeout bounds one call of the agent.
const callTimeout = 5 * time.Second

// readyTimeout bounds what the instance says of itself when it registers.
const readyTimeout = time.Second

// How Consul asks for an instance's health. One answer that does not come says
// little, and without tolerance would take all instances out at once when what they
// share is slow for a moment.
const (
	checkInterval = 3 * time.Second
	checkTimeout  = 3 * time.Second
	checkFailures = 2 // in a row, to be critical
	// deregisterAfter is when Consul drops an instance that stays critical. It takes
	// no less than a minute.
	deregisterAfter = 5 * time.Minute
)

// Registrar keeps an instance registered until it is closed.
type Registrar struct {
	agent      *api.Agent
	settings   Registration
	clock      clockwork.Clock
	logger     *slog.Logger
	retry      *backoff.ExponentialBackOff
	registered chan struct{}
	answers    atomic.Bool
	cancel     context.CancelFunc
	done       sync.WaitGroup
	once       sync.Once
	closed     error
}

// Register begins to register an instance and returns at once; a Consul that is
// away is tried again until it is there. From then on the instance is registered
// again whenever Consul has forgotten it, as an agent does that restarts without
// its data.
func Register(client *api.Client, settings Registration) *Registrar {
	settings.ID = cmp.Or(settings.ID, defaultID(settings))
	ctx, cancel := context.WithCancel(context.Background())
	r := &Registrar{
		agent:      client.Agent(),
		settings:   settings,
		clock:      cmp.Or(settings.Clock, clockwork.NewRealClock()),
		logger:     cmp.Or(settings.Logger, slog.New(slog.DiscardHandler)).With("instance", settings.ID),
		retry:      newRetry(settings.RetryMin, settings.RetryMax),
		registered: make(chan struct{}),
		cancel:     cancel,
	}
	r.done.Go(func() { r.run(ctx) })
	return r
}

// Registered is closed once Consul knows the instance for the first time.
func (r *Registrar) Registered() <-chan struct{} { return r.registered }

// ID tells the instance apart.
func (r *Registrar) ID() string { return r.settings.ID }

// Answers tells whether Consul answered when it was last asked.
func (r *Registrar) Answers() bool { return r.answers.Load() }

// Close deregisters the instance. Its error says that Consul did not confirm
// within the context; Consul then drops the instance when its check fails.
func (r *Registrar) Close(ctx context.Context) error {
	r.once.Do(func() {
		r.cancel()
		r.done.Wait()
		r.closed = r.deregister(ctx)
	})
	return r.closed
}

func (r *Registrar) run(ctx context.Context) {
	for failed := false; ; {
		err := r.keep(ctx)
		r.answers.Store(err == nil)
		wait := cmp.Or(r.settings.Refresh, 5*time.Second)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			wait = r.retry.NextBackOff()
			if !failed {
				r.logger.WarnContext(ctx, "consul does not answer; the registration is tried again", "error", err)
			}
		case failed:
			r.retry.Reset()
		}
		failed = err != nil
		if !pause(ctx, r.clock, wait) {
			return
		}
	}
}

// keep registers the instance unless Consul knows it as it is.
func (r *Registrar) keep(ctx context.Context) error {
	known, err := r.known(ctx)
	if err != nil || known {
		return err
	}
	if err := r.register(ctx); err != nil {
		return err
	}
	select {
	case <-r.registered:
		r.logger.WarnContext(ctx, "registered again: consul had forgotten the instance")
	default:
		r.logger.InfoContext(ctx, "registered with consul", "address", r.settings.Address, "port", r.settings.Port)
		close(r.registered)
	}
	return nil
}

func (r *Registrar) known(ctx context.Context) (bool, error) {
	select {
	case <-r.registered:
	default:
		return false, nil // a predecessor's registration may point elsewhere
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	found, _, err := r.agent.Service(r.settings.ID, (&api.QueryOptions{}).WithContext(ctx))
	if isNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return found.Address == r.settings.Address && found.Port == r.settings.Port, nil
}

func (r *Registrar) register(ctx context.Context) error {
	request := r.request(ctx)
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return r.agent.ServiceRegisterOpts(request, api.ServiceRegisterOpts{ReplaceExistingChecks: true}.WithContext(ctx))
}

func (r *Registrar) request(ctx context.Context) *api.AgentServiceRegistration {
	s := r.settings
	request := &api.AgentServiceRegistration{
		ID:      s.ID,
		Name:    s.Service,
		Address: s.Address,
		Port:    s.Port,
		Tags:    slices.Clone(s.Tags),
	}
	if s.Version != "" {
		request.Tags = append(request.Tags, "version="+s.Version)
		request.Meta = map[string]string{"version": s.Version}
	}
	if s.Check != "" {
		request.Check = &api.AgentServiceCheck{
			Name:                           s.Service + " is ready",
			HTTP:                           s.Check + "?" + url.Values{Instance: {s.ID}}.Encode(),
			Method:                         http.MethodGet,
			Interval:                       cmp.Or(s.CheckInterval, checkInterval).String(),
			Timeout:                        checkTimeout.String(),
			FailuresBeforeCritical:         checkFailures,
			DeregisterCriticalServiceAfter: deregisterAfter.String(),
		}
		request.Check.Status = s.status(ctx)
	}
	return request
}

// status is what the instance says of itself, soon: what it asks may be silent, which is
// no trouble of Consul's.
func (s Registration) status(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	if s.Ready == nil || s.Ready(ctx) != nil {
		return api.HealthCritical
	}
	return api.HealthPassing
}

func (r *Registrar) deregister(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	err := r.agent.ServiceDeregisterOpts(r.settings.ID, (&api.QueryOptions{}).WithContext(ctx))
	if err == nil {
		r.logger.InfoContext(ctx, "deregistered from consul")
	}
	if isNotFound(err) {
		return nil
	}
	return err
}

func defaultID(s Registration) string {
	return s.Service + "-" + net.JoinHostPort(s.Address, strconv.Itoa(s.Port))
}

func isNotFound(err error) bool {
	var status api.StatusError
	return errors.As(err, &status) && status.Code == http.StatusNotFound
}
