package contract_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// providersOfAHub uses as many of the installation's as a hub may.
func providersOfAHub(t *testing.T, d *document) {
	const most = 20
	installed := make([]string, 0, most+1)
	for i := range most + 1 {
		installed = append(installed, fmt.Sprintf(`{"name": "p%d", "issuer": "https://login.example.org", "client_id": "gatehouse"}`, i))
	}
	w := newWorld(t, d, "GATEHOUSE_UPSTREAM_PROVIDERS=["+strings.Join(installed, ",")+"]")
	titan := w.register(email)
	uli := w.invite(titan, "uli@example.org", "3")

	w.put(http.StatusOK, "/v1/provider/p0", titan.Token, `{"mode":"optional"}`)
	_, header, _ := w.try(call{method: http.MethodGet, path: "/v1/provider/p0", token: titan.Token})
	w.get("/v1/provider/p0", titan.Token)
	change := call{
		method: http.MethodPut, path: "/v1/provider/p0", token: titan.Token, body: `{"mode":"individual"}`,
		header: map[string]string{"If-Match": header.Get("ETag")},
	}
	w.do(http.StatusOK, change)
	w.do(http.StatusPreconditionFailed, change)
	w.put(http.StatusForbidden, "/v1/provider/p1", uli.Token, `{"mode":"optional"}`)

	own, other := "/v1/user/"+titan.User.Hash+"/identity", "/v1/user/"+uli.User.Hash+"/identity"
	w.put(http.StatusUnprocessableEntity, other, titan.Token, `{"provider":"p1","subject":"1"}`)
	w.put(http.StatusOK, other, titan.Token, `{"provider":"p0","subject":"1"}`)
	w.put(http.StatusConflict, own, titan.Token, `{"provider":"p0","subject":"1"}`)
	w.put(http.StatusOK, own, titan.Token, `{"provider":"p0","email":"titan@example.org"}`)
	w.put(http.StatusForbidden, own, uli.Token, `{"provider":"p0","email":"titan@example.org"}`)
	w.delete(http.StatusOK, own+"/p0", titan.Token)
	w.delete(http.StatusNotFound, own+"/p0", titan.Token)

	for i := range most {
		w.put(http.StatusOK, fmt.Sprintf("/v1/provider/p%d", i), titan.Token, `{"mode":"optional"}`)
	}
	w.put(http.StatusConflict, fmt.Sprintf("/v1/provider/p%d", most), titan.Token, `{"mode":"optional"}`)
	w.put(http.StatusOK, "/v1/provider/p7", titan.Token, `{"mode":"mandatory"}`)
	var listed []object
	w.into(w.get("/v1/provider", titan.Token), &listed)
	assert.Len(t, listed, most)
	var hub struct{ ID int64 }
	w.into(w.get("/v1/hub/"+titan.Hub.Hash, titan.Token), &hub)
	var offered []struct{ Name, Mode string }
	w.into(w.get(fmt.Sprintf("/v1/auth/identity?hub=%d", hub.ID), ""), &offered)
	assert.Equal(t, []struct{ Name, Mode string }{{"p7", "mandatory"}}, offered)
	w.delete(http.StatusOK, "/v1/provider/p7", titan.Token)
	w.delete(http.StatusNotFound, "/v1/provider/p7", titan.Token)
}
