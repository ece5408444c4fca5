package doctor

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/mtls"
)

// dialTimeout is less than a check has, which so can tell what it is that took so long.
const dialTimeout = 5 * time.Second

// Warnings come this long before a certificate expires.
const soon = 14 * 24 * time.Hour

// Certificate looks at a service's certificate for mutual TLS.
func Certificate(files mtls.Files, service string) Check {
	return Check{"certificate", func(context.Context) []Result {
		identity, err := mtls.Load(files, nil)
		if err != nil {
			return Fail(err.Error(), "make another one: gatehouse certs")
		}
		defer func() { _ = identity.Close() }()
		if name, _ := identity.Service(); name != service {
			return Fail(fmt.Sprintf("it does not name %s", mtls.Name(service)), "give each service the folder of its own from gatehouse certs")
		}
		return expiry(mtls.Name(service), identity.Expires())
	}}
}

func expiry(what string, at time.Time) []Result {
	left := time.Until(at)
	if left < soon {
		return Warn(fmt.Sprintf("%s expires in %d days", what, int(left.Hours()/24)), "renew it")
	}
	return Good("%s is valid for another %d days", what, int(left.Hours()/24))
}

// PublicURLOptions are for [PublicURL].
type PublicURLOptions struct {
	Origin string
	// Elsewhere says that the gateway may be another machine's, or container's, from
	// which the address leads to where it does not from here: localhost is the first
	// example. Then not to reach it is a warning.
	Elsewhere bool
}

// PublicURL asks for the discovery document as an app would.
func PublicURL(o PublicURLOptions) Check {
	return Check{"public URL", func(ctx context.Context) []Result {
		origin := o.Origin
		const advice = "see whether GATEHOUSE_PUBLIC_URL is the address that browsers use, and leads through the proxy to a gateway that runs"
		transport := &http.Transport{
			TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true,
			DialContext: (&net.Dialer{Timeout: dialTimeout}).DialContext,
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, origin+"/.well-known/openid-configuration", http.NoBody)
		if err != nil {
			return Fail(err.Error(), advice)
		}
		asked := time.Now()
		response, err := (&http.Client{Transport: transport}).Do(request)
		if unreached := (*net.OpError)(nil); o.Elsewhere && errors.As(err, &unreached) && unreached.Op == "dial" {
			return Warn(err.Error(), "it cannot be reached from here: try it with a browser. If that reaches it, nothing is wrong; else "+advice)
		}
		if err != nil {
			return Fail(err.Error(), advice)
		}
		defer func() { _ = response.Body.Close() }()
		until := time.Now()
		var document struct {
			Issuer string `json:"issuer"`
		}
		if err := json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(&document); err != nil || response.StatusCode != http.StatusOK {
			return Fail(fmt.Sprintf("the discovery document is not there: status %d", response.StatusCode), advice)
		}
		if document.Issuer != origin {
			return Fail(fmt.Sprintf("another issuer is there: %.200q", document.Issuer), advice)
		}
		results := Good("%s is the issuer there", origin)
		if response.TLS != nil && len(response.TLS.PeerCertificates) > 0 {
			results = append(results, expiry("its TLS certificate", response.TLS.PeerCertificates[0].NotAfter)...)
		}
		if date, err := http.ParseTime(response.Header.Get("Date")); err == nil { // in whole seconds
			results = append(results, clock("the public server", asked.Add(-time.Second), until.Add(time.Second), date)...)
		}
		return results
	}}
}
