package wire

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// realm names the protection space in WWW-Authenticate.
const realm = `realm="gatehouse"`

// JSON writes an answer that nobody may keep (RFC 6749 section 5.1).
func JSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	writeJSON(w, status, body)
}

// CachedJSON writes a public document that may be kept for maxAge, and then need
// not be sent again if it is still the same.
func CachedJSON(w http.ResponseWriter, r *http.Request, maxAge time.Duration, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		writeJSON(w, http.StatusOK, body) // which says so
		return
	}
	sum := sha256.Sum256(text)
	w.Header().Set("Cache-Control", "public, max-age="+strconv.Itoa(int(maxAge.Seconds())))
	w.Header().Set("ETag", `"`+hex.EncodeToString(sum[:16])+`"`)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(text))
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		status, text = http.StatusInternalServerError, []byte(`{"error":"server_error"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(text) // the client went away; nothing to tell it
}

// Fail writes an error of a client-authenticated endpoint (RFC 6749 section
// 5.2).
func Fail(w http.ResponseWriter, f Failure) {
	if f.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Basic "+realm+`, charset="UTF-8"`)
	}
	fail(w, f)
}

// Refuse writes an error that comes before the endpoint itself.
func Refuse(w http.ResponseWriter, _ *http.Request, err error) { Fail(w, FailureOf(err)) }

// FailBearer writes an error of an endpoint that takes access tokens (RFC 6750
// section 3), and tells the algorithms that a proof beside one may have (RFC 9449
// section 7.1). Without a code the request carried no token, and is told only
// that it needs one.
func FailBearer(w http.ResponseWriter, f Failure, scope string, algorithms []string) {
	if f.Status < http.StatusInternalServerError {
		w.Header().Set("WWW-Authenticate", challenge("Bearer", f, scope))
		w.Header().Add("WWW-Authenticate", challenge("DPoP", Failure{}, "")+algs(algorithms))
	}
	if f.Code == "" {
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(f.Status)
		return
	}
	fail(w, f)
}

// FailDPoP is [FailBearer] towards who used the scheme DPoP.
func FailDPoP(w http.ResponseWriter, f Failure, scope string, algorithms []string) {
	if f.Status < http.StatusInternalServerError {
		w.Header().Set("WWW-Authenticate", challenge("DPoP", f, scope)+algs(algorithms))
	}
	fail(w, f)
}

func challenge(scheme string, f Failure, scope string) string {
	text := scheme + " " + realm
	if f.Code != "" {
		text += `, error="` + f.Code + `", error_description="` + f.Description + `"`
	}
	if scope != "" {
		text += `, scope="` + scope + `"`
	}
	return text
}

func algs(names []string) string { return `, algs="` + strings.Join(names, " ") + `"` }

func fail(w http.ResponseWriter, f Failure) {
	if f.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(max(1, int(f.RetryAfter.Seconds()))))
	}
	JSON(w, f.Status, struct {
		Error       string `json:"error"`
		Description string `json:"error_description,omitempty"`
	}{f.Code, f.Description})
}
