package gatewaytest

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// lapsed is the failure of what needs a session that is over.
func lapsed() error { return fault.New(fault.Unauthenticated, "fault.session_expired") }

// voidTokens makes the tokens of a session from before useless.
func (s *Sessions) voidTokens(id int64) {
	for token, resolved := range s.tokens {
		if resolved.Session.ID == id {
			resolved.ExpirationTime = s.clock.Now()
			s.tokens[token] = resolved
		}
	}
}

// SwitchHub implements sessions.Service.
func (s *Sessions) SwitchHub(_ context.Context, r sessions.SwitchHubRequest) (sessions.Token, error) {
	unlock, err := s.called("SwitchHub")
	defer unlock()
	session, open := s.open[r.Session]
	switch {
	case err != nil:
		return sessions.Token{}, err
	case !open:
		return sessions.Token{}, lapsed()
	}
	s.voidTokens(r.Session)
	session.Hub = r.Hub
	s.open[r.Session] = session
	return s.issue(session), nil
}

// Elevate implements sessions.Service.
func (s *Sessions) Elevate(_ context.Context, r sessions.ElevateRequest) (sessions.Token, error) {
	unlock, err := s.called("Elevate")
	defer unlock()
	session, open := s.open[r.Session]
	switch {
	case err != nil:
		return sessions.Token{}, err
	case !open:
		return sessions.Token{}, lapsed()
	case session.Scope != sessions.ScopeFull || session.Impersonator != nil || session.PAT != nil:
		return sessions.Token{}, fault.New(fault.Forbidden, "")
	}
	s.voidTokens(r.Session)
	for _, m := range r.Methods {
		if !slices.Contains(session.Methods, m) {
			session.Methods = append(slices.Clone(session.Methods), m)
		}
	}
	session.MFA = cmp.Or(r.MFA, session.MFA)
	if r.Anew {
		session.AuthenticatedTime = s.clock.Now()
	}
	s.open[r.Session] = session
	return s.issue(session), nil
}

// Impersonate implements sessions.Service.
func (s *Sessions) Impersonate(_ context.Context, r sessions.ImpersonateRequest) (sessions.Token, error) {
	unlock, err := s.called("Impersonate")
	defer unlock()
	parent, open := s.open[r.Session]
	switch {
	case err != nil:
		return sessions.Token{}, err
	case !open:
		return sessions.Token{}, lapsed()
	case parent.Impersonator != nil || parent.PAT != nil:
		return sessions.Token{}, fault.New(fault.Forbidden, "")
	}
	token := s.create(sessions.CreateRequest{User: r.User, UserHash: r.UserHash, Hub: &r.Hub, Scope: sessions.ScopeFull})
	child := token.Session
	child.Parent, child.Impersonator = &parent.ID, &parent.User
	s.open[child.ID] = child
	return s.issue(child), nil
}

// StopImpersonation implements sessions.Service.
func (s *Sessions) StopImpersonation(_ context.Context, r sessions.StopImpersonationRequest) (sessions.Token, error) {
	unlock, err := s.called("StopImpersonation")
	defer unlock()
	child, open := s.open[r.Session]
	switch {
	case err != nil:
		return sessions.Token{}, err
	case !open:
		return sessions.Token{}, lapsed()
	case child.Parent == nil:
		return sessions.Token{}, fault.New(fault.Forbidden, "fault.not_impersonating")
	}
	delete(s.open, child.ID)
	s.ended[child.ID] = s.clock.Now()
	parent, open := s.open[*child.Parent]
	if !open {
		return sessions.Token{}, lapsed()
	}
	return s.issue(parent), nil
}

// List implements sessions.Service: the newest first.
func (s *Sessions) List(_ context.Context, r sessions.ListRequest) (sessions.SessionList, error) {
	unlock, err := s.called("List")
	defer unlock()
	if err != nil {
		return sessions.SessionList{}, err
	}
	var own []sessions.Opened
	for _, session := range s.open {
		if session.User == r.User && session.Scope == sessions.ScopeFull {
			own = append(own, sessions.Opened{
				Session: session, Address: "192.0.2.7", UserAgent: "Mozilla/5.0 (X11; Linux x86_64) Firefox/150.0", LastUsedTime: s.clock.Now(),
			})
		}
	}
	slices.SortFunc(own, func(a, b sessions.Opened) int { return cmp.Compare(b.ID, a.ID) })
	from := min(r.Page.Offset(), len(own))
	return sessions.SessionList{Sessions: own[from:min(from+r.Page.Size, len(own))], Total: len(own)}, nil
}

