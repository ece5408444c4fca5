package contract_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// concrete fills in a path's parameters with the hash of nobody.
func concrete(path string) string { return parameter.ReplaceAllString(path, hash) }

var parameter = regexp.MustCompile(`\{\w+\}`)

// refusals get the failures that have the same cause everywhere, from every
// operation that is documented to answer with them.
func refusals(t *testing.T, d *document) {
	w := newWorld(t, d)
	tokens := w.tokens()
	for _, o := range w.operations() {
		if !strings.HasPrefix(o.path, "/v1/") {
			continue
		}
		mediaType, example := o.example(t)
		c := call{method: o.method, path: concrete(o.path), body: example, mediaType: mediaType}
		w.withoutProof(o, c, tokens)
		if o.guarded() {
			c.token = tokens[o.scopes()[0]]
			require.NotEmpty(t, c.token, "%s: no token of scope %s", o, o.scopes()[0])
		}
		w.wrongBodies(o, c)
		if o.OperationID == "updateMember" {
			c.body = "{}" // of others not everything can be changed
		}
		if o.answers(http.StatusNotFound) && strings.Contains(o.path, "{") {
			w.do(http.StatusNotFound, c)
		}
		if o.method == http.MethodGet && o.answers(http.StatusUnprocessableEntity) {
			for _, p := range o.Parameters {
				if p.Value.Name == "page" {
					w.do(http.StatusUnprocessableEntity, call{method: o.method, path: c.path + "?page=0", token: c.token, wrong: true})
				}
			}
		}
	}
	w.post(http.StatusGone, "/v1/auth/verification/"+w.used(), "", "")
	w.do(http.StatusNotFound, call{method: http.MethodPost, path: "/v1/auth/identity/nobody/state"})
}

// tokens are of every scope that opens an operation, of one person or another.
func (w world) tokens() map[string]string {
	w.Helper()
	tokens := map[string]string{"activation.finish": w.newcomer().Token}
	titan := w.register(email)
	w.put(http.StatusOK, "/v1/user/"+titan.User.Hash, titan.Token, `{"email":"kahn@example.org","current_password":"`+password+`"}`)
	tokens["email.confirm"] = w.open("kahn@example.org").Token
	w.post(http.StatusOK, "/v1/auth/recovery/initiate", "", `{"user":"`+email+`"}`)
	tokens["recovery.confirm"] = w.open(email).Token
	w.put(http.StatusOK, "/v1/user/"+titan.User.Hash, titan.Token, `{"login_confirmation":true}`)
	step := w.login(email)
	tokens["auth.code"] = step.Token
	tokens["*"] = titan.Token
	for _, same := range []string{"terms.confirm", "password.update"} {
		tokens[same] = titan.Token // the operations take one of scope *, too
	}
	return tokens
}

// newcomer has opened the link of an invitation and not finished yet.
func (w world) newcomer() who {
	w.Helper()
	var invited struct{ URL string }
	require.NoError(w.T, json.Unmarshal(w.Operate(w.T, "user", "invite", "newcomer@example.org"), &invited))
	return w.opened(w.post(http.StatusOK, "/v1/auth/verification/"+lastOf(invited.URL), "", ""))
}

func lastOf(path string) string { return path[strings.LastIndex(path, "/")+1:] }

// used is a link that was opened already.
func (w world) used() string {
	w.Helper()
	w.post(http.StatusCreated, "/v1/activation/initiate", "", `{"first_name":"A","last_name":"B","email":"gone@example.org"}`)
	hash := w.mailed("gone@example.org", link)
	w.post(http.StatusOK, "/v1/auth/verification/"+hash, "", "")
	return hash
}

