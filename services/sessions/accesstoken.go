package sessions

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/ids"
	"github.com/gatehouse-id/gatehouse/services/sessions/internal/accesstoken"
	"github.com/gatehouse-id/gatehouse/services/sessions/internal/store"
)

// Bounds of personal access tokens.
const (
	maxTokenName  = 255 // characters
	maxTokenYears = 10
	maxTokens     = 50 // of a user, those that expired of late included
)

// CreateAccessToken makes a token, whose text is shown this once.
func (s *Service) CreateAccessToken(ctx context.Context, r sessions.CreateAccessTokenRequest) (sessions.CreatedAccessToken, error) {
	if err := r.Actor.InPerson(); err != nil {
		return sessions.CreatedAccessToken{}, err
	}
	now := s.now()
	token, err := newAccessToken(r, now)
	if err != nil {
		return sessions.CreatedAccessToken{}, err
	}
	text := accesstoken.New()
	digest, _ := accesstoken.Digest(text)
	err = s.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		session, err := s.authorise(ctx, tx, r.Actor, now)
		if err != nil {
			return err
		}
		token.UserHash = session.UserHash
		n, err := store.CountAccessTokens(ctx, tx, token.User)
		if err != nil {
			return err
		}
		if n >= maxTokens {
			return fault.New(fault.Conflict, "fault.too_many")
		}
		if token.ID, err = store.InsertAccessToken(ctx, tx, token, digest); err != nil {
			return err
		}
		return s.audit(ctx, tx, tokenEvent(eventTokenCreated, token, &r.Actor, now))
	})
	if err != nil {
		return sessions.CreatedAccessToken{}, err
	}
	return sessions.CreatedAccessToken{AccessToken: token, Token: text}, nil
}

// newAccessToken is what the request asks for. Invalid names every broken rule.
func newAccessToken(r sessions.CreateAccessTokenRequest, now time.Time) (sessions.AccessToken, error) {
	var v fault.Violations
	name := strings.TrimSpace(r.Name)
	switch {
	case !utf8.ValidString(name):
		v.Add("name", "validation.utf8")
	case name == "":
		v.Add("name", "validation.required")
	case utf8.RuneCountInString(name) > maxTokenName:
		v.Add("name", "validation.max_length", "Max", maxTokenName)
	case strings.ContainsFunc(name, unicode.IsControl):
		v.Add("name", "validation.control_characters")
	}
	scopes := tokenScopes(r.Scopes, &v)
	var expiration *time.Time
	if r.ExpirationTime != nil {
		t := r.ExpirationTime.Truncate(time.Microsecond).UTC()
		expiration = &t
		if last := now.AddDate(maxTokenYears, 0, 0); t.After(last) {
			v.Add("expiration_time", "validation.between", "Min", now.Format(time.RFC3339), "Max", last.Format(time.RFC3339))
		} else if !t.After(now) {
			v.Add("expiration_time", "validation.future")
		}
	}
	return sessions.AccessToken{
		Hash: ids.New(), User: r.Actor.User, Name: name, Scopes: scopes,
		ExpirationTime: expiration, CreatedTime: now, ModifiedTime: now,
	}, v.Err()
}

func tokenScopes(asked []sessions.TokenScope, v *fault.Violations) []sessions.TokenScope {
	if len(asked) == 0 {
		return []sessions.TokenScope{sessions.TokenFull}
	}
	for _, scope := range asked {
		if scope != sessions.TokenFull && scope != sessions.TokenRead {
			v.Add("scopes", "validation.one_of", "Values", string(sessions.TokenFull)+", "+string(sessions.TokenRead))
			return nil
		}
	}
	scopes := slices.Compact(slices.Sorted(slices.Values(asked)))
	if len(scopes) != len(asked) {
		v.Add("scopes", "validation.distinct")
	}
	return scopes
}

// ListAccessTokens lists the user's, newest first.
func (s *Service) ListAccessTokens(ctx context.Context, r sessions.ListRequest) (sessions.AccessTokenList, error) {
	total, err := store.CountAccessTokens(ctx, s.db, r.User)
	if err != nil {
		return sessions.AccessTokenList{}, err
	}
	tokens, err := store.ListAccessTokens(ctx, s.db, r.User, size(r.Page), offset(r.Page))
	if err != nil {
		return sessions.AccessTokenList{}, err
	}
	for i := range tokens {
		s.withUse(&tokens[i])
	}
	return sessions.AccessTokenList{Tokens: tokens, Total: total}, nil
}

// withUse adds a use that is not written yet.
func (s *Service) withUse(t *sessions.AccessToken) {
	var written time.Time
	if t.LastUsedTime != nil {
		written = *t.LastUsedTime
	}
	if used := s.patUses.latest(t.ID, written); !used.IsZero() {
		t.LastUsedTime = &used
	}
}

