package userinfo

import (
	"net/http"

	"github.com/gatehouse-id/gatehouse/services/oauth/internal/dpop"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/evidence"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/grant"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/signed"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/token"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/wire"
)

// requireHolder refuses a token whose key the request does not prove (RFC 9449
// section 7, RFC 8705 section 3). The scheme has to say what the token is: one
// that is bound to a key would otherwise do as one that is not.
func (e *Endpoint) requireHolder(r *http.Request, bound *grant.Confirmation) error {
	shown := evidence.From(r.Context())
	toKey := token.TypeOf(bound) == token.DPoP
	switch byKey := evidence.BoundToken(r) != ""; {
	case byKey && shown.KeyThumbprint == "":
		return errProofMissing
	case byKey != toKey || !token.Holds(r.Context(), bound):
		return errToken
	case !byKey:
		return nil
	}
	return evidence.Refusal(e.Proofs.Spend(shown.Spends...))
}

var errProofMissing = dpop.ErrProof.WithHint("The request has no proof.")

// RefuseProof answers a request whose DPoP proof is not good.
func RefuseProof(w http.ResponseWriter, r *http.Request, err error) {
	refuse(w, r, wire.FailureOf(err), "")
}

// refuse answers in the scheme of the request.
func refuse(w http.ResponseWriter, r *http.Request, f wire.Failure, scope string) {
	if evidence.BoundToken(r) == "" {
		wire.FailBearer(w, f, scope, signed.Names())
		return
	}
	if f.Code == dpop.ErrProof.ErrorField {
		f.Status = http.StatusUnauthorized // as at resource servers, RFC 9449 section 7.1
	}
	wire.FailDPoP(w, f, scope, signed.Names())
}
