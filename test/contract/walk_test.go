package contract_test

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == oathtool {
		showCode()
		return
	}
	system.Main(m)
}

const (
	email    = "robin@example.org"
	password = "WoWar1chUnsicher?" // the document's examples have these two
)

// call is one request; the zero value of a field leaves it out.
type call struct {
	method, path string
	token        string
	body         string
	mediaType    string // of the body; JSON unless it is said
	header       map[string]string
	// wrong says that the document, too, has to refuse the request.
	wrong bool
}

// world is a Gatehouse whose every answer is held to the document.
type world struct {
	*testing.T
	*document
	*system.System
	// read is the number of the last mail to each address that was looked at.
	read map[string]int64
}

func newWorld(t *testing.T, d *document, environ ...string) world {
	t.Helper()
	s := system.StandaloneWith(t, system.StandaloneOptions{Environ: environ})
	return world{t, d, s, map[string]int64{}}
}

// do makes the call, and requires the status and an answer as documented.
func (w world) do(status int, c call) []byte {
	w.Helper()
	got, _, body := w.try(c)
	require.Equal(w.T, status, got, "%s %s %.200s: %.1000s", c.method, c.path, c.body, body)
	return body
}

func (w world) try(c call) (status int, header http.Header, body []byte) {
	w.Helper()
	r, err := http.NewRequestWithContext(w.Context(), c.method, w.URL+c.path, strings.NewReader(c.body))
	require.NoError(w.T, err)
	if c.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.mediaType != "" {
		r.Header.Set("Content-Type", c.mediaType)
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	for name, value := range c.header {
		r.Header.Set(name, value)
	}
	refusal := w.refuses(r, c.body)
	assert.Equal(w.T, c.wrong, refusal != nil, "%s %s %.200s: %v", c.method, c.path, c.body, refusal)

	res, err := system.HTTP().Do(r)
	require.NoError(w.T, err)
	defer func() { _ = res.Body.Close() }()
	body, err = io.ReadAll(res.Body)
	require.NoError(w.T, err)
	require.NoError(w.T, w.differs(r, res.StatusCode, res.Header, string(body)), "%s %s: %d %.2000s", c.method, c.path, res.StatusCode, body)
	w.remember(w.T, r, res.StatusCode)
	checkHash(w.T, res.Header, body)
	return res.StatusCode, res.Header, body
}

// post, put and so on are calls with a session.
func (w world) post(status int, path, token, body string) []byte {
	w.Helper()
	return w.do(status, call{method: http.MethodPost, path: path, token: token, body: body})
}

func (w world) put(status int, path, token, body string) []byte {
	w.Helper()
	return w.do(status, call{method: http.MethodPut, path: path, token: token, body: body})
}

func (w world) delete(status int, path, token string) []byte {
	w.Helper()
	return w.do(status, call{method: http.MethodDelete, path: path, token: token})
}

// get reads twice, the second time only if something has changed. Ages in words
// ("1 second ago") change by themselves, and then it reads once more.
func (w world) get(path, token string) []byte {
	w.Helper()
	read := func(tag string) (int, string, []byte) {
		c := call{method: http.MethodGet, path: path, token: token}
		if tag != "" {
			c.header = map[string]string{"If-None-Match": tag}
		}
		status, header, body := w.try(c)
		return status, header.Get("ETag"), body
	}
	status, tag, body := read("")
	require.Equal(w.T, http.StatusOK, status, "%s: %s", path, body)
	for range 5 {
		if tag == "" {
			return body
		}
		again, changed, current := read(tag)
		if again == http.StatusNotModified {
			return body
		}
		require.Equal(w.T, http.StatusOK, again, "%s: %s", path, current)
		require.NotEqual(w.T, tag, changed, "%s: the same, and sent again", path)
		tag, body = changed, current
	}
	require.Fail(w.T, "never the same twice", path)
	return nil
}

// into decodes the data of an answer.
func (w world) into(body []byte, data any) {
	w.Helper()
	envelope := struct {
		Data any `json:"data"`
	}{data}
	require.NoError(w.T, json.Unmarshal(body, &envelope), "%s", body)
}

// object is what most documents have.
type object struct {
	ID   json.Number `json:"id"`
	Hash string      `json:"hash"`
}

func (w world) object(body []byte) (o object) {
	w.Helper()
	w.into(body, &o)
	require.NotEmpty(w.T, o.Hash, "%s", body)
	return o
}

// checkHash requires the checksum that the document promises in words.
func checkHash(t *testing.T, header http.Header, body []byte) {
	t.Helper()
	var envelope struct {
		Hash string          `json:"hash"`
		Data json.RawMessage `json:"data"`
	}
	if json.Unmarshal(body, &envelope) != nil || envelope.Data == nil {
		return // a failure, or no envelope
	}
	data := []byte(envelope.Data)
	if bytes.Equal(data, []byte("{}")) {
		data = []byte("[]")
	}
	sum := sha1.Sum(data)
	assert.Equal(t, hex.EncodeToString(sum[:]), envelope.Hash)
	if tag := header.Get("ETag"); tag != "" {
		assert.Equal(t, `"`+envelope.Hash+`"`, tag)
	}
}

// unprovoked are documented answers that these tests cannot have, and why.
var unprovoked = map[string]string{
	"POST /v1/auth/unlock/{unlock} 200":  "an account is locked after hours of failures",
	"POST /v1/auth/unlock/{unlock} 410":  "an account is locked after hours of failures",
	"PUT /v1/user/{user} 409":            "whoever takes the role from an owner is one",
	"POST /v1/auth/passkey 200":          "it takes an authenticator",
	"POST /v1/passkey 201":               "it takes an authenticator",
	"POST /v1/passkey 409":               "it takes an authenticator",
	"POST /v1/passkey/options 409":       "it takes an authenticator",
	"DELETE /v1/passkey/{passkey} 200":   "it takes an authenticator",
	"DELETE /v1/identity/{identity} 409": "it takes a provider",
	"POST /v1/auth/recovery/confirm 404": "the session of the link ends with the request",
	"PUT /v1/auth/email 404":             "the session of the link ends with the change",
}

func TestEveryAnswerIsAsDocumented(t *testing.T) {
	d := load(t)
	for _, walk := range []struct {
		name string
		walk func(*testing.T, *document)
	}{
		{"in and out", inAndOut},
		{"passwords and addresses", passwordsAndAddresses},
		{"factors", factors},
		{"recoveries", recoveries},
		{"a team", aTeam},
		{"hubs", hubs},
		{"clients", clients},
		{"pictures", pictures},
		{"what one says", whatOneSays},
		{"the record and the account", theRecord},
		{"sessions and tokens", sessionsAndTokens},
		{"apps and providers", appsAndProviders},
		{"the providers of a hub", providersOfAHub},
		{"the examples", examples},
		{"refusals", refusals},
		{"closed registration and no mailbox", closed},
		{"used-up limits", tooOften},
		{"too many pictures", tooManyPictures},
		{"too many logins at once", tooMany},
	} {
		t.Run(walk.name, func(t *testing.T) { walk.walk(t, d) })
	}
	if t.Failed() {
		return
	}
	left := d.unseen()
	for _, answer := range left {
		_, known := unprovoked[answer]
		broken := strings.HasSuffix(answer, " 500") || strings.HasSuffix(answer, " 503") // all parts work
		assert.True(t, known || broken, "%s is documented, and no test got it", answer)
	}
	for _, answer := range slices.Sorted(maps.Keys(unprovoked)) {
		assert.True(t, slices.Contains(left, answer), "a test got %s after all", answer)
	}
	assert.NotContains(t, left, "POST /v1/auth 503")
}
