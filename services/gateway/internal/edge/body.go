package edge

import "net/http"

// maxBody bounds what a client may send, in bytes.
const maxBody = 1 << 20

// limitBody refuses a body that says it is too large and cuts off one that
// turns out to be: reading it then fails with *http.MaxBytesError.
func limitBody(fail FailFunc) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.ContentLength > maxBody {
				w.Header().Set("Connection", "close") // what follows is not worth reading
				fail(w, r, ErrTooLarge())
				return
			}
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
			next.ServeHTTP(w, r)
		})
	}
}

// withoutCookies keeps the session out of requests that must not depend on it.
func withoutCookies(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Cookie")
		next.ServeHTTP(w, r)
	})
}
