package edge

import (
	"net/http"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
)

const (
	// maxBody bounds what a client may send, in bytes.
	maxBody = 1 << 20
	// MaxUpload bounds a picture with the form around it.
	MaxUpload = accounts.MaxImage + 64<<10
)

// limitBody refuses a body that says it is too large and cuts off one that
// turns out to be: reading it then fails with *http.MaxBytesError.
func limitBody(fail FailFunc) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			limit := bodyLimit(r)
			if r.ContentLength > limit {
				w.Header().Set("Connection", "close") // what follows is not worth reading
				fail(w, r, ErrTooLarge())
				return
			}
			r.Body = http.MaxBytesReader(w, r.Body, limit)
			next.ServeHTTP(w, r)
		})
	}
}

func bodyLimit(r *http.Request) int64 {
	if r.Method == http.MethodPost && r.URL.Path == "/v1/image" {
		return MaxUpload
	}
	return maxBody
}

// withoutCookies keeps the session out of requests that must not depend on it.
func withoutCookies(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Cookie")
		next.ServeHTTP(w, r)
	})
}
