package sessions

import (
	"context"
	"errors"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/audit"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/keyring"
)

// SigningKeys implements the API.
func (s *Service) SigningKeys(ctx context.Context, _ api.Nothing) (api.SigningKeyList, error) {
	all, err := s.keys.Describe(ctx)
	return api.SigningKeyList{Keys: all}, err
}

// RotateKeys implements the API. Nobody else verifies these tokens, so there is
// nothing to wait for.
func (s *Service) RotateKeys(ctx context.Context, r api.RotateKeysRequest) (api.SigningKeyList, error) {
	if r.Algorithm != "" && r.Algorithm != string(s.algorithm) {
		return api.SigningKeyList{}, fault.Field("algorithm", "validation.one_of", "Values", []string{string(s.algorithm)})
	}
	err := s.keys.RotateAt(ctx, s.clock.Now(), s.recordKey("key.rotated", map[string]any{"algorithm": string(s.algorithm)}))
	if err != nil {
		return api.SigningKeyList{}, err
	}
	return s.SigningKeys(ctx, api.Nothing{})
}

// RevokeKey implements the API.
func (s *Service) RevokeKey(ctx context.Context, r api.SigningKeyRequest) (api.Nothing, error) {
	err := s.keys.Revoke(ctx, r.ID, s.recordKey("key.revoked", map[string]any{"kid": r.ID}))
	if errors.Is(err, keyring.ErrUnknownKey) {
		err = fault.New(fault.NotFound, "").Because(err)
	}
	return api.Nothing{}, err
}

// recordKey tells the audit record what the operator did to a signing key.
func (s *Service) recordKey(kind string, detail map[string]any) keyring.Within {
	return func(ctx context.Context, tx *db.Tx) error {
		detail["service"] = sessions.Name
		return audit.Queue(ctx, s.outbox, tx, accounts.RecordEventRequest{Kind: kind, Operator: true, Detail: detail, Time: s.now()})
	}
}
