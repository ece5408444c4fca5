package sessions

import (
	"context"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // the documented form of hsu, which protects nothing
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/sessions/internal/store"
	"github.com/gatehouse-id/gatehouse/services/sessions/internal/token"
)

// Bounds of what is stored about the client, in bytes.
const (
	maxAddress   = 64
	maxUserAgent = 512
)

// Create opens a session and gives its first token.
func (s *Service) Create(ctx context.Context, r sessions.CreateRequest) (sessions.Token, error) {
	now := s.clock.Now().Truncate(time.Microsecond).UTC()
	if err := validate(r); err != nil {
		return sessions.Token{}, err
	}
	signer, err := s.tokens.Signer(ctx)
	if err != nil {
		return sessions.Token{}, err
	}

	record := newRecord(r, now)
	record.ExpirationTime = s.expiration(record, now)
	if !record.ExpirationTime.After(now) {
		return sessions.Token{}, refusal(errExpired)
	}
	var surplus int64
	err = s.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		surplus = 0
		endedBefore, err := store.LockUser(ctx, tx, r.User, now)
		if err != nil {
			return err
		}
		if record.AuthenticatedTime.Before(endedBefore) {
			return fault.New(fault.Unauthenticated, "fault.session_expired")
		}
		if record.ID, err = store.Insert(ctx, tx, record); err != nil {
			return err
		}
		if r.Scope != sessions.ScopeFull || r.Limit == 0 {
			return nil
		}
		surplus, err = store.EndOldest(ctx, tx, r.User, r.Hub, r.Limit, now)
		return err
	})
	if err != nil {
		return sessions.Token{}, err
	}
	s.metrics.session("opened", 1)
	s.metrics.session("surplus", surplus)
	return s.issue(signer, record, now)
}

func newRecord(r sessions.CreateRequest, now time.Time) store.Record {
	remember := r.Remember && r.Scope == sessions.ScopeFull
	authenticated := r.AuthenticatedTime.Truncate(time.Microsecond).UTC()
	if r.AuthenticatedTime.IsZero() {
		authenticated = now
	}
	methods := r.Methods
	if methods == nil {
		methods = []sessions.Method{}
	}
	return store.Record{
		Session: sessions.Session{
			Hash: randomHex(), User: r.User, UserHash: r.UserHash, Hub: r.Hub, Scope: r.Scope,
			MFA: r.MFA, PAT: r.PAT, Remember: remember, Methods: methods,
			AuthenticatedTime: authenticated, CreatedTime: now,
		},
		Address:   storable(r.Origin.Address, maxAddress),
		UserAgent: storable(r.Origin.UserAgent, maxUserAgent),
	}
}

func life(remember bool) time.Duration {
	if remember {
		return longLife
	}
	return shortLife
}

// expiration is when a session that is opened or refreshed now ends, unless it
// is refreshed again: never later than MaxLife after the user proved who they
// are.
func (s *Service) expiration(r store.Record, now time.Time) time.Time {
	end, last := now.Add(life(r.Remember)), r.AuthenticatedTime.Add(s.maxLife)
	if last.Before(end) {
		return last
	}
	return end
}

// issue writes a token that lives as long as its session.
func (s *Service) issue(signer *token.Signer, r store.Record, now time.Time) (sessions.Token, error) {
	agent := sha1.Sum([]byte(r.UserAgent)) //nolint:gosec // see the import
	claims := token.Claims{
		Subject: r.UserHash, ID: randomHex(), UserAgent: hex.EncodeToString(agent[:]),
		PAT: r.PAT, Session: r.ID, Hub: r.Hub, MFA: r.MFA, Scope: string(r.Scope),
	}.Issue(now, r.ExpirationTime.Sub(now))
	signed, err := signer.Sign(claims)
	if err != nil {
		return sessions.Token{}, err
	}
	s.metrics.token(r.Scope)
	return sessions.Token{Session: r.Session, Token: signed, TTL: claims.TTL, ExpirationTime: claims.Expires.Time}, nil
}

// randomHex names what nobody should guess: 160 random bits in 40 digits.
func randomHex() string {
	b := make([]byte, 20)
	_, _ = rand.Read(b) // never fails since Go 1.24
	return hex.EncodeToString(b)
}

// storable makes a header that a client chose fit for a text column.
func storable(s string, limit int) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

func validate(r sessions.CreateRequest) error {
	var v fault.Violations
	if r.User < 1 {
		v.Add("user", "validation.required")
	}
	if raw, err := hex.DecodeString(r.UserHash); err != nil || len(raw) != sha1.Size {
		v.Add("user_hash", "validation.required")
	}
	if !slices.Contains(sessions.Scopes(), r.Scope) {
		v.Add("scope", "validation.one_of", "Values", fmt.Sprint(sessions.Scopes()))
	}
	if r.Limit < 0 {
		v.Add("limit", "validation.integer")
	}
	return v.Err()
}
