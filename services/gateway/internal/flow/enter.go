package flow

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/i18n"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
)

// Outcome is how far somebody has come: in, with a token that opens everything,
// or up to a step that has to be taken first, with a token that opens only that.
type Outcome struct {
	// Step is what comes next; StepNone: nothing, they are in.
	Step accounts.Step
	// Account is the user as seen from the hub that they are in or on the way to.
	Account accounts.Account
	Token   sessions.Token
	// Challenge is what has to be answered; with StepCode only.
	Challenge *accounts.Challenge
}

// In tells whether nothing has to happen any more.
func (o Outcome) In() bool { return o.Step == accounts.StepNone }

// stepScopes are what the sessions open in which a step is taken.
var stepScopes = map[accounts.Step]sessions.Scope{
	accounts.StepNone:     sessions.ScopeFull,
	accounts.StepCode:     sessions.ScopeCode,
	accounts.StepFactor:   sessions.ScopeFactorUpdate,
	accounts.StepPassword: sessions.ScopePasswordUpdate,
	accounts.StepTerms:    sessions.ScopeTermsConfirm,
}

// entry is somebody who has proved who they are and wants in.
type entry struct {
	user     int64
	userHash string
	proof    accounts.Proof
	// provider is who vouched for them, and providerHub the hub for which alone that
	// counts.
	provider    string
	providerHub *int64
	// hub is where they want to go; nil: in none. If lenient, a hub that they may
	// not enter is left out, because they have not chosen it now.
	hub     *int64
	lastHub bool // the one they were in last, instead
	lenient bool
	// challenge is the one that they have confirmed.
	challenge *int64
	methods   []sessions.Method
	proved    time.Time // when; never later than the proof
	remember  bool
	// replaces is the session whose work is done by this.
	replaces *int64
	pat      *int64
	readOnly bool
}

// enter lets somebody in, or as far as the next step. Everybody who gets a
// session that opens everything gets it here. Forbidden if they may not enter the
// hub; Unauthenticated if they are no active user any more, or the session that
// is replaced has been by another request.
func (f *Flow) enter(ctx context.Context, e entry) (Outcome, error) {
	admission, err := f.admit(ctx, e)
	if err != nil {
		return Outcome{}, err
	}
	return f.open(ctx, e, admission)
}

// fromOpen is among the methods of a narrow session that an open one has led to,
// and of those that follow from it. Nobody has just given the password for them,
// and whoever has a stolen session leads it there at will: a hub of their own
// asks for any step. It is no method, and no open session has it.
const fromOpen sessions.Method = "open"

// open opens the session of an admission.
func (f *Flow) open(ctx context.Context, e entry, admission accounts.Admission) (Outcome, error) {
	scope, known := stepScopes[admission.Step]
	if !known {
		return Outcome{}, fmt.Errorf("gateway: nothing opens the step %q", admission.Step)
	}
	r := sessions.CreateRequest{
		User: e.user, UserHash: e.userHash, Scope: scope, Remember: e.remember,
		Provider: e.provider, ProviderHub: e.providerHub,
		Methods: e.methods, MFA: e.challenge, PAT: e.pat, ReadOnly: e.readOnly,
		Replaces: e.replaces, AuthenticatedTime: e.proved, Origin: edge.Origin(ctx),
	}
	if hub := admission.Account.Hub; hub != nil {
		r.Hub = &hub.ID
		if scope == sessions.ScopeFull {
			r.Limit = hub.Settings.SessionLimit
		}
	}
	if scope == sessions.ScopeFull {
		r.Methods = slices.DeleteFunc(slices.Clone(r.Methods), func(m sessions.Method) bool { return m == fromOpen })
	}
	if admission.Step == accounts.StepCode {
		if admission.Challenge == nil {
			return Outcome{}, fmt.Errorf("gateway: user %d has to answer a challenge that is none", e.user)
		}
		r.MFA = &admission.Challenge.ID
	}
	token, err := f.deps.Sessions.Create(ctx, r)
	if err != nil {
		return Outcome{}, err
	}
	if e.replaces != nil {
		f.deps.Cache.Ended(*e.replaces)
	}
	return Outcome{Step: admission.Step, Account: admission.Account, Token: token, Challenge: admission.Challenge}, nil
}

