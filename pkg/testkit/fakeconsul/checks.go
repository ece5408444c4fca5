package fakeconsul

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/hashicorp/consul/api"
)

const (
	defaultTimeout = 10 * time.Second
	outputLimit    = 4 << 10
)

// checker runs the registered HTTP checks.
type checker struct {
	cancel context.CancelFunc
	done   sync.WaitGroup
}

func (c *Consul) startChecks(every time.Duration) {
	ctx, cancel := context.WithCancel(context.Background())
	c.checks.cancel = cancel
	if every <= 0 {
		return
	}
	ticker := c.clock.NewTicker(every)
	c.checks.done.Go(func() {
		defer ticker.Stop()
		for {
			select {
			case <-ticker.Chan():
				c.runChecks(ctx)
			case <-ctx.Done():
				return
			}
		}
	})
}

func (c *Consul) stopChecks() {
	c.checks.cancel()
	c.checks.done.Wait()
}

func (c *Consul) runChecks(ctx context.Context) {
	for id, check := range c.httpChecks() {
		status, output := runCheck(ctx, check)
		if ctx.Err() != nil {
			return
		}
		if c.counts(id, check, status) {
			c.setStatus(id, status, output)
		}
		c.reap(id, check)
	}
}

// counts tells whether an instance changes to the status: a failure is passed over
// until there are as many in a row as the check allows.
func (c *Consul) counts(id string, check *api.AgentServiceCheck, status string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.services[id]
	switch {
	case !ok:
		return false
	case status != api.HealthCritical:
		s.failures = 0
		return true
	}
	s.failures++
	return s.failures >= check.FailuresBeforeCritical
}

func (c *Consul) httpChecks() map[string]*api.AgentServiceCheck {
	c.mu.Lock()
	defer c.mu.Unlock()
	due := map[string]*api.AgentServiceCheck{}
	for id, s := range c.services {
		if s.check != nil && s.check.HTTP != "" {
			due[id] = s.check
		}
	}
	return due
}

// reap deregisters an instance that has been critical for too long.
func (c *Consul) reap(id string, check *api.AgentServiceCheck) {
	after, err := time.ParseDuration(check.DeregisterCriticalServiceAfter)
	if err != nil {
		return
	}
	c.mu.Lock()
	s, ok := c.services[id]
	overdue := ok && !s.critical.IsZero() && c.clock.Since(s.critical) >= after
	c.mu.Unlock()
	if overdue {
		c.Remove(id)
	}
}

// runCheck judges like Consul: 2xx passes, 429 is a warning, all else critical.
func runCheck(ctx context.Context, check *api.AgentServiceCheck) (status, output string) {
	timeout, err := time.ParseDuration(check.Timeout)
	if err != nil {
		timeout = defaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, check.HTTP, nil)
	if err != nil {
		return api.HealthCritical, err.Error()
	}
	transport := &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: check.TLSSkipVerify}, // as the check asks
	}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return api.HealthCritical, err.Error()
	}
	defer func() { _ = response.Body.Close() }()
	body, _ := io.ReadAll(io.LimitReader(response.Body, outputLimit)) // what there is of it
	output = response.Status + ": " + string(body)
	switch {
	case response.StatusCode/100 == 2:
		return api.HealthPassing, output
	case response.StatusCode == http.StatusTooManyRequests:
		return api.HealthWarning, output
	default:
		return api.HealthCritical, output
	}
}
