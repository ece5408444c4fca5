package doctor

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/hashicorp/consul/api"
)

const consulRights = "give CONSUL_HTTP_TOKEN service:read and node:read for all, and service:write for its own service"

// Consul asks whether somebody leads, whether the token may read the instances of
// the services, of which some should be passing, and whether it may register own,
// which is empty for whoever does not. For that it registers an instance that
// nobody is sent to, and takes it back.
func Consul(client *api.Client, own string, services ...string) Check {
	return Check{"consul", func(ctx context.Context) []Result {
		asked := time.Now()
		leader, err := client.Status().LeaderWithQueryOptions((&api.QueryOptions{}).WithContext(ctx))
		if err != nil {
			return consulFailure(err)
		}
		if leader == "" {
			return Fail("its servers have no leader", "bring back enough of them, or see their logs")
		}
		results := Good("its leader is %s; it answers within %s", leader, time.Since(asked).Round(time.Microsecond))
		for _, service := range services {
			found, meta, err := client.Health().Service(service, "", true, (&api.QueryOptions{}).WithContext(ctx))
			switch {
			case err != nil:
				return consulFailure(err)
			case meta.ResultsFilteredByACLs:
				return Fail("the token may not read all instances of "+service, consulRights)
			case len(found) == 0:
				results = append(results, Warn("no instance of "+service+" is passing", "see the log of "+service+" and its /readyz")...)
			default:
				results = append(results, Good("%s: %d passing", service, len(found))...)
			}
		}
		if own != "" {
			results = append(results, registers(ctx, client, own)...)
		}
		return results
	}}
}

// takeBack is how long Consul may take to forget what was registered to try it.
const takeBack = 5 * time.Second

// registers tries what a process does when it starts and ends.
func registers(ctx context.Context, client *api.Client, service string) []Result {
	instance := &api.AgentServiceRegistration{
		ID: service + "-doctor-" + rand.Text()[:8], Name: service, Tags: []string{"doctor"},
		// It never passes. If we do not come to take it back, Consul does.
		Check: &api.AgentServiceCheck{TTL: "1m", Status: api.HealthCritical, DeregisterCriticalServiceAfter: "1m"},
	}
	if err := client.Agent().ServiceRegisterOpts(instance, api.ServiceRegisterOpts{}.WithContext(ctx)); err != nil {
		if isForbidden(err) {
			return Fail("the token may not register "+service, consulRights)
		}
		return consulFailure(err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), takeBack) // also if whoever asked has left
	defer cancel()
	if err := client.Agent().ServiceDeregisterOpts(instance.ID, (&api.QueryOptions{}).WithContext(ctx)); err != nil {
		return Warn("what was registered to try it could not be taken back: "+err.Error(), "Consul takes it back within some minutes")
	}
	return Good("%s may be registered", service)
}

func consulFailure(err error) []Result {
	var (
		status  api.StatusError
		stray   x509.UnknownAuthorityError
		name    x509.HostnameError
		network *net.OpError
	)
	switch {
	case isForbidden(err):
		return Fail("the token is unknown, has expired, or may not read: "+err.Error(), consulRights)
	case errors.As(err, &status) && status.Code == http.StatusBadRequest && strings.Contains(status.Body, "HTTPS"):
		return Fail("it speaks TLS and is asked without: "+status.Body, "write CONSUL_HTTP_ADDR with https://, or set CONSUL_HTTP_SSL")
	case errors.As(err, &status):
		return Fail(fmt.Sprintf("it answers status %d: %.200s", status.Code, status.Body), "see the log of Consul")
	}
	switch {
	case errors.As(err, &stray):
		return Fail("its certificate is of an authority that is not known: "+err.Error(), "name the authority's file in CONSUL_CACERT")
	case errors.As(err, &name):
		return Fail("its certificate has another name: "+err.Error(), "write the name in CONSUL_HTTP_ADDR, or in CONSUL_TLS_SERVER_NAME")
	case errors.As(err, &network) && network.Op == "remote error": // an alert of TLS
		return Fail("it does not take our certificate: "+err.Error(), "name one of an authority that it knows in CONSUL_CLIENT_CERT, with CONSUL_CLIENT_KEY")
	}
	return Fail("it does not answer: "+err.Error(), "see whether CONSUL_HTTP_ADDR and CONSUL_CACERT are right and the agent runs")
}

func isForbidden(err error) bool {
	var status api.StatusError
	return errors.As(err, &status) && (status.Code == http.StatusForbidden || status.Code == http.StatusUnauthorized)
}
