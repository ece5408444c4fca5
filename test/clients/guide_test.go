package clients_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/testkit"
	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// guide is a page of docs/integration, with the addresses of this test in it.
type guide struct {
	t      *testing.T
	s      *system.System
	text   string
	origin string // of the app
}

// openGuide reads a page. The app that it is about is to listen on localhost:3000.
func openGuide(t *testing.T, s *system.System, name string) guide {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "integration", name))
	require.NoError(t, err)
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	require.NoError(t, l.Close())
	here := strings.NewReplacer("http://localhost:8080", s.URL, "localhost:3000", "localhost:"+port)
	return guide{t: t, s: s, text: here.Replace(string(text)), origin: "http://localhost:" + port}
}

// block is the page's only block of a language that begins so.
func (g guide) block(language, beginning string) string {
	g.t.Helper()
	found := regexp.MustCompile("(?s)```"+language+"\n("+regexp.QuoteMeta(beginning)+".*?)```").FindAllStringSubmatch(g.text, -1)
	require.Len(g.t, found, 1, "blocks of %s that begin with %q", language, beginning)
	return found[0][1]
}

// register runs the page's `gatehouse client create` of that client. It gives
// the client's secret.
func (g guide) register(id string) string {
	g.t.Helper()
	command := g.block("sh", "gatehouse client create --id "+id+" ")
	// The shell splits the words.
	c := exec.CommandContext(g.t.Context(), "sh", "-euc", `gatehouse() { printf '%s\0' "$@"; }`+"\n"+command)
	words, err := c.Output()
	require.NoError(g.t, err)
	out := g.s.Operate(g.t, strings.Split(strings.TrimSuffix(string(words), "\x00"), "\x00")...)
	var created struct {
		Secret string `json:"client_secret"`
	}
	require.NoError(g.t, json.Unmarshal(out, &created), "%s", out)
	return created.Secret
}

// program compiles the page's Go program and gives its path.
func (g guide) program() string {
	g.t.Helper()
	dir := g.t.TempDir()
	source, program := filepath.Join(dir, "main.go"), filepath.Join(dir, "program")
	require.NoError(g.t, os.WriteFile(source, []byte(g.block("go", "package main\n")), 0o600))
	// This module has the libraries.
	out, err := exec.CommandContext(g.t.Context(), "go", "build", "-o", program, source).CombinedOutput()
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
		r, err := http.NewRequestWithContext(g.t.Context(), http.MethodGet, g.origin, http.NoBody)
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
	visit(g.t, b, p, g.origin+"/login")
	require.Equal(g.t, http.StatusOK, b.Status, "%s: %s", b.URL, b.Page.Text())
	require.Equal(g.t, g.origin+"/", b.URL.String())
	return b
}
