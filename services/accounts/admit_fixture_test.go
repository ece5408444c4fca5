package accounts

import (
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
)

// Places in networks other than the browser's.
var (
	abroad   = api.Origin{Address: "203.0.113.9", UserAgent: "Browser/2"}
	stranger = api.Origin{Address: "198.51.100.7", UserAgent: "Unheard/1"}
)

// admitting is what comes after a password.
func admitting(i accounts.Identity) accounts.AdmitRequest {
	r := accounts.AdmitRequest{User: i.User.ID, Proof: accounts.ProofPassword, Origin: browser}
	if i.Hub != nil {
		r.Hub = &i.Hub.ID
	}
	return r
}

// come is a whole login, at the end of which somebody is in.
func (f *fixture) come(login, password string) accounts.Account {
	f.t.Helper()
	identity, err := f.authenticate(login, password)
	require.NoError(f.t, err)
	return f.in(admitting(identity))
}

// in wants to be let in.
func (f *fixture) in(r accounts.AdmitRequest) accounts.Account {
	f.t.Helper()
	return f.step(accounts.StepNone, r).Account
}

// step wants to be sent to a step.
func (f *fixture) step(want accounts.Step, r accounts.AdmitRequest) accounts.Admission {
	f.t.Helper()
	a, err := f.Admit(f.t.Context(), r)
	require.NoError(f.t, err)
	require.Equal(f.t, want, a.Step)
	require.Equal(f.t, want == accounts.StepCode, a.Challenge != nil)
	require.Equal(f.t, r.User, a.Account.User.ID)
	require.NotEmpty(f.t, a.Account.Hubs)
	return a
}

// from is the request from another place.
func from(o api.Origin, r accounts.AdmitRequest) accounts.AdmitRequest {
	r.Origin = o
	return r
}

// answer confirms a challenge by the code that was mailed last.
func (f *fixture) answer(user accounts.User, challenge accounts.Challenge) *int64 {
	f.t.Helper()
	_, err := f.ConfirmCode(f.t.Context(), accounts.ConfirmCodeRequest{
		User: user.ID, Challenge: challenge.ID, Code: f.last(user.Email, mail.Code).Data["code"], Origin: browser,
	})
	require.NoError(f.t, err)
	return &challenge.ID
}

// last is the last mail of a template to an address.
func (f *fixture) last(to string, template mail.Template) mail.SendRequest {
	f.t.Helper()
	all := f.mails(to, template)
	require.NotEmpty(f.t, all, "no mail %s to %s", template, to)
	return all[len(all)-1]
}

// mails are those of a template to an address.
func (f *fixture) mails(to string, template mail.Template) (found []mail.SendRequest) {
	f.t.Helper()
	f.deliver()
	for _, m := range f.mail.to(to) {
		if m.Template == template {
			found = append(found, m)
		}
	}
	return found
}

// notices are the events of which a user was told by mail.
func (f *fixture) notices(to string) (events []string) {
	f.t.Helper()
	for _, m := range f.mails(to, mail.SecurityNotice) {
		events = append(events, m.Data["event"])
	}
	return events
}

// recorded is how often an event is on record.
func (f *fixture) recorded(kind string) int64 {
	f.t.Helper()
	return f.count(`SELECT COUNT(*) FROM audit WHERE kind = $1`, kind)
}
