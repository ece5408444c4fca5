// Package guides reads the pages of docs/integration, so that tests do what they say.
package guides

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// Page is a page of docs/integration, with the addresses of a test in it.
type Page struct {
	// Origin is that of the app.
	Origin string

	t      testing.TB
	system *system.System
	text   string
}

// Open reads a page. The Gatehouse that it is about is at localhost:8080, and the
// app that somebody starts is to listen on localhost:3000.
func Open(t testing.TB, s *system.System, name string) Page {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "integration", name))
	require.NoError(t, err)
	app := "localhost:" + strconv.Itoa(system.FreePort(t))
	here := strings.NewReplacer("http://localhost:8080", s.URL, "localhost:3000", app)
	return Page{Origin: "http://" + app, t: t, system: s, text: here.Replace(string(text))}
}

// Port is the app's.
func (p Page) Port() string { return p.Origin[strings.LastIndex(p.Origin, ":")+1:] }

// Block is the page's only block of a language that begins so.
func (p Page) Block(language, beginning string) string {
	p.t.Helper()
	found := regexp.MustCompile("(?s)```"+language+"\n("+regexp.QuoteMeta(beginning)+".*?)```").FindAllStringSubmatch(p.text, -1)
	require.Len(p.t, found, 1, "blocks of %s that begin with %q", language, beginning)
	return found[0][1]
}

// Register runs the page's `gatehouse client create` of that client. It gives the
// client's secret.
func (p Page) Register(id string) string {
	p.t.Helper()
	return p.Create(p.Block("sh", "gatehouse client create --id "+id+" "))
}

// Create runs a `gatehouse client create`, and gives the client's secret.
func (p Page) Create(command string) string {
	p.t.Helper()
	// The shell splits the words.
	c := exec.CommandContext(p.t.Context(), "sh", "-euc", `gatehouse() { printf '%s\0' "$@"; }`+"\n"+command)
	words, err := c.Output()
	require.NoError(p.t, err)
	out := p.system.Operate(p.t, strings.Split(strings.TrimSuffix(string(words), "\x00"), "\x00")...)
	var created struct {
		Secret string `json:"client_secret"`
	}
	require.NoError(p.t, json.Unmarshal(out, &created), "%s", out)
	return created.Secret
}
