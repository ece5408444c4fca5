package edge

import (
	"context"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

const (
	headerLimit     = "X-RateLimit-Limit"
	headerRemaining = "X-RateLimit-Remaining"
)

func everyRequest(*http.Request) bool { return true }

func unsafeRequest(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return false
	}
	return true
}

// credentialEndpoints are where passwords, codes and links can be guessed and
// mails and short messages be caused. The services throttle by account as well;
// this bounds what one client can try on all of them.
var credentialEndpoints = []string{
	"POST /v1/auth",
	"POST /v1/auth/code",
	"POST /v1/auth/code/send",
	"POST /v1/auth/verification/{verification}",
	"POST /v1/auth/unlock/{unlock}",
	"POST /v1/auth/recovery/initiate",
	"POST /v1/auth/recovery/confirm",
	"POST /v1/auth/passkey",
	"POST /v1/auth/passkey/options",
	"DELETE /v1/passkey/{passkey}",
	"POST /v1/auth/identity/{type}",
	"POST /v1/auth/identity/{type}/state",
	"POST /v1/activation/initiate",
	"PUT /v1/activation/{activation}/finish",
	"POST /v1/password/reset/initiate",
	"POST /v1/password/reset/{reset}/finish",
	"PUT /v1/password",
	"POST /v1/mfa",
	"PUT /v1/mfa/{factor}",
	"DELETE /v1/mfa/{factor}",
	"POST /v1/account/deletion",
	"POST /v1/user",
	"PUT /v1/user/{user}",
	"POST /v1/user/{user}/invitation",
	"POST /login",
	"POST /register",
	"POST /link/{hash}",
	"POST /login/code",
	"POST /login/code/send",
	"POST /login/password",
	"POST /login/factor",
	"POST /login/factor/confirm",
	"POST /login/passkey",
	"POST /login/with/{provider}",
	"POST /login/identity/{provider}",
	"POST /login/stepup",
	"POST /device",
	"POST /login/stepup/code",
	"POST /login/stepup/send",
	"POST /login/stepup/passkey",
	"POST /activation",
	"POST /forgot",
	"POST /recover",
	"POST /reset/{hash}",
	"POST /unlock/{hash}",
}

// credentialRoutes match requests as the muxes behind the edge do, escapes
// included, so that no spelling of a path evades them.
func credentialRoutes() *http.ServeMux {
	mux := http.NewServeMux()
	for _, pattern := range credentialEndpoints {
		mux.Handle(pattern, http.NotFoundHandler()) // never called
	}
	return mux
}

// limitRate holds users, and addresses no session vouches for, to their quotas
// and tells everybody where they stand. Guesses are their address's, whatever
// session comes along: a session vouches for its user, not for the account that
// is tried. A preflight costs nothing: the browser asks it of its own accord.
func (e *Edge) limitRate(fail FailFunc, counts func(*http.Request) bool) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if e.cors.preflight(r) {
				tellQuota(w, e.peek(r.Context(), e.addresses, of(r.Context()).client))
				w.WriteHeader(http.StatusNoContent)
				return
			}
			if counts(r) {
				d, err := e.count(r)
				tellQuota(w, d)
				if err != nil {
					fail(w, r, err)
					return
				}
			}
			next.ServeHTTP(w, r)
		})
	}
}

// limitPictures bounds how many pictures an address asks for: as many as a user
// may make calls. Nobody's session is looked at.
func (e *Edge) limitPictures(fail FailFunc) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			d, err := e.charge(r.Context(), e.pictures, "picture", of(r.Context()).client)
			tellQuota(w, d)
			if err != nil {
				fail(w, r, err)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// count counts one call of the request's user or address.
func (e *Edge) count(r *http.Request) (Decision, error) {
	ctx := r.Context()
	key := of(ctx).client
	if _, pattern := e.credentials.Handler(r); pattern != "" {
		return e.charge(ctx, e.addresses, "address", key)
	}
	switch caller, err := Session(ctx); {
	case err == nil:
		return e.charge(ctx, e.users, "user", strconv.FormatInt(caller.Session.User, 10))
	case fault.Is(err, fault.Throttled):
		e.metrics.throttled.WithLabelValues("bad_token").Inc()
		return e.peek(ctx, e.badTokens, key), err
	case !fault.Is(err, fault.Unauthenticated):
		// Nobody can tell now whose call this is; that is not the address's fault.
		return e.peek(ctx, e.addresses, key), nil
	}
	return e.charge(ctx, e.addresses, "address", key)
}

// charge takes one call from a quota; Throttled if none is left.
func (e *Edge) charge(ctx context.Context, limiter Limiter, name, key string) (Decision, error) {
	d := e.take(ctx, limiter, key)
	if !d.OK {
		e.metrics.throttled.WithLabelValues(name).Inc()
		return d, fault.New(fault.Throttled, "").After(d.Reset)
	}
	return d, nil
}

func tellQuota(w http.ResponseWriter, d Decision) {
	w.Header().Set(headerLimit, strconv.Itoa(d.Limit))
	w.Header().Set(headerRemaining, strconv.Itoa(d.Remaining))
}

// limitFailures shuts out an address that keeps coming with a wrong client or
// token: it guesses. Nothing else is counted, because a relying party calls for
// all its users from one address, and they can make its calls fail in every other
// way. What is published stays readable, for without it no token can be verified.
func (e *Edge) limitFailures(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if published(r) {
			next.ServeHTTP(w, r)
			return
		}
		client := of(r.Context()).client
		if d := e.peek(r.Context(), e.oauthFailures, client); d.Remaining == 0 {
			e.metrics.throttled.WithLabelValues("oauth_failure").Inc()
			failOAuth(w, r, fault.New(fault.Throttled, "").After(d.Reset))
			return
		}
		seen := &recorder{ResponseWriter: w}
		next.ServeHTTP(seen, r)
		if seen.status == http.StatusUnauthorized {
			e.take(r.Context(), e.oauthFailures, client)
		}
	})
}

// published tells whether a request reads the keys or the metadata.
func published(r *http.Request) bool {
	return !unsafeRequest(r) && (r.URL.Path == "/oauth2/jwks" || strings.HasPrefix(r.URL.Path, "/.well-known/"))
}

func (e *Edge) take(ctx context.Context, l Limiter, key string) Decision {
	d, err := l.Take(ctx, key)
	return e.allowing(ctx, d, err)
}

func (e *Edge) peek(ctx context.Context, l Limiter, key string) Decision {
	d, err := l.Peek(ctx, key)
	return e.allowing(ctx, d, err)
}

// allowing lets requests pass while the counters are away: better unlimited
// than closed.
func (e *Edge) allowing(ctx context.Context, d Decision, err error) Decision {
	if err == nil {
		return d
	}
	e.options.Obs.Logger.LogAttrs(ctx, slog.LevelWarn, "rate limit not counted", slog.String("error", err.Error()))
	return Decision{Limit: d.Limit, Remaining: max(d.Limit, 1), OK: true}
}

// seconds rounds up, so that whoever waits that long has waited long enough.
func seconds(d time.Duration) string {
	return strconv.Itoa(max(int(math.Ceil(d.Seconds())), 1))
}
