package edge

import (
	"net/http"

	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// readOnly keeps sessions whose personal access token may only read from
// changing anything but themselves: they may be refreshed and ended. It stands
// before all endpoints, so that none can forget it.
func readOnly(fail FailFunc) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if unsafeRequest(r) && !changesOwnSession(r) {
				// Who cannot be told is for the endpoint to refuse, if it asks.
				if caller, err := Session(r.Context()); err == nil && caller.Session.ReadOnly {
					fail(w, r, fault.New(fault.Forbidden, "fault.read_only"))
					return
				}
			}
			next.ServeHTTP(w, r)
		})
	}
}

func changesOwnSession(r *http.Request) bool {
	return r.URL.Path == "/v1/auth" && (r.Method == http.MethodPut || r.Method == http.MethodDelete)
}
