package app

import (
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/hashicorp/consul/api"
)

// Consul are the settings of the connection to Consul, with the names that
// Consul's own tools use. Its client knows further ones (CONSUL_HTTP_SSL,
// CONSUL_HTTP_AUTH, CONSUL_NAMESPACE …) and takes them from the environment itself.
type Consul struct {
	Address    string `env:"CONSUL_HTTP_ADDR" doc:"Consul's HTTP API, host:port or https://host:port. Without it there is no Consul, and GATEHOUSE_PEERS says where services are."`
	Token      string `env:"CONSUL_HTTP_TOKEN" secret:"true" doc:"ACL token that may register this service and read the others."`
	CACert     string `env:"CONSUL_CACERT" doc:"PEM file with the authorities of Consul's certificate."`
	ClientCert string `env:"CONSUL_CLIENT_CERT" doc:"PEM file with a client certificate for Consul."`
	ClientKey  string `env:"CONSUL_CLIENT_KEY" doc:"PEM file with its private key."`
	Datacenter string `env:"CONSUL_DATACENTER" doc:"The datacenter whose instances are called; that of the agent at CONSUL_HTTP_ADDR by default. This process registers with the agent, and so in its datacenter."`
	ServerName string `env:"CONSUL_TLS_SERVER_NAME" doc:"Name in Consul's certificate, if it is not the host of CONSUL_HTTP_ADDR."`

	Tags     []string `env:"GATEHOUSE_CONSUL_TAGS" doc:"Tags with which this process registers, separated by commas, beside version=…"`
	OnlyTags []string `env:"GATEHOUSE_CONSUL_ONLY_TAGS" doc:"Only instances that have all of these tags are called: for several installations in one Consul."`
}

// client is nil without a Consul. The transport is for closing.
func (c Consul) client() (*api.Client, *http.Transport, error) {
	if c.Address == "" {
		return nil, nil, nil
	}
	// No timeout over a whole request: blocking queries bound themselves.
	transport := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout: 5 * time.Second,
		IdleConnTimeout:     90 * time.Second,
		MaxIdleConnsPerHost: 16,
	}
	client, err := api.NewClient(&api.Config{
		Address:    c.Address,
		Token:      c.Token,
		Datacenter: c.Datacenter,
		Transport:  transport,
		TLSConfig:  api.TLSConfig{Address: c.ServerName, CAFile: c.CACert, CertFile: c.ClientCert, KeyFile: c.ClientKey},
	})
	if err != nil {
		return nil, nil, fmt.Errorf("consul at CONSUL_HTTP_ADDR: %w", err)
	}
	return client, transport, nil
}
