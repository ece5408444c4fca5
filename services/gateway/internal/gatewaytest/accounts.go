// Package gatewaytest has doubles of the services behind the gateway, for its
// tests: small, in memory, and as strict as the contracts say.
package gatewaytest

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// What the double of the accounts service knows.
const (
	Email                = "titan@example.org"
	Password             = "WoWar1chUnsicher?" //nolint:gosec // G101: the password of nobody, from the documented samples.
	ActivationLink       = "1111111111111111111111111111111111111111"
	InvitationLink       = "2222222222222222222222222222222222222222"
	ActivationID         = "ed89d4ea96f023d252aa6882658f311b2744b72e"
	UserHash             = "8db560a23013ff54838d45e59a3f3f39f6720c86"
	HubHash              = "1daa7da5ba074972eb3d4552414928f5201541f3"
	userID         int64 = 1
)

// Accounts is a double of the accounts service with one user.
type Accounts struct {
	accounts.Service // what is not doubled panics

	mu       sync.Mutex
	account  accounts.Account
	opened   map[string]bool
	finished bool
	fail     map[string]error
	calls    []string
	gate     gate
	asked    map[string][]any
	// Registered are the registrations that came in.
	Registered []accounts.InitiateActivationRequest
	// Finished are the activations that were finished.
	Finished []accounts.FinishActivationRequest
	// Authenticated are the logins that were tried.
	Authenticated []accounts.AuthenticateRequest
}

// NewAccounts makes a double whose user is a member of two hubs.
func NewAccounts(now time.Time) *Accounts {
	return &Accounts{
		account: account(now), opened: map[string]bool{}, fail: map[string]error{}, asked: map[string][]any{},
		gate: gate{challenge: 6},
	}
}

// Fail makes a method fail, or succeed again with nil.
func (a *Accounts) Fail(method string, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fail[method] = err
}

// Change changes the account.
func (a *Accounts) Change(change func(*accounts.Account)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change(&a.account)
}

// Calls lists the methods called so far.
func (a *Accounts) Calls() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]string(nil), a.calls...)
}

func (a *Accounts) called(method string) (unlock func(), err error) {
	a.mu.Lock()
	a.calls = append(a.calls, method)
	return a.mu.Unlock, a.fail[method]
}

// Authenticate implements accounts.Service.
func (a *Accounts) Authenticate(_ context.Context, r accounts.AuthenticateRequest) (accounts.Identity, error) {
	unlock, err := a.called("Authenticate")
	defer unlock()
	a.Authenticated = append(a.Authenticated, r)
	switch {
	case err != nil:
		return accounts.Identity{}, err
	case !strings.EqualFold(r.Login, Email) || r.Password != Password:
		return accounts.Identity{}, fault.New(fault.Unauthenticated, "fault.credentials")
	}
	return a.identity(), nil
}

func (a *Accounts) identity() accounts.Identity {
	i := accounts.Identity{User: a.account.User}
	if len(a.account.Hubs) > 0 {
		i.Hub = &a.account.Hubs[0]
	}
	return i
}

// Describe implements accounts.Service.
func (a *Accounts) Describe(_ context.Context, r accounts.DescribeRequest) (accounts.Account, error) {
	unlock, err := a.called("Describe")
	defer unlock()
	if err != nil {
		return accounts.Account{}, err
	}
	return a.describe(r.User, r.Hub)
}

func (a *Accounts) describe(user int64, hub *int64) (accounts.Account, error) {
	described := a.account
	role := accounts.RoleOwner
	switch user {
	case userID:
	case MemberID:
		described.User, role = member(a.account.User), accounts.RoleUser
	default:
		return accounts.Account{}, fault.New(fault.NotFound, "")
	}
	described.Hub, described.Role, described.Features = nil, accounts.RoleNone, hublessFeatures()
	if hub == nil {
		return described, nil
	}
	for i, h := range a.account.Hubs {
		if h.ID == *hub {
			described.Hub, described.Role, described.Features = &a.account.Hubs[i], role, features()
			return described, nil
		}
	}
	return accounts.Account{}, fault.New(fault.Forbidden, "fault.no_access")
}

// InitiateActivation implements accounts.Service.
func (a *Accounts) InitiateActivation(_ context.Context, r accounts.InitiateActivationRequest) (api.Nothing, error) {
	unlock, err := a.called("InitiateActivation")
	defer unlock()
	if err != nil {
		return api.Nothing{}, err
	}
	var v fault.Violations
	name(&v, "first_name", r.FirstName)
	name(&v, "last_name", r.LastName)
	if name(&v, "email", r.Email); r.Email != "" && !strings.Contains(r.Email, "@") {
		v.Add("email", "validation.email")
	}
	if err := v.Err(); err != nil {
		return api.Nothing{}, err
	}
	a.Registered = append(a.Registered, r)
	return api.Nothing{}, nil
}

func name(v *fault.Violations, field, value string) {
	switch {
	case strings.TrimSpace(value) == "":
		v.Add(field, "validation.required")
	case len([]rune(value)) > 1000:
		v.Add(field, "validation.max_length", "Max", 1000)
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' }):
		v.Add(field, "validation.control_characters")
	}
}

// OpenLink implements accounts.Service.
func (a *Accounts) OpenLink(_ context.Context, r accounts.OpenLinkRequest) (accounts.OpenedLink, error) {
	unlock, err := a.called("OpenLink")
	defer unlock()
	if err != nil {
		return accounts.OpenedLink{}, err
	}
	opened := accounts.OpenedLink{Kind: accounts.LinkActivation, User: a.account.User, Activation: ActivationID}
	switch r.Link {
	case ActivationLink:
	case InvitationLink:
		opened.Kind, opened.HubName = accounts.LinkInvitation, a.account.Hubs[0].Name
	case EmailLink:
		opened.Kind, opened.Activation = accounts.LinkEmail, ""
	case RecoveryLink:
		opened.Kind, opened.Activation = accounts.LinkRecovery, ""
	default:
		return accounts.OpenedLink{}, fault.New(fault.NotFound, "fault.link_unknown")
	}
	if a.opened[r.Link] {
		return accounts.OpenedLink{}, fault.New(fault.Gone, "fault.link_used")
	}
	a.opened[r.Link] = true
	return opened, nil
}

// FinishActivation implements accounts.Service.
func (a *Accounts) FinishActivation(_ context.Context, r accounts.FinishActivationRequest) (accounts.Identity, error) {
	unlock, err := a.called("FinishActivation")
	defer unlock()
	if err != nil {
		return accounts.Identity{}, err
	}
	if r.Activation != ActivationID || r.User != userID || a.finished {
		return accounts.Identity{}, fault.New(fault.NotFound, "")
	}
	var v fault.Violations
	if r.Kind == accounts.LinkActivation {
		name(&v, "name", r.Name)
	}
	if r.Identity == nil {
		newPassword(&v, r.Password, r.PasswordConfirmation)
	}
	if !r.Terms {
		v.Add("terms", "validation.accepted")
	}
	if err := v.Err(); err != nil {
		return accounts.Identity{}, err
	}
	a.finished = true
	a.Finished = append(a.Finished, r)
	return a.identity(), nil
}

func newPassword(v *fault.Violations, password, confirmation string) {
	switch {
	case password == "":
		v.Add("password", "validation.required")
	case len([]rune(password)) < 10:
		v.Add("password", "validation.password_too_short", "Min", 10)
	case len([]rune(password)) > 256:
		v.Add("password", "validation.password_too_long", "Max", 256)
	case password != confirmation:
		v.Add("password", "validation.confirmed")
	}
}