// DeleteAccessToken deletes a token and ends the sessions it has opened.
func (s *Service) DeleteAccessToken(ctx context.Context, r sessions.DeleteAccessTokenRequest) (api.Nothing, error) {
	if err := r.Actor.InPerson(); err != nil {
		return api.Nothing{}, err
	}
	now := s.now()
	var ended []store.Record
	err := s.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if _, err := s.authorise(ctx, tx, r.Actor, now); err != nil {
			return err
		}
		token, err := store.DeleteAccessToken(ctx, tx, r.Actor.User, r.Token)
		if errors.Is(err, db.ErrNoRows) {
			return fault.New(fault.NotFound, "")
		}
		if err != nil {
			return err
		}
		if ended, err = store.EndTokenless(ctx, tx, r.Actor.User, now); err != nil {
			return err
		}
		if err := s.tell(ctx, tx, ended); err != nil {
			return err
		}
		return s.audit(ctx, tx, tokenEvent(eventTokenDeleted, token, &r.Actor, now))
	})
	if err != nil {
		return api.Nothing{}, err
	}
	s.metrics.session("ended", len(ended))
	return api.Nothing{}, nil
}

// deleteAccessTokens deletes the tokens of a locked user from before a time
// (nil: all), and gives the sessions that end with them. The user is told by
// whoever has the reason for it.
func (s *Service) deleteAccessTokens(ctx context.Context, tx *db.Tx, user int64, before *time.Time, now time.Time) ([]store.Record, error) {
	tokens, err := store.DeleteAccessTokens(ctx, tx, user, before)
	if err != nil {
		return nil, err
	}
	for _, token := range tokens {
		if err := s.audit(ctx, tx, tokenEvent(eventTokenDeleted, token, nil, now)); err != nil {
			return nil, err
		}
	}
	return store.EndTokenless(ctx, tx, user, now)
}

// UseAccessToken tells whose a token is. Whether it is unknown, deleted or
// expired is the same to the caller.
func (s *Service) UseAccessToken(ctx context.Context, r sessions.UseAccessTokenRequest) (sessions.AccessToken, error) {
	digest, ok := accesstoken.Digest(r.Token)
	if !ok {
		return sessions.AccessToken{}, fault.New(fault.Unauthenticated, "fault.credentials")
	}
	now := s.now()
	token, err := store.FindDigest(ctx, s.db, digest)
	if err := usable(token, err, now); err != nil {
		return sessions.AccessToken{}, err
	}
	s.patUses.note(token.ID, now)
	s.withUse(&token)
	return token, nil
}

// bind makes a session depend on the personal access token that opens it. The
// user must be locked, so that the token is not just being deleted.
func bind(ctx context.Context, tx *db.Tx, r *store.Record, now time.Time) error {
	if r.PAT == nil {
		return nil
	}
	token, err := store.FindAccessToken(ctx, tx, r.User, *r.PAT)
	if err := usable(token, err, now); err != nil {
		return err
	}
	r.ReadOnly = r.ReadOnly || !slices.Contains(token.Scopes, sessions.TokenFull)
	r.LatestTime = token.ExpirationTime
	return nil
}

// usable is the error of looking for a token, or that it has expired.
func usable(t sessions.AccessToken, err error, now time.Time) error {
	if errors.Is(err, db.ErrNoRows) || err == nil && t.ExpirationTime != nil && !t.ExpirationTime.After(now) {
		return fault.New(fault.Unauthenticated, "fault.credentials")
	}
	return err
}

// authorise locks the user and finds that the session the actor acts from is
// really one of theirs, open, and may do everything. Until the transaction is
// over it does not end.
func (s *Service) authorise(ctx context.Context, tx *db.Tx, a api.Actor, now time.Time) (store.Record, error) {
	if _, err := store.LockUser(ctx, tx, a.User, now); err != nil {
		return store.Record{}, err
	}
	session, err := store.LockSession(ctx, tx, a.Session, s.cutoff(now))
	if errors.Is(err, db.ErrNoRows) || err == nil && session.User != a.User {
		return store.Record{}, refusal(errGone)
	}
	if err != nil {
		return store.Record{}, err
	}
	if session.Scope != sessions.ScopeFull {
		return store.Record{}, fault.New(fault.Forbidden, "fault.scope")
	}
	return session, api.Actor{Impersonator: session.Impersonator, PAT: session.PAT, ProviderHub: session.ProviderHub}.InPerson()
}

// tokenEvent is by the actor; nil: nobody in person, and then nobody is told.
func tokenEvent(kind string, t sessions.AccessToken, a *api.Actor, now time.Time) accounts.RecordEventRequest {
	e := accounts.RecordEventRequest{
		Kind: kind, User: t.User, Time: now, Detail: map[string]any{"token": t.ID, "name": t.Name},
	}
	if a != nil {
		e.Hub, e.ActorUser, e.Origin, e.Notify = a.Hub, &a.User, a.Origin, true
	}
	return e
}
