package sessions

import (
	"context"
	"crypto/sha1" //nolint:gosec // the documented form of hsu, which protects nothing
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/ids"
	"github.com/gatehouse-id/gatehouse/services/sessions/internal/store"
	"github.com/gatehouse-id/gatehouse/services/sessions/internal/token"
)

// Create opens a session and gives its first token.
func (s *Service) Create(ctx context.Context, r sessions.CreateRequest) (sessions.Token, error) {
	now := s.now()
	if err := validate(r); err != nil {
		return sessions.Token{}, err
	}
	signer, err := s.tokens.Signer(ctx)
	if err != nil {
		return sessions.Token{}, err
	}
	var record store.Record
	var surplus int
	err = s.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		var err error
		record, surplus, err = s.open(ctx, tx, r, now)
		return err
	})
	if err != nil {
		return sessions.Token{}, err
	}
	s.metrics.session("opened", 1)
	s.metrics.session("surplus", surplus)
	if r.Replaces != nil {
		s.metrics.session("replaced", 1)
	}
	return s.issue(signer, record, now)
}

// open stores the session and ends those that it replaces or puts beyond the
// limit; it counts the latter.
func (s *Service) open(ctx context.Context, tx *db.Tx, r sessions.CreateRequest, now time.Time) (_ store.Record, surplus int, err error) {
	endedBefore, err := store.LockUser(ctx, tx, r.User, now)
	if err != nil {
		return store.Record{}, 0, err
	}
	record := newRecord(r, now)
	if record.AuthenticatedTime.Before(endedBefore) {
		return store.Record{}, 0, refusal(errEnded)
	}
	if err := bind(ctx, tx, &record, now); err != nil {
		return store.Record{}, 0, err
	}
	record.ExpirationTime = s.expiration(record, now)
	if !record.ExpirationTime.After(now) {
		return store.Record{}, 0, refusal(errExpired)
	}
	var ended []store.Record
	if r.Replaces != nil {
		replaced, err := store.EndOpen(ctx, tx, *r.Replaces, r.User, now, s.cutoff(now))
		if errors.Is(err, db.ErrNoRows) {
			return store.Record{}, 0, refusal(errEnded)
		}
		if err != nil {
			return store.Record{}, 0, err
		}
		ended = append(ended, replaced)
	}
	if record.ID, err = store.Insert(ctx, tx, record); err != nil {
		return store.Record{}, 0, err
	}
	beyond, err := s.keepLimit(ctx, tx, record, r.Limit, now)
	if err != nil {
		return store.Record{}, 0, err
	}
	return record, len(beyond), s.endedWith(ctx, tx, r.User, append(ended, beyond...), now)
}

// endedWith ends what goes with sessions of the user that have ended beside
// something else, and tells of all.
func (s *Service) endedWith(ctx context.Context, tx *db.Tx, user int64, ended []store.Record, now time.Time) error {
	if len(ended) == 0 {
		return nil
	}
	orphans, err := s.endOrphans(ctx, tx, user, now)
	if err != nil {
		return err
	}
	return s.tell(ctx, tx, append(orphans, ended...))
}

// keepLimit ends the oldest full sessions beside this one in its hub.
func (s *Service) keepLimit(ctx context.Context, tx *db.Tx, kept store.Record, limit int, now time.Time) ([]store.Record, error) {
	if kept.Scope != sessions.ScopeFull || limit == 0 {
		return nil, nil
	}
	return store.EndSurplus(ctx, tx, kept, limit-1, now)
}

func newRecord(r sessions.CreateRequest, now time.Time) store.Record {
	authenticated := r.AuthenticatedTime.Truncate(time.Microsecond).UTC()
	if r.AuthenticatedTime.IsZero() || authenticated.After(now) { // by a clock that is ahead
		authenticated = now
	}
	methods := r.Methods
	if methods == nil {
		methods = []sessions.Method{}
	}
	return store.Record{
		Session: sessions.Session{
			Hash: ids.New(), User: r.User, UserHash: r.UserHash, Hub: r.Hub, Scope: r.Scope,
			MFA: r.MFA, PAT: r.PAT, ReadOnly: r.ReadOnly, Remember: r.Remember, Methods: methods,
			Provider: r.Provider, ProviderHub: r.ProviderHub,
			AuthenticatedTime: authenticated, CreatedTime: now,
		},
		Address:    r.Origin.Storable().Address,
		UserAgent:  r.Origin.Storable().UserAgent,
		IssuedTime: now,
	}
}

// life is that of a token. A narrow session only keeps in mind for its
// successor that it is to be remembered.
func life(r store.Record) time.Duration {
	if r.Remember && r.Scope == sessions.ScopeFull {
		return longLife
	}
	return shortLife
}

// expiration is when a session that is opened or refreshed now ends, unless it
// is refreshed again: never later than MaxLife after the user proved who they
// are, nor than its personal access token.
func (s *Service) expiration(r store.Record, now time.Time) time.Time {
	end := earliest(now.Add(life(r)), r.AuthenticatedTime.Add(s.maxLife))
	if r.LatestTime != nil {
		end = earliest(end, *r.LatestTime)
	}
	return end
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// issue writes a token that lives as long as its session.
func (s *Service) issue(signer *token.Signer, r store.Record, now time.Time) (sessions.Token, error) {
	agent := sha1.Sum([]byte(r.UserAgent)) //nolint:gosec // see the import
	claims := token.Claims{
		Subject: r.UserHash, ID: ids.New(), UserAgent: hex.EncodeToString(agent[:]),
		PAT: r.PAT, Session: r.ID, Hub: r.Hub, MFA: r.MFA, Scope: string(r.Scope),
	}.Issue(now, r.ExpirationTime.Sub(now))
	if r.TokensSince.After(now) {
		// The session was changed by a process whose clock is ahead, or in this
		// very microsecond.
		claims.IssuedAt = token.At(r.TokensSince)
	}
	signed, err := signer.Sign(claims)
	if err != nil {
		return sessions.Token{}, err
	}
	s.metrics.token(r.Scope)
	return sessions.Token{Session: r.Session, Token: signed, TTL: claims.TTL, ExpirationTime: claims.Expires.Time}, nil
}

func validate(r sessions.CreateRequest) error {
	v := validateUser(r.User, r.UserHash)
	if !slices.Contains(sessions.Scopes(), r.Scope) {
		v.Add("scope", "validation.one_of", "Values", fmt.Sprint(sessions.Scopes()))
	}
	if r.Limit < 0 {
		v.Add("limit", "validation.integer")
	}
	return v.Err()
}

func validateUser(user int64, hash string) fault.Violations {
	v := fault.Violations{}
	if user < 1 {
		v.Add("user", "validation.required")
	}
	if raw, err := hex.DecodeString(hash); err != nil || len(raw) != sha1.Size {
		v.Add("user_hash", "validation.required")
	}
	return v
}
