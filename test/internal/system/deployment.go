package system

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/test/internal/tree"
)

// The environment says where a deployment is that runs already; docs/compose.md
// explains how tests are run against it.
const (
	deploymentURL     = "GATEHOUSE_E2E_URL"     // the public origin
	deploymentMailpit = "GATEHOUSE_E2E_MAILPIT" // the origin of Mailpit, where its mail ends
	deploymentCommand = "GATEHOUSE_E2E_COMMAND" // runs the operator's command line, with the words that follow
)

// deployed tells whether the tests are for a deployment that runs already.
func deployed() bool { return os.Getenv(deploymentURL) != "" }

// deployment is the System that the environment describes. It has no debug ports and
// no logs, and everybody in it has an address that is new.
func deployment(t testing.TB) *System {
	t.Helper()
	address, mailpit, command := os.Getenv(deploymentURL), os.Getenv(deploymentMailpit), strings.Fields(os.Getenv(deploymentCommand))
	require.NotEmpty(t, mailpit, deploymentMailpit)
	require.NotEmpty(t, command, deploymentCommand)
	root, err := tree.Root()
	require.NoError(t, err)
	return &System{
		URL:    strings.TrimRight(address, "/"),
		suffix: "-" + strings.ToLower(rand.Text()[:8]),
		mails: func(t testing.TB, to string) []Mail {
			t.Helper()
			return mailpitMails(t, mailpit, to)
		},
		Operate: func(t testing.TB, args ...string) []byte {
			t.Helper()
			c := exec.CommandContext(t.Context(), command[0], append(append(command[1:len(command):len(command)], "--output", "json"), args...)...)
			c.Dir = root
			var failure bytes.Buffer
			c.Stderr = &failure
			out, err := c.Output()
			require.NoError(t, err, "%v %v: %s", command, args, &failure)
			return out
		},
	}
}

// mailpitMails are the messages to an address, newest first, as Mailpit's API has them.
func mailpitMails(t testing.TB, mailpit, to string) []Mail {
	t.Helper()
	var found struct {
		Messages []struct{ ID string }
	}
	getJSON(t, mailpit+"/api/v1/search?"+url.Values{"query": {`to:"` + to + `"`}}.Encode(), &found)
	mails := make([]Mail, len(found.Messages))
	for i, m := range found.Messages {
		var whole struct{ Subject, Text, HTML string }
		getJSON(t, mailpit+"/api/v1/message/"+m.ID, &whole)
		// A mail has lines that end as SMTP's do.
		mails[i] = Mail{To: to, Subject: whole.Subject, HTML: whole.HTML, Text: strings.ReplaceAll(whole.Text, "\r\n", "\n")}
	}
	return mails
}

func getJSON(t testing.TB, address string, v any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	require.NoError(t, err)
	res, err := HTTP().Do(r)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	require.Equal(t, http.StatusOK, res.StatusCode, address)
	require.NoError(t, json.NewDecoder(res.Body).Decode(v))
}
