package app

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// healthcheckTimeout is shorter than what orchestrators grant a probe.
const healthcheckTimeout = 4 * time.Second

// healthcheck asks /readyz of the process that has the same settings. An image
// without a shell and curl needs it for Docker's HEALTHCHECK.
func (p *program) healthcheck(ctx context.Context) error {
	base, err := p.service.load(p.environ, toMigrate)
	if err != nil {
		return p.misconfigured(err)
	}
	if err := AskReady(ctx, base.DebugListen); err != nil {
		p.tellf("%s: %v\n", p.service.Name, err)
		return failure{exitFailed}
	}
	return nil
}

// AskReady asks /readyz of the process of this machine whose debug server listens
// there; nil means that it is ready. It takes at most four seconds.
func AskReady(ctx context.Context, listen string) error {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); host == "" || ip.IsUnspecified() {
		host = "localhost"
	}
	ctx, cancel := context.WithTimeout(ctx, healthcheckTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/readyz", nil)
	if err != nil {
		return err
	}
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode == http.StatusOK {
		return nil
	}
	reason, _ := io.ReadAll(io.LimitReader(response.Body, 1<<10)) // what there is of it
	return fmt.Errorf("not ready: %s", strings.TrimSpace(string(reason)))
}
