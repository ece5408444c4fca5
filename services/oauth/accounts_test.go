package oauth

import (
	"context"
	"sync"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// fakeAccounts knows Alice and Bob.
type fakeAccounts struct {
	accounts.Service // what is not faked panics

	mu    sync.Mutex
	users map[string]accounts.Account
	err   error
	calls int
	// acted are the calls of Impersonate, which answers with refuse if that is set.
	acted  []accounts.MemberRequest
	refuse error
	events []accounts.RecordEventRequest
}

func newFakeAccounts() *fakeAccounts {
	hub := accounts.Hub{ID: 7, Hash: "1daa7da5ba074972eb3d4552414928f5201541f3", Name: "Falcon"}
	yes := true
	return &fakeAccounts{users: map[string]accounts.Account{
		alice: {
			User: accounts.User{
				ID: 1, Hash: alice, FirstName: "Alice", LastName: "Example", Email: "alice@example.org", EmailVerified: true,
				Alias: "alice", Status: accounts.Active, Language: accounts.German,
				ModifiedTime: time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC),
			},
			Hub: &hub, Role: accounts.RoleAdministrator, Features: accounts.Features{Audit: &yes, SessionLimit: 3},
			Phone: "+4915123456789",
		},
		bob: {User: accounts.User{ID: 2, Hash: bob, FirstName: "Bob", Email: "bob@example.org", Status: accounts.Active, Language: accounts.English}},
	}}
}

func (f *fakeAccounts) Claims(_ context.Context, r accounts.ClaimsRequest) (accounts.Account, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	if f.err != nil {
		return accounts.Account{}, f.err
	}
	a, ok := f.users[r.Subject]
	if !ok || a.User.Status != accounts.Active {
		return accounts.Account{}, fault.New(fault.NotFound, "")
	}
	if !r.Phone {
		a.Phone = ""
	}
	switch {
	case !r.Profile:
		a.Profile = nil
	case a.Profile == nil: // says nothing
		a.Profile = &accounts.Profile{ModifiedTime: a.User.ModifiedTime}
	}
	if r.Hub == nil || a.Hub == nil || *r.Hub != a.Hub.ID {
		a.Hub, a.Role, a.Features = nil, accounts.RoleNone, accounts.Features{}
	}
	return a, nil
}

func (f *fakeAccounts) disable(subject string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	a := f.users[subject]
	a.User.Status = accounts.Disabled
	f.users[subject] = a
}

func (f *fakeAccounts) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

// Impersonate lets Alice act as Bob unless told otherwise.
func (f *fakeAccounts) Impersonate(_ context.Context, r accounts.MemberRequest) (accounts.Identity, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.acted = append(f.acted, r)
	if f.refuse != nil {
		return accounts.Identity{}, f.refuse
	}
	target, ok := f.users[r.Member.Hash]
	if !ok || r.Actor.Hub == nil || *r.Actor.Hub != 7 {
		return accounts.Identity{}, fault.New(fault.NotFound, "")
	}
	return accounts.Identity{User: target.User, Hub: f.users[alice].Hub}, nil
}

func (f *fakeAccounts) RecordEvent(_ context.Context, r accounts.RecordEventRequest) (api.Nothing, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events = append(f.events, r)
	return api.Nothing{}, nil
}

// Describe knows by number whom Claims knows by hash.
func (f *fakeAccounts) Describe(ctx context.Context, r accounts.DescribeRequest) (accounts.Account, error) {
	for subject, known := range f.users {
		if known.User.ID != r.User {
			continue
		}
		a, err := f.Claims(ctx, accounts.ClaimsRequest{Subject: subject, Hub: r.Hub})
		if err == nil && r.Hub != nil && a.Hub == nil {
			err = fault.New(fault.Forbidden, "fault.no_access")
		}
		return a, err
	}
	return accounts.Account{}, fault.New(fault.NotFound, "")
}

// change changes what is known of somebody.
func (f *fakeAccounts) change(subject string, change func(*accounts.Account)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	a := f.users[subject]
	change(&a)
	f.users[subject] = a
}

// says makes a user say all there is to say.
func says(a *accounts.Account) {
	a.Profile = &accounts.Profile{
		MiddleName: "Maria", Nickname: "Al", Profile: "https://example.org/alice", Picture: testOrigin + "/picture/x",
		Website: "https://example.org", Gender: "female", Birthdate: "1990-02-28", Zoneinfo: "Europe/Berlin",
		Address: accounts.Address{Locality: "Wien", Country: "Austria"}, ModifiedTime: time.Date(2026, 1, 1, 9, 0, 0, 0, time.UTC),
	}
}
