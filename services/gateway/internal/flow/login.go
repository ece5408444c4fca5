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

// maxText bounds what is looked up or hashed, in characters.
const maxText = 1000

// Login is what somebody gives to log in by password.
type Login struct {
	User     string // email address or alias
	Password string
	Hubless  bool   // in no hub, instead of in the one last used
	Hub      *int64 // in this one, if they may enter it; nil: in the one last used
	Remember bool   // for 30 days
}

// Validate finds what cannot be a login, whoever is meant.
func (l Login) Validate() fault.Violations {
	var v fault.Violations
	checkName(&v, "user", l.User)
	checkSecret(&v, "password", l.Password)
	return v
}

// Login authenticates by password and lets in. Invalid as Validate says;
// Unauthenticated whatever is wrong with the credentials; Throttled after too
// many failures; Unavailable, right or wrong, while no session can be opened.
func (f *Flow) Login(ctx context.Context, l Login) (Outcome, error) {
	if err := l.Validate().Err(); err != nil {
		return Outcome{}, err
	}
	// Otherwise a right password would fail in another way than a wrong one, and
	// could be told from it.
	if err := f.ready(ctx); err != nil {
		return Outcome{}, err
	}
	// Taken before the password is checked: a change of the password that
	// happens meanwhile then ends this session too.
	proved := f.deps.Cache.Now()
	identity, err := f.deps.Accounts.Authenticate(ctx, accounts.AuthenticateRequest{
		Login: l.User, Password: l.Password, Origin: edge.Origin(ctx),
	})
	if err != nil {
		return Outcome{}, err
	}
	e := identified(identity, accounts.ProofPassword, sessions.MethodPassword)
	e.proved, e.remember = proved, l.Remember
	e.goTo(l.Hub, l.Hubless)
	return f.enter(ctx, e)
}

// TokenLogin is what a program gives to log in for somebody.
type TokenLogin struct {
	Token    string // a personal access token
	Hubless  bool
	Remember bool // for 30 days, if the token lasts that long
}

// Validate finds what cannot be a login.
func (l TokenLogin) Validate() fault.Violations {
	var v fault.Violations
	checkName(&v, "token", l.Token)
	return v
}

// rememberedLife is how long a session lasts whose user asked to be remembered.
const rememberedLife = 30 * 24 * time.Hour

// TokenLogin authenticates by a personal access token. The session can do no
// more than the token: read only, if that is all it may. Invalid as Validate says;
// Unauthenticated if the token is unknown or has expired.
func (f *Flow) TokenLogin(ctx context.Context, l TokenLogin) (Outcome, error) {
	if err := l.Validate().Err(); err != nil {
		return Outcome{}, err
	}
	proved := f.deps.Cache.Now()
	token, err := f.deps.Sessions.UseAccessToken(ctx, sessions.UseAccessTokenRequest{Token: l.Token, Origin: edge.Origin(ctx)})
	if err != nil {
		return Outcome{}, err
	}
	return f.enter(ctx, entry{
		user: token.User, userHash: token.UserHash, proof: accounts.ProofToken, proved: proved,
		lastHub: !l.Hubless, lenient: true,
		remember: l.Remember && lasts(token, proved.Add(rememberedLife)),
		pat:      &token.ID, readOnly: readsOnly(token),
	})
}

// lasts tells whether a token is good until then.
func lasts(t sessions.AccessToken, until time.Time) bool {
	return t.ExpirationTime == nil || !t.ExpirationTime.Before(until)
}

// readsOnly tells whether a token may change nothing. Scopes that are not known
// here allow nothing more.
func readsOnly(t sessions.AccessToken) bool {
	for _, scope := range t.Scopes {
		if scope == sessions.TokenFull {
			return false
		}
	}
	return true
}

// ValidatePassword finds what cannot be somebody's password.
func ValidatePassword(field, password string) fault.Violations {
	var v fault.Violations
	checkSecret(&v, field, password)
	return v
}

// checkName finds what cannot be a name, a code or a token.
func checkName(v *fault.Violations, field, value string) { checkLine(v, field, value, maxText) }

// checkLine finds what is no line of so many characters.
func checkLine(v *fault.Violations, field, value string, most int) {
	checkText(v, field, value, most)
	if containsControl(value) {
		v.Add(field, "validation.control_characters")
	}
}

// checkSecret finds what is no text to be compared with a secret.
func checkSecret(v *fault.Violations, field, value string) { checkText(v, field, value, maxText) }

func checkText(v *fault.Violations, field, value string, most int) {
	switch {
	case value == "":
		v.Add(field, "validation.required")
	case !utf8.ValidString(value):
		v.Add(field, "validation.utf8")
	case utf8.RuneCountInString(value) > most:
		v.Add(field, "validation.max_length", "Max", most)
	}
}

func containsControl(s string) bool {
	for _, r := range s {
		if unicode.IsControl(r) {
			return true
		}
	}
	return false
}
