package oauth

import (
	"context"
	"errors"
	"slices"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/audit"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/keyring"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/keys"
)

// publishFor is how long a key is published before it signs: others may have
// fetched the list just before it came.
const publishFor = 2 * keys.CacheFor

// SigningKeys implements [oauth.Operating].
func (s *Service) SigningKeys(ctx context.Context, _ api.Nothing) (api.SigningKeyList, error) {
	all, err := s.signer.Describe(ctx)
	return api.SigningKeyList{Keys: all}, err
}

// RotateKeys implements [oauth.Operating].
func (s *Service) RotateKeys(ctx context.Context, r api.RotateKeysRequest) (api.SigningKeyList, error) {
	chosen := keys.Algorithms()
	if r.Algorithm != "" {
		if !slices.Contains(chosen, r.Algorithm) {
			return api.SigningKeyList{}, fault.Field("algorithm", "validation.one_of", "Values", chosen)
		}
		chosen = []string{r.Algorithm}
	}
	from := s.clock.Now()
	if !r.Now {
		from = from.Add(publishFor)
	}
	for _, algorithm := range chosen {
		err := s.signer.Set(algorithm).RotateAt(ctx, from, s.recordKey("key.rotated", map[string]any{"algorithm": algorithm}))
		if err != nil {
			return api.SigningKeyList{}, err
		}
	}
	return s.SigningKeys(ctx, api.Nothing{})
}

// RevokeKey implements [oauth.Operating].
func (s *Service) RevokeKey(ctx context.Context, r api.SigningKeyRequest) (api.Nothing, error) {
	err := s.signer.Revoke(ctx, r.ID, s.recordKey("key.revoked", map[string]any{"kid": r.ID}))
	if errors.Is(err, keys.ErrUnknownKey) {
		err = fault.New(fault.NotFound, "").Because(err)
	}
	return api.Nothing{}, err
}

// recordKey tells the audit record what the operator did to a signing key.
func (s *Service) recordKey(kind string, detail map[string]any) keyring.Within {
	return func(ctx context.Context, tx *db.Tx) error {
		detail["service"] = oauth.Name
		return audit.Queue(ctx, s.records, tx, accounts.RecordEventRequest{Kind: kind, Operator: true, Detail: detail, Time: s.clock.Now()})
	}
}
