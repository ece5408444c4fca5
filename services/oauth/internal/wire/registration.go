package wire

import "net/http"

// FailRegistration writes an error of the client registration endpoint (RFC 7591
// section 3.2.2), which takes tokens of its own: they are bearers.
func FailRegistration(w http.ResponseWriter, f Failure) {
	if f.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", challenge("Bearer", f, ""))
	}
	fail(w, f)
}
