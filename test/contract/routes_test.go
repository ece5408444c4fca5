package contract_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// TestOtherMethodsAreRefused asks a running gateway which methods each
// documented path has, and for paths that are not there. That nothing else is
// served the gateway's own tests find out.
func TestOtherMethodsAreRefused(t *testing.T) {
	t.Parallel()
	d, s := load(t), system.Standalone(t)
	all := d.operations()
	for _, o := range all {
		if !strings.HasPrefix(o.path, "/v1/") {
			continue
		}
		path := concrete(o.path)
		res := s.Call(t, http.MethodPatch, path, "", nil)
		assert.Equal(t, http.StatusMethodNotAllowed, res.Status, path)
		assert.Equal(t, http.StatusMethodNotAllowed, res.Error.Status, path)
		assert.ElementsMatch(t, methods(all, path), strings.Split(res.Header.Get("Allow"), ", "), path)
	}
	for _, path := range []string{"/v1", "/v1/", "/v1/auth/", "/v1/docs/", "/v1/clients", "/v1/users", "/v1/mfa/1/2", "/v2/auth"} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			assert.Equal(t, http.StatusNotFound, s.Call(t, method, path, "", nil).Status, "%s %s", method, path)
		}
	}
}

// methods are those of all operations that the path could be of.
func methods(all []operation, path string) (names []string) {
	for _, o := range all {
		template := regexp.MustCompile("^" + parameter.ReplaceAllString(o.path, `[^/]+`) + "$")
		if !template.MatchString(path) {
			continue
		}
		names = append(names, o.method)
		if o.method == http.MethodGet {
			names = append(names, http.MethodHead)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
