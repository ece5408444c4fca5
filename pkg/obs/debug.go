package obs

import (
	"context"
	"io"
	"net/http"
	"net/http/pprof" // it also adds itself to the default mux, which nobody serves
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// readyTimeout bounds /readyz: an orchestrator gives up sooner than a database
// that does not answer.
const readyTimeout = 3 * time.Second

// DebugHandler serves what operators ask a process for, on a port that the
// public does not reach:
//
//	GET /metrics       Prometheus metrics of o.Registry
//	GET /livez         200 while the process can answer at all
//	GET /readyz        200, or 503 with the reason when ready returns an error
//	GET /debug/pprof/  profiles, from this machine only
//
// A nil ready counts as always ready.
func DebugHandler(o *Obs, ready func(context.Context) error) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(o.Registry, promhttp.HandlerOpts{
		Registry:          o.Registry,
		EnableOpenMetrics: true,
	}))
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, "ok")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
		defer cancel()
		if ready != nil {
			if err := ready(ctx); err != nil {
				answer(w, http.StatusServiceUnavailable, scrub(err.Error()))
				return
			}
		}
		answer(w, http.StatusOK, "ok")
	})
	for pattern, profile := range map[string]http.HandlerFunc{
		"GET /debug/pprof/":        pprof.Index,
		"GET /debug/pprof/cmdline": pprof.Cmdline,
		"GET /debug/pprof/profile": pprof.Profile,
		"GET /debug/pprof/symbol":  pprof.Symbol,
		"POST /debug/pprof/symbol": pprof.Symbol,
		"GET /debug/pprof/trace":   pprof.Trace,
	} {
		mux.Handle(pattern, onlyThisMachine(profile))
	}
	return mux
}

// onlyThisMachine keeps others on the network from what a profile shows, and
// from the load of making one. A port forward comes from this machine.
func onlyThisMachine(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if from, err := netip.ParseAddrPort(r.RemoteAddr); err != nil || !from.Addr().Unmap().IsLoopback() {
			answer(w, http.StatusForbidden, "profiles are for this machine: forward the port")
			return
		}
		next.ServeHTTP(w, r)
	})
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n") // the caller has gone: nobody to tell
}