// admit asks whether somebody may come in.
func (f *Flow) admit(ctx context.Context, e entry) (accounts.Admission, error) {
	admission, err := f.deps.Accounts.Admit(ctx, accounts.AdmitRequest{
		User: e.user, Hub: e.hub, LastHub: e.lastHub, Fallback: e.lenient, Proof: e.proof, Challenge: e.challenge,
		Provider: e.provider, ProviderHub: e.providerHub,
		Origin: edge.Origin(ctx),
	})
	if fault.Is(err, fault.NotFound) { // disabled since the proof
		return accounts.Admission{}, fault.New(fault.Unauthenticated, "fault.session_expired").Because(err)
	}
	if err != nil {
		return accounts.Admission{}, err
	}
	edge.PreferLanguage(ctx, i18n.Language(admission.Account.User.Language))
	return admission, nil
}

// identified is the entry of somebody whom the accounts service has just
// identified, into the hub where they were last.
func identified(i accounts.Identity, proof accounts.Proof, methods ...sessions.Method) entry {
	e := entry{user: i.User.ID, userHash: i.User.Hash, proof: proof, lenient: true, methods: methods}
	if i.Hub != nil {
		e.hub = &i.Hub.ID
	}
	return e
}

// goTo chooses another hub than the last one, or none.
func (e *entry) goTo(hub *int64, hubless bool) {
	switch {
	case hubless:
		e.hub = nil
	case hub != nil:
		e.hub = hub
	}
}

// resumed is the entry of somebody who has taken the step that a narrow session
// was for, and comes back with all that it remembers.
func resumed(s sessions.Session) entry {
	e := entry{
		user: s.User, userHash: s.UserHash, proof: proofOf(s), hub: s.Hub, lenient: true, challenge: s.MFA,
		methods: s.Methods, proved: s.AuthenticatedTime, remember: s.Remember,
		replaces: &s.ID, pat: s.PAT, readOnly: s.ReadOnly, provider: s.Provider, providerHub: s.ProviderHub,
	}
	if s.Scope == sessions.ScopeCode {
		e.challenge = nil // not confirmed
	}
	if s.ProviderHub != nil {
		e.lenient = false // they can go nowhere else
	}
	return e
}

// proofOf tells how the user of a session proved who they are to begin with.
func proofOf(s sessions.Session) accounts.Proof {
	switch {
	case s.PAT != nil:
		return accounts.ProofToken
	case slices.Contains(s.Methods, sessions.MethodUpstream):
		return accounts.ProofIdentity
	case slices.Contains(s.Methods, sessions.MethodKey):
		return accounts.ProofPasskey
	case slices.Contains(s.Methods, sessions.MethodPassword):
		return accounts.ProofPassword
	}
	return accounts.ProofLink
}

// confirmedBy adds the method of a confirmed challenge. Two different ones are
// multiple factors (RFC 8176); a recovery code stands in for one that is lost.
func confirmedBy(methods []sessions.Method, method sessions.Method) []sessions.Method {
	all := slices.Clone(methods)
	add := func(m sessions.Method) {
		if !slices.Contains(all, m) {
			all = append(all, m)
		}
	}
	add(method)
	if len(all) > 1 && method != sessions.MethodRecovery {
		add(sessions.MethodMultiple)
	}
	return all
}

// provedBy is when somebody proved who they are who has just set a password:
// not before it was set, by the clock that has noted that and that ends what was
// proved before.
func (f *Flow) provedBy(u accounts.User) time.Time {
	now := f.deps.Cache.Now()
	if u.PasswordModifiedTime.After(now) {
		return u.PasswordModifiedTime
	}
	return now
}
