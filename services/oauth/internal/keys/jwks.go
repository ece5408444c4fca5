package keys

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gatehouse-id/gatehouse/services/oauth/internal/wire"
)

// CacheFor is how long others may keep the key set. A key must be published
// for longer than that before it signs.
const CacheFor = 5 * time.Minute

// Published serves the public keys: next, current and retired of every algorithm
// (RFC 7517 section 5).
type Published struct {
	Signer *Signer
	Logger *slog.Logger
}

func (s *Published) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	all, err := s.Signer.All(r.Context())
	if err != nil {
		wire.Log(r.Context(), s.Logger, "jwks", err)
		wire.Fail(w, wire.FailureOf(err))
		return
	}
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, key := range all {
		set.Keys = append(set.Keys, jose.JSONWebKey{
			Key: key.Public(), KeyID: key.ID, Algorithm: string(key.Alg), Use: "sig",
		})
	}
	wire.CachedJSON(w, r, CacheFor, set)
}
