package contract_test

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

func TestMain(m *testing.M) { system.Main(m) }

const (
	email    = "olli@example.org"
	password = "correct horse battery staple"
)

// Link and activation of nobody.
const (
	noLink       = "/v1/auth/verification/" + hash
	noActivation = "/v1/activation/" + hash + "/finish"
)

// call is one request; the zero value of a field leaves it out.
type call struct {
	method, path string
	token        string
	body         string
	header       map[string]string
	// wrong says that the document, too, has to refuse the request.
	wrong bool
}

// world is a Gatehouse whose every answer is held to the document.
type world struct {
	*testing.T
	*document
	*system.System
}

// do makes the call, and requires the status and an answer as documented.
func (w world) do(status int, c call) []byte {
	w.Helper()
	got, body := w.try(c)
	require.Equal(w.T, status, got, "%s %s: %s", c.method, c.path, body)
	return body
}

func (w world) try(c call) (status int, body []byte) {
	w.Helper()
	r, err := http.NewRequestWithContext(w.Context(), c.method, w.URL+c.path, strings.NewReader(c.body))
	require.NoError(w.T, err)
	if c.body != "" {
		r.Header.Set("Content-Type", "application/json")
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
	require.NoError(w.T, w.differs(r, res.StatusCode, res.Header, string(body)), "%s %s: %d %s", c.method, c.path, res.StatusCode, body)
	w.remember(w.T, r, res.StatusCode)
	checkHash(w.T, res.Header, body)
	return res.StatusCode, body
}

// checkHash requires the checksum that the document promises in words.
func checkHash(t *testing.T, header http.Header, body []byte) {
	t.Helper()
	var envelope struct {
		Hash string          `json:"hash"`
		Data json.RawMessage `json:"data"`
	}
	if json.Unmarshal(body, &envelope) != nil || envelope.Data == nil {
		return // a failure, or the mailbox
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

// unprovoked are the documented answers that cannot be had from a Gatehouse
// whose parts all work.
func unprovoked(answer string) bool {
	return strings.HasSuffix(answer, " 500") || strings.HasSuffix(answer, " 503")
}

func TestEveryAnswerIsAsDocumented(t *testing.T) {
	d := load(t)
	t.Run("from registration to logout", func(t *testing.T) { walk(world{t, d, system.Standalone(t)}) })
	t.Run("closed registration", func(t *testing.T) {
		s := system.StandaloneWith(t, system.StandaloneOptions{Environ: []string{"GATEHOUSE_SELF_REGISTRATION=false"}})
		world{t, d, s}.do(http.StatusForbidden, call{
			method: http.MethodPost, path: "/v1/activation/initiate",
			body: `{"first_name":"Olli","last_name":"Kahn","email":"` + email + `"}`,
		})
	})
	t.Run("no mailbox", func(t *testing.T) {
		s := system.StandaloneWith(t, system.StandaloneOptions{Environ: []string{
			"GATEHOUSE_DEV_MAILBOX=false", "GATEHOUSE_SMTP_HOST=localhost", "GATEHOUSE_SMTP_FROM=no-reply@example.org",
		}})
		world{t, d, s}.do(http.StatusNotFound, call{method: http.MethodGet, path: "/mailbox/messages"})
	})
	t.Run("used-up limits", func(t *testing.T) { tooOften(t, d) })
	t.Run("too many logins at once", func(t *testing.T) { tooMany(t, d) })

	left := d.unseen()
	for _, answer := range left {
		assert.True(t, unprovoked(answer), "%s is documented, and no test got it", answer)
	}
	assert.NotContains(t, left, "POST /v1/auth 503")
}

func walk(w world) {
	w.do(http.StatusCreated, call{
		method: http.MethodPost, path: "/v1/activation/initiate",
		body: `{"first_name":"Olli","last_name":"Kahn","email":"` + email + `"}`,
	})
	link := w.AwaitLink(w.T, email)
	w.do(http.StatusOK, call{method: http.MethodGet, path: "/mailbox/messages"})
	narrow := w.opened(w.do(http.StatusOK, call{method: http.MethodPost, path: "/v1/auth/verification/" + link}))
	finish := call{
		method: http.MethodPut, path: "/v1/activation/" + narrow.Activation + "/finish", token: narrow.Token,
		body: `{"name":"Lighthouse","password":"short","password_confirmation":"short","terms":true}`,
	}
	w.do(http.StatusUnprocessableEntity, finish)
	finish.body = `{"name":"Lighthouse","password":"` + password + `","password_confirmation":"` + password + `","terms":true}`
	w.do(http.StatusOK, finish)

	login := call{method: http.MethodPost, path: "/v1/auth", body: `{"user":"` + email + `","password":"` + password + `"}`}
	w.do(http.StatusOK, call{method: login.method, path: login.path, body: strings.Replace(login.body, "}", `,"hub":false,"remember":true}`, 1)})
	full := w.opened(w.do(http.StatusOK, login))
	w.do(http.StatusOK, call{method: http.MethodGet, path: "/v1/auth", token: full.Token, header: map[string]string{"Content-Language": "de"}})
	w.do(http.StatusNotModified, call{method: http.MethodGet, path: "/v1/auth", token: full.Token, header: map[string]string{"If-None-Match": "*"}})
	w.do(http.StatusOK, call{method: http.MethodPut, path: "/v1/auth", token: full.Token})
	w.refusals(link, narrow.Activation, full.Token)
	w.do(http.StatusOK, call{method: http.MethodDelete, path: "/v1/auth", token: full.Token})
	w.do(http.StatusUnauthorized, call{method: http.MethodGet, path: "/v1/auth", token: full.Token})
}

// opened reads the tokens of an answer.
func (w world) opened(body []byte) (a system.Authentication) {
	w.Helper()
	var envelope struct {
		Data *system.Authentication `json:"data"`
	}
	envelope.Data = &a
	require.NoError(w.T, json.Unmarshal(body, &envelope))
	return a
}

// refusals get every documented failure but those for which something has to
// be out of order.
func (w world) refusals(link, activation, full string) {
	narrow := w.narrow()
	w.do(http.StatusUnauthorized, call{method: http.MethodPost, path: "/v1/auth", body: `{"user":"` + email + `","password":"wrong"}`})
	w.do(http.StatusUnauthorized, call{method: http.MethodPost, path: "/v1/auth", body: `{"token":"unknown"}`})
	w.do(http.StatusNotFound, call{method: http.MethodPost, path: noLink})
	w.do(http.StatusGone, call{method: http.MethodPost, path: "/v1/auth/verification/" + link})
	w.do(http.StatusForbidden, call{method: http.MethodPut, path: noActivation, token: full, body: finished, wrong: true})
	w.do(http.StatusNotFound, call{method: http.MethodPut, path: noActivation, token: narrow, body: finished})
	w.do(http.StatusNotFound, call{method: http.MethodPut, path: "/v1/activation/" + activation + "/finish", token: narrow, body: finished})

	for _, o := range w.operations() {
		if o.path == "/mailbox/messages" {
			continue
		}
		c := call{method: o.method, path: concrete(o.path), token: full}
		if strings.Contains(o.path, "{activation}") {
			c.token = narrow
		}
		if o.guarded() {
			w.do(http.StatusUnauthorized, call{method: c.method, path: c.path, body: valid[o.OperationID], wrong: true})
			w.do(http.StatusUnauthorized, call{method: c.method, path: c.path, token: "a.b.c", body: valid[o.OperationID], wrong: true})
			if c.token == full {
				w.do(http.StatusForbidden, call{method: c.method, path: c.path, token: narrow, wrong: true})
			}
		}
		w.do(http.StatusRequestEntityTooLarge, call{
			method: c.method, path: c.path, token: c.token, body: `{"user":"` + strings.Repeat("x", 1<<20) + `"}`, wrong: true,
		})
		if o.RequestBody == nil {
			continue
		}
		for status, bodies := range map[int][]string{
			http.StatusBadRequest:          {"{", "[]", "null"},
			http.StatusUnprocessableEntity: {`{"unknown":1}`},
		} {
			for _, body := range bodies {
				w.do(status, call{method: c.method, path: c.path, token: c.token, body: body, wrong: true})
			}
		}
		w.do(http.StatusUnsupportedMediaType, call{
			method: c.method, path: c.path, token: c.token, body: "user=x", wrong: true,
			header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"},
		})
		// A browser that another site made ask.
		w.do(http.StatusForbidden, call{
			method: c.method, path: c.path, body: valid[o.OperationID],
			wrong: strings.Contains(o.path, "{activation}"), // which takes no cookie
			header: map[string]string{
				"Cookie": "gatehouse_session=" + full + "; __Host-gatehouse_session=" + full, "Sec-Fetch-Site": "cross-site",
			},
		})
	}
}

// finished is the body of a finish that breaks no rule.
const finished = `{"name":"Lighthouse","password":"` + password + `","password_confirmation":"` + password + `","terms":true}`

// valid are bodies that the document allows, by operation.
var valid = map[string]string{
	"logIn":              `{"user":"` + email + `","password":"` + password + `"}`,
	"initiateActivation": `{"first_name":"Olli","last_name":"Kahn","email":"` + email + `"}`,
	"finishActivation":   finished,
}

// concrete fills in a path's parameter.
func concrete(path string) string { return parameter.ReplaceAllString(path, hash) }

var parameter = regexp.MustCompile(`\{\w+\}`)

// narrow gives a token with which only an activation can be finished.
func (w world) narrow() string {
	w.Helper()
	var invited struct{ URL string }
	require.NoError(w.T, json.Unmarshal(w.Operate(w.T, "user", "invite", "newcomer@example.org"), &invited))
	link := invited.URL[strings.LastIndex(invited.URL, "/")+1:]
	return w.opened(w.do(http.StatusOK, call{method: http.MethodPost, path: "/v1/auth/verification/" + link})).Token
}

// tooOften uses up the calls of an address.
func tooOften(t *testing.T, d *document) {
	s := system.StandaloneWith(t, system.StandaloneOptions{Environ: []string{"GATEHOUSE_RATE_ADDRESS=1"}})
	w := world{t, d, s}
	w.do(http.StatusUnauthorized, call{method: http.MethodPost, path: "/v1/auth", body: valid["logIn"]})
	for _, o := range w.operations() {
		if o.path != "/mailbox/messages" {
			w.do(http.StatusTooManyRequests, call{
				method: o.method, path: concrete(o.path), body: valid[o.OperationID],
				wrong: o.guarded(), // there is no token
			})
		}
	}
}

// tooMany logs in more often at once than passwords may be hashed and wait.
func tooMany(t *testing.T, d *document) {
	s := system.StandaloneWith(t, system.StandaloneOptions{Environ: []string{
		"GATEHOUSE_HASH_CONCURRENCY=1", "GATEHOUSE_HASH_QUEUE=1", "GATEHOUSE_ARGON2_PASSES=20",
	}})
	w := world{t, d, s}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { w.try(call{method: http.MethodPost, path: "/v1/auth", body: valid["logIn"]}) })
	}
	all.Wait()
}
