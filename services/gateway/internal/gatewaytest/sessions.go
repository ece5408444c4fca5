package gatewaytest

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// Sessions is a double of the sessions service. Its tokens have the form of
// JWTs and are signed by nobody.
type Sessions struct {
	sessions.Service // what is not doubled panics

	clock clockwork.Clock

	mu      sync.Mutex
	open    map[int64]sessions.Session
	ended   map[int64]time.Time
	tokens  map[string]sessions.Resolved
	next    int64
	fail    map[string]error
	calls   map[string]int
	polled  chan struct{}
	created []sessions.CreateRequest
	// Personal are the personal access tokens by their text.
	personal map[string]sessions.AccessToken
	minted   []sessions.CreateAccessTokenRequest
}

// NewSessions makes a double without sessions.
func NewSessions(clock clockwork.Clock) *Sessions {
	return &Sessions{
		clock: clock, open: map[int64]sessions.Session{}, ended: map[int64]time.Time{},
		tokens: map[string]sessions.Resolved{}, fail: map[string]error{}, calls: map[string]int{},
		next: 54905, polled: make(chan struct{}, 1000), personal: map[string]sessions.AccessToken{},
	}
}

// Fail makes a method fail, or succeed again with nil.
func (s *Sessions) Fail(method string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail[method] = err
}

// Away makes all methods fail as they do when nobody can be reached.
func (s *Sessions) Away() {
	for _, method := range []string{
		"Create", "Resolve", "Refresh", "End", "EndAll", "Revocations", "SwitchHub", "Elevate", "Impersonate", "StopImpersonation", "List",
		"CreateAccessToken", "ListAccessTokens", "DeleteAccessToken", "UseAccessToken",
	} {
		s.Fail(method, fault.New(fault.Unavailable, ""))
	}
}

// Calls counts the calls of a method so far.
func (s *Sessions) Calls(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[method]
}

// Polled gets one item for each answered question for revocations.
func (s *Sessions) Polled() <-chan struct{} { return s.polled }

// Created lists what was asked of Create.
func (s *Sessions) Created() []sessions.CreateRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]sessions.CreateRequest(nil), s.created...)
}

// Open opens a session of the user that Accounts knows.
func (s *Sessions) Open(scope sessions.Scope, hub *int64) sessions.Token {
	return s.OpenFor(sessions.CreateRequest{Scope: scope, Hub: hub})
}

// OpenFor opens a session of that user, as asked for.
func (s *Sessions) OpenFor(r sessions.CreateRequest) sessions.Token {
	if r.User == 0 {
		r.User, r.UserHash = userID, UserHash
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.create(r)
}

func (s *Sessions) called(method string) (unlock func(), err error) {
	s.mu.Lock()
	s.calls[method]++
	return s.mu.Unlock, s.fail[method]
}

// Create implements sessions.Service.
func (s *Sessions) Create(_ context.Context, r sessions.CreateRequest) (sessions.Token, error) {
	unlock, err := s.called("Create")
	defer unlock()
	s.created = append(s.created, r)
	if err != nil {
		return sessions.Token{}, err
	}
	if r.Replaces != nil {
		if _, ended := s.ended[*r.Replaces]; ended {
			return sessions.Token{}, fault.New(fault.Unauthenticated, "fault.session_expired")
		}
		s.ended[*r.Replaces] = s.clock.Now()
	}
	return s.create(r), nil
}

func (s *Sessions) create(r sessions.CreateRequest) sessions.Token {
	s.next++
	now := s.clock.Now()
	session := sessions.Session{
		ID: s.next, Hash: fmt.Sprintf("%040x", s.next), User: r.User, UserHash: r.UserHash, Hub: r.Hub, Scope: r.Scope,
		MFA: r.MFA, PAT: r.PAT, ReadOnly: r.ReadOnly, Remember: r.Remember, Methods: r.Methods,
		AuthenticatedTime: r.AuthenticatedTime, CreatedTime: now, ExpirationTime: now.Add(life(r.Remember)),
	}
	if session.AuthenticatedTime.IsZero() {
		session.AuthenticatedTime = now
	}
	s.open[session.ID] = session
	return s.issue(session)
}

func life(remember bool) time.Duration {
	if remember {
		return 30 * 24 * time.Hour
	}
	return 30 * time.Minute
}

func (s *Sessions) issue(session sessions.Session) sessions.Token {
	remember := session.Remember && session.Scope == sessions.ScopeFull
	expires := s.clock.Now().Add(life(remember))
	ttl := int(life(remember) / time.Minute)
	token := "eyJ0eXAiOiJKV1QifQ." + strconv.Itoa(len(s.tokens)) + "." + strings.Repeat("x", 86)
	s.tokens[token] = sessions.Resolved{Session: session, TokenID: session.Hash, TTL: ttl, ExpirationTime: expires}
	return sessions.Token{Session: session, Token: token, TTL: ttl, ExpirationTime: expires}
}

// Resolve implements sessions.Service.
func (s *Sessions) Resolve(_ context.Context, r sessions.ResolveRequest) (sessions.Resolved, error) {
	unlock, err := s.called("Resolve")
	defer unlock()
	if err != nil {
		return sessions.Resolved{}, err
	}
	return s.resolve(r.Token)
}

func (s *Sessions) resolve(token string) (sessions.Resolved, error) {
	resolved, ok := s.tokens[token]
	if !ok {
		return sessions.Resolved{}, fault.New(fault.Unauthenticated, "")
	}
	if _, ended := s.ended[resolved.Session.ID]; ended || !s.clock.Now().Before(resolved.ExpirationTime) {
		return sessions.Resolved{}, fault.New(fault.Unauthenticated, "fault.session_expired")
	}
	return resolved, nil
}

// Refresh implements sessions.Service.
func (s *Sessions) Refresh(_ context.Context, r sessions.RefreshRequest) (sessions.Token, error) {
	unlock, err := s.called("Refresh")
	defer unlock()
	if err != nil {
		return sessions.Token{}, err
	}
	resolved, err := s.resolve(r.Token)
	if err != nil {
		return sessions.Token{}, err
	}
	return s.issue(resolved.Session), nil
}

// End implements sessions.Service.
func (s *Sessions) End(_ context.Context, r sessions.EndRequest) (sessions.Ended, error) {
	unlock, err := s.called("End")
	defer unlock()
	if err != nil {
		return sessions.Ended{}, err
	}
	for id, session := range s.open {
		if session.Hash == r.Hash {
			r.Session = id
		}
	}
	if session, open := s.open[r.Session]; r.User != 0 && (!open || session.User != r.User) {
		return sessions.Ended{}, fault.New(fault.NotFound, "")
	}
	s.ended[r.Session] = s.clock.Now()
	delete(s.open, r.Session)
	return sessions.Ended{Session: r.Session}, nil
}

// Revocations implements sessions.Service.
func (s *Sessions) Revocations(_ context.Context, r sessions.RevocationsRequest) (sessions.Revocations, error) {
	unlock, err := s.called("Revocations")
	defer unlock()
	if err != nil {
		return sessions.Revocations{}, err
	}
	answer := sessions.Revocations{Now: s.clock.Now()}
	since := r.Since.Add(-time.Second)
	if r.Since.IsZero() {
		since = answer.Now.Add(-time.Minute)
	}
	for id, at := range s.ended {
		if !at.Before(since) {
			answer.Sessions = append(answer.Sessions, id)
		}
	}
	select {
	case s.polled <- struct{}{}:
	default:
	}
	return answer, nil
}
