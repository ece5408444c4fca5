package flow

import (
	"context"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
)

// maxLogin bounds what is looked up or hashed, in characters.
const maxLogin = 1000

// Login is what somebody gives to log in by password.
type Login struct {
	User     string // email address or alias
	Password string
	Hubless  bool // in no hub, instead of in the one last used
	Remember bool // for 30 days
}

// Validate finds what cannot be a login, whoever is meant.
func (l Login) Validate() fault.Violations {
	var v fault.Violations
	for _, field := range []struct{ name, value string }{{"user", l.User}, {"password", l.Password}} {
		switch {
		case field.value == "":
			v.Add(field.name, "validation.required")
		case !utf8.ValidString(field.value):
			v.Add(field.name, "validation.utf8")
		case utf8.RuneCountInString(field.value) > maxLogin:
			v.Add(field.name, "validation.max_length", "Max", maxLogin)
		}
	}
	if containsControl(l.User) {
		v.Add("user", "validation.control_characters")
	}
	return v
}

func containsControl(s string) bool {
	for _, r := range s {
		if unicode.IsControl(r) {
			return true
		}
	}
	return false
}

// Login authenticates and opens a session. Invalid as Validate says;
// Unauthenticated whatever is wrong with the credentials; Unavailable, right or
// wrong, while no session can be opened.
func (f *Flow) Login(ctx context.Context, l Login) (Authentication, error) {
	if err := l.Validate().Err(); err != nil {
		return Authentication{}, err
	}
	// Otherwise a right password would fail in another way than a wrong one, and
	// could be told from it.
	if !f.deps.Cache.Heard() {
		if err := f.sessionsReachable(ctx); err != nil {
			return Authentication{}, err
		}
	}
	// Taken before the password is checked: a change of the password that
	// happens meanwhile then ends this session too.
	proved := f.deps.Clock.Now()
	identity, err := f.deps.Accounts.Authenticate(ctx, accounts.AuthenticateRequest{
		Login: l.User, Password: l.Password, Origin: edge.Origin(ctx),
	})
	if err != nil {
		return Authentication{}, err
	}
	return f.open(ctx, identity, l.Hubless, sessions.CreateRequest{
		Remember:          l.Remember,
		Methods:           []sessions.Method{sessions.MethodPassword},
		AuthenticatedTime: proved,
	})
}

// Current describes the account of an open session.
func (f *Flow) Current(ctx context.Context, c edge.Caller) (accounts.Account, error) {
	return f.describe(ctx, c.Session.User, c.Session.Hub)
}

// Refresh gives a fresh token of the caller's session, which lives on with it.
func (f *Flow) Refresh(ctx context.Context, c edge.Caller) (Authentication, error) {
	account, err := f.describe(ctx, c.Session.User, c.Session.Hub)
	if err != nil {
		return Authentication{}, err
	}
	token, err := f.deps.Sessions.Refresh(ctx, sessions.RefreshRequest{Token: c.Token, Origin: edge.Origin(ctx)})
	if err != nil {
		return Authentication{}, err
	}
	return Authentication{Account: account, Token: token}, nil
}

// Renew refreshes the caller's token if more than half of its life is over, for
// browsers, which do not ask for it by themselves. ok tells whether it did.
func (f *Flow) Renew(ctx context.Context, c edge.Caller) (token sessions.Token, ok bool, err error) {
	life := time.Duration(c.TTL) * time.Minute
	if c.ExpirationTime.Sub(f.deps.Clock.Now()) > life/2 {
		return sessions.Token{}, false, nil
	}
	token, err = f.deps.Sessions.Refresh(ctx, sessions.RefreshRequest{Token: c.Token, Origin: edge.Origin(ctx)})
	return token, err == nil, err
}

// Logout ends the caller's session, everywhere within a second and here at once.
func (f *Flow) Logout(ctx context.Context, c edge.Caller) error { return f.end(ctx, c.Session.ID) }