// withoutProof calls without a token, with a bad one, with one of another scope,
// and as a browser that another site made ask.
func (w world) withoutProof(o operation, c call, tokens map[string]string) {
	w.Helper()
	if len(o.scopes()) > 0 {
		bad := c
		bad.token, bad.wrong = "a.b.c", o.guarded()
		w.do(http.StatusUnauthorized, bad)
	}
	if o.guarded() {
		c.wrong = true
		w.do(http.StatusUnauthorized, c)
		for _, scope := range []string{"activation.finish", "*"} {
			if !slices.Contains(o.scopes(), scope) {
				c.token = tokens[scope]
				w.do(http.StatusForbidden, c)
				break
			}
		}
	}
	if o.method != http.MethodGet {
		w.do(http.StatusForbidden, call{
			method: c.method, path: c.path, body: c.body, mediaType: c.mediaType, wrong: o.guarded() && !o.takesCookie(),
			header: map[string]string{
				"Cookie": "gatehouse_session=" + tokens["*"] + "; __Host-gatehouse_session=" + tokens["*"], "Sec-Fetch-Site": "cross-site",
			},
		})
	}
}

// wrongBodies are too large, broken, of another type and with fields that
// nobody knows.
func (w world) wrongBodies(o operation, c call) {
	w.Helper()
	if o.OperationID == "setImage" {
		c.mediaType, c.wrong = "text/plain", true
		w.do(http.StatusUnsupportedMediaType, c)
		return // the rest is about JSON
	}
	c.wrong = true
	c.body, c.mediaType = `{"user":"`+strings.Repeat("x", 1<<20)+`"}`, ""
	w.do(http.StatusRequestEntityTooLarge, c)
	if o.RequestBody == nil {
		return
	}
	for status, bodies := range map[int][]string{
		http.StatusBadRequest:          {"{", "[]", "null"},
		http.StatusUnprocessableEntity: {`{"unknown":1}`},
	} {
		for _, c.body = range bodies {
			w.do(status, c)
		}
	}
	c.body, c.mediaType = "user=x", "application/x-www-form-urlencoded"
	w.do(http.StatusUnsupportedMediaType, c)
}

func closed(t *testing.T, d *document) {
	w := newWorld(t, d,
		"GATEHOUSE_SELF_REGISTRATION=false",
		"GATEHOUSE_DEV_MAILBOX=false", "GATEHOUSE_SMTP_HOST=localhost", "GATEHOUSE_SMTP_FROM=no-reply@example.org",
	)
	w.post(http.StatusForbidden, "/v1/activation/initiate", "", `{"first_name":"Olli","last_name":"Kahn","email":"`+email+`"}`)
	w.do(http.StatusNotFound, call{method: http.MethodGet, path: "/mailbox/messages"})
}

// tooOften uses up the calls of an address.
func tooOften(t *testing.T, d *document) {
	w := newWorld(t, d, "GATEHOUSE_RATE_ADDRESS=1")
	w.post(http.StatusUnauthorized, "/v1/auth", "", credentials(email, password))
	for _, o := range w.operations() {
		if strings.HasPrefix(o.path, "/v1/") {
			mediaType, example := o.example(t)
			w.do(http.StatusTooManyRequests, call{
				method: o.method, path: concrete(o.path), body: example, mediaType: mediaType, wrong: o.guarded(), // there is no token
			})
		}
	}
}

// tooManyPictures uses up those of an address.
func tooManyPictures(t *testing.T, d *document) {
	w := newWorld(t, d, "GATEHOUSE_RATE_USER=1")
	w.do(http.StatusNotFound, call{method: http.MethodGet, path: "/picture/" + hash})
	w.do(http.StatusTooManyRequests, call{method: http.MethodGet, path: "/picture/" + hash})
}

// tooMany logs in more often at once than passwords may be hashed and wait.
func tooMany(t *testing.T, d *document) {
	w := newWorld(t, d, "GATEHOUSE_HASH_CONCURRENCY=1", "GATEHOUSE_HASH_QUEUE=1", "GATEHOUSE_ARGON2_PASSES=20")
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			w.try(call{method: http.MethodPost, path: "/v1/auth", body: credentials(email, password)})
		})
	}
	all.Wait()
}