// EndAll implements sessions.Service.
func (s *Sessions) EndAll(_ context.Context, r sessions.EndAllRequest) (api.Nothing, error) {
	unlock, err := s.called("EndAll")
	defer unlock()
	if err != nil {
		return api.Nothing{}, err
	}
	for id, session := range s.open {
		if session.User == r.User && (r.Except == nil || *r.Except != id) {
			s.ended[id] = s.clock.Now()
			delete(s.open, id)
		}
	}
	return api.Nothing{}, nil
}

// Minted lists what was asked of CreateAccessToken.
func (s *Sessions) Minted() []sessions.CreateAccessTokenRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.minted)
}

// Mint makes a personal access token of the user that Accounts knows, and gives
// its text.
func (s *Sessions) Mint(t sessions.AccessToken) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mint(t).Token
}

func (s *Sessions) mint(t sessions.AccessToken) sessions.CreatedAccessToken {
	t.ID = int64(len(s.personal) + 1)
	t.Hash = fmt.Sprintf("%040x", 0xacce55+t.ID)
	t.User, t.UserHash, t.CreatedTime, t.ModifiedTime = userID, UserHash, s.clock.Now(), s.clock.Now()
	text := fmt.Sprintf("gh_pat_%040x", t.ID)
	s.personal[text] = t
	return sessions.CreatedAccessToken{AccessToken: t, Token: text}
}

// CreateAccessToken implements sessions.Service.
func (s *Sessions) CreateAccessToken(_ context.Context, r sessions.CreateAccessTokenRequest) (sessions.CreatedAccessToken, error) {
	unlock, err := s.called("CreateAccessToken")
	defer unlock()
	s.minted = append(s.minted, r)
	var v fault.Violations
	name(&v, "name", r.Name)
	for _, scope := range r.Scopes {
		if scope != sessions.TokenFull && scope != sessions.TokenRead {
			v.Add("scopes", "validation.one_of", "Values", "*, read")
		}
	}
	if err := cmp.Or(err, v.Err()); err != nil {
		return sessions.CreatedAccessToken{}, err
	}
	return s.mint(sessions.AccessToken{Name: r.Name, Scopes: r.Scopes, ExpirationTime: r.ExpirationTime}), nil
}

// ListAccessTokens implements sessions.Service.
func (s *Sessions) ListAccessTokens(_ context.Context, _ sessions.ListRequest) (sessions.AccessTokenList, error) {
	unlock, err := s.called("ListAccessTokens")
	defer unlock()
	var tokens []sessions.AccessToken
	for _, t := range s.personal {
		tokens = append(tokens, t)
	}
	slices.SortFunc(tokens, func(a, b sessions.AccessToken) int { return cmp.Compare(b.ID, a.ID) })
	return sessions.AccessTokenList{Tokens: tokens, Total: len(tokens)}, err
}

// DeleteAccessToken implements sessions.Service.
func (s *Sessions) DeleteAccessToken(_ context.Context, r sessions.DeleteAccessTokenRequest) (api.Nothing, error) {
	unlock, err := s.called("DeleteAccessToken")
	defer unlock()
	if err != nil {
		return api.Nothing{}, err
	}
	for text, t := range s.personal {
		if t.ID == r.Token.ID || t.Hash == r.Token.Hash {
			delete(s.personal, text)
			return api.Nothing{}, nil
		}
	}
	return api.Nothing{}, fault.New(fault.NotFound, "")
}

// UseAccessToken implements sessions.Service.
func (s *Sessions) UseAccessToken(_ context.Context, r sessions.UseAccessTokenRequest) (sessions.AccessToken, error) {
	unlock, err := s.called("UseAccessToken")
	defer unlock()
	t, known := s.personal[r.Token]
	switch {
	case err != nil:
		return sessions.AccessToken{}, err
	case !known || (t.ExpirationTime != nil && !s.clock.Now().Before(*t.ExpirationTime)):
		return sessions.AccessToken{}, fault.New(fault.Unauthenticated, "fault.credentials")
	}
	return t, nil
}

// Hashes are those of the sessions that have not ended, in no order.
func (s *Sessions) Hashes() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var hashes []string
	for id, session := range s.open {
		if _, ended := s.ended[id]; !ended {
			hashes = append(hashes, session.Hash)
		}
	}
	return hashes
}
