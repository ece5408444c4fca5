package contract_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// placeholders are the operations whose examples have something in them that
// nobody can know beforehand, such as a code, and what that is answered with.
var placeholders = map[string]int{
	"logIn token":     http.StatusUnauthorized,
	"beginIdentity ":  http.StatusNotFound, // there is no provider
	"finishIdentity ": http.StatusNotFound,
	"logInByPasskey ": http.StatusUnauthorized,
	// The providers are not there.
	"putHubProvider own": http.StatusUnprocessableEntity, "putHubProvider installed": http.StatusUnprocessableEntity,
	"assignIdentity email": http.StatusUnprocessableEntity, "assignIdentity subject": http.StatusUnprocessableEntity,
	// Nor are the clients.
	"updateClient addresses": http.StatusNotFound, "updateClient lifetime": http.StatusNotFound, "updateClient none": http.StatusNotFound,
	"rotateClientSecret ": http.StatusNotFound,
	"finishPasskey ":      http.StatusUnprocessableEntity,
	"confirmFactor ":      http.StatusNotFound,
	"removeFactor ":       http.StatusNotFound,
	"removePasskey ":      http.StatusNotFound,
	"finishReset ":        http.StatusNotFound,
	"confirmCode ":        http.StatusUnauthorized,
}

// examples runs every body that the document gives as an example.
func examples(t *testing.T, d *document) {
	w := newWorld(t, d)
	w.register(email)
	for i, o := range w.operations() {
		if o.RequestBody == nil || o.RequestBody.Value.Content["application/json"] == nil {
			continue
		}
		media := o.RequestBody.Value.Content["application/json"]
		bodies := map[string]any{}
		for name, example := range media.Examples {
			bodies[name] = example.Value.Value
		}
		if named := media.Schema.Value.Examples; len(named) > 0 {
			bodies[""] = named[0]
		}
		for j, name := range slices.Sorted(maps.Keys(bodies)) {
			c := w.addressed(o, fmt.Sprintf("p%d.%d@example.org", i, j))
			c.body = text(t, bodies[name])
			status, _, body := w.try(c)
			if want, ok := placeholders[o.OperationID+" "+name]; ok {
				assert.Equal(t, want, status, "%s %s: %s", o, name, body)
				continue
			}
			assert.Less(t, status, 300, "%s %s: %s", o, name, body)
		}
	}
}

// addressed is a call of an operation by somebody who is new, to what is theirs.
func (w world) addressed(o operation, newcomer string) call {
	w.Helper()
	c := call{method: o.method, path: o.path}
	switch {
	case slices.Contains(o.scopes(), "activation.finish"):
		w.post(http.StatusCreated, "/v1/activation/initiate", "", `{"first_name":"A","last_name":"B","email":"`+newcomer+`"}`)
		link := w.open(newcomer)
		c.path, c.token = strings.Replace(c.path, "{activation}", link.Activation, 1), link.Token
	case slices.Contains(o.scopes(), "auth.code"):
		w.put(http.StatusOK, "/v1/user/"+w.register(newcomer).User.Hash, w.login(newcomer).Token, `{"login_confirmation":true}`)
		c.token = w.login(newcomer).Token
	case o.guarded():
		they := w.register(newcomer)
		c.path = strings.NewReplacer("{user}", they.User.Hash, "{hub}", they.Hub.Hash).Replace(c.path)
		c.token = they.Token
	}
	c.path = concrete(c.path)
	return c
}
