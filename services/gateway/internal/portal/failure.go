package portal

import (
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/obs"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
)

// failures name the texts of the error pages by status. A status that is not
// among them has the text of the class it is of.
var failures = map[int]string{
	http.StatusForbidden:             "forbidden",
	http.StatusNotFound:              "not_found",
	http.StatusMethodNotAllowed:      "method_not_allowed",
	http.StatusGone:                  "gone",
	http.StatusRequestEntityTooLarge: "too_large",
	http.StatusTooManyRequests:       "throttled",
	http.StatusServiceUnavailable:    "unavailable",
}

func failureName(status int) string {
	if name, ok := failures[status]; ok {
		return name
	}
	if status >= http.StatusInternalServerError {
		return "internal"
	}
	return "bad_request"
}

// failure is what an error page shows.
type failure struct {
	Text string
	// Reference finds the request in the log.
	Reference string
	// Problem is an OAuth error, for whoever looks after the app.
	Problem *oauth.Problem
	// SignOut offers to sign out all the same.
	SignOut bool
}

// Fail answers a failure as a page. It is an edge.FailFunc.
func (p *Portal) Fail(w http.ResponseWriter, r *http.Request, err error) { p.visit(w, r).fail(err) }

// fail shows the page of a failure. Who has to be signed in is asked to.
func (v *visit) fail(err error) {
	if fault.Is(err, fault.Unauthenticated) {
		_ = v.see("/login") // it never fails
		return
	}
	explained := edge.Explain(v.r.Context(), err)
	setRetryAfter(v.w.Header(), explained.RetryAfter)
	name := failureName(explained.Status)
	f := fault.From(err)
	if !v.hasOwnText(f, name) {
		v.showFailure(explained.Status, failure{Text: v.text("page.failure." + name + ".text")}, name)
		return
	}
	if name == "not_found" {
		name = "bad_request" // it is a link, say, that there is not; the page there is
	}
	v.showFailure(explained.Status, failure{Text: v.message(f.Message, field{})}, name)
}

// hasOwnText tells whether the fault says more than its kind. The texts of the
// kinds speak to callers of the API.
func (v *visit) hasOwnText(f *fault.Fault, name string) bool {
	own := f.Message.ID != "fault."+string(f.Kind) && f.Message.ID != "fault."+name
	return own && v.portal.deps.Texts.Has(f.Message.ID)
}

// refuse shows an OAuth error that must not reach the app.
func (v *visit) refuse(problem oauth.Problem) error {
	id := "page.problem." + problem.Code
	if !v.portal.deps.Texts.Has(id) {
		id = "page.problem.unknown"
	}
	v.showFailure(http.StatusBadRequest, failure{Text: v.text(id), Problem: &problem}, "problem")
	return nil
}

func (v *visit) showFailure(status int, f failure, name string) {
	f.Reference = obs.RequestID(v.r.Context())
	v.allowed = allowed{} // there is no form on it, and no script
	err := v.show(status, "failure", page{Title: v.text("page.failure." + name + ".title"), Data: f})
	if err == nil {
		return
	}
	// A broken template; a test renders this one.
	edge.Explain(v.r.Context(), err)
	http.Error(v.w, http.StatusText(status), status)
}

// setRetryAfter says when to come back, in whole seconds (RFC 9110 section
// 10.2.3).
func setRetryAfter(h http.Header, d time.Duration) {
	if d > 0 {
		h.Set("Retry-After", strconv.Itoa(max(int(math.Ceil(d.Seconds())), 1)))
	}
}
