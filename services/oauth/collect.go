package oauth

import (
	"net/http"

	"github.com/gatehouse-id/gatehouse/services/oauth/internal/dpop"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/evidence"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/userinfo"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/wire"
)

// collecting gives every request its evidence before the routes see it. A proof
// of possession is for what binds something to a key, or takes what is bound;
// elsewhere the header means nothing.
func (p *parts) collecting(routes http.Handler) http.Handler {
	collector := &evidence.Collector{Proofs: &dpop.Verifier{Origin: p.config.PublicURL, Clock: p.deps.Clock}}
	binding := collector.Proof(routes, wire.Refuse)
	bound := collector.Proof(routes, userinfo.RefuseProof)
	others := collector.Certificate(routes)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/oauth2/token", "/oauth2/par":
			binding.ServeHTTP(w, r)
		case "/oauth2/userinfo":
			bound.ServeHTTP(w, r)
		default:
			others.ServeHTTP(w, r)
		}
	})
}
