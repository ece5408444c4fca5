package clients_test

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/testkit"
	"github.com/gatehouse-id/gatehouse/test/internal/guides"
	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// guide is a page of docs/integration, with the addresses of this test in it.
type guide struct {
	guides.Page

	t *testing.T
	s *system.System
}

func openGuide(t *testing.T, s *system.System, name string) guide {
	t.Helper()
	return guide{guides.Open(t, s, name), t, s}
}

// program compiles the page's Go program and gives its path.
func (g guide) program() string {
	g.t.Helper()
	dir := g.t.TempDir()
	source, program := filepath.Join(dir, "main.go"), filepath.Join(dir, "program")
	require.NoError(g.t, os.WriteFile(source, []byte(g.Block("go", "package main\n")), 0o600))
	// This module has the libraries. The flags are those of make build, whose cache it shares.
	c := exec.CommandContext(g.t.Context(), "go", "build", "-trimpath", "-o", program, source)
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := c.CombinedOutput()
	require.NoError(g.t, err, "%s", out)
	return program
}

// serve runs a program, to the end of the test, that serves the app.
func (g guide) serve(environ []string, program string, args ...string) {
	g.t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(g.t.Context()))
	c := exec.CommandContext(ctx, program, args...)
	c.Env = append(os.Environ(), environ...)
	log := &testkit.Log{}
	c.Stdout, c.Stderr = log, log
	require.NoError(g.t, c.Start())
	ended := make(chan struct{})
	go func() { _ = c.Wait(); close(ended) }() // killed below
	g.t.Cleanup(func() {
		stop()
		<-ended
		if g.t.Failed() {
			g.t.Logf("the app said:\n%s", log)
		}
	})
	system.Eventually(g.t, "the app to serve", func() bool {
		select {
		case <-ended:
			require.FailNow(g.t, "the app has ended", "%s", log)
		default:
		}
		r, err := http.NewRequestWithContext(g.t.Context(), http.MethodGet, g.Origin, http.NoBody)
		require.NoError(g.t, err)
		res, err := system.HTTP().Do(r)
		if err != nil {
			return false
		}
		return res.Body.Close() == nil
	})
}

// signIn signs a person in to the app. The browser is back at the app then.
func (g guide) signIn(p system.Person) *system.Browser {
	g.t.Helper()
	b := system.NewBrowser(g.t, "")
	visit(g.t, b, p, g.Origin+"/login")
	require.Equal(g.t, http.StatusOK, b.Status, "%s: %s", b.URL, b.Page.Text())
	require.Equal(g.t, g.Origin+"/", b.URL.String())
	return b
}
