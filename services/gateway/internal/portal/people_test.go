package portal_test

import (
	"context"
	"sync"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/gatewaytest"
)

// What the double of the accounts service knows besides gatewaytest's.
const (
	rightCode    = "493021"
	recoveryCode = "h7k2m-93xdq"
	challengeID  = int64(77)
	factorHash   = "5a1f0c8f7a0d1b4f5e9d0f6a3b2c1d4e5f607182"
	drawnAgain   = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 3 3"><path d="M0 0h2v1H0z"/></svg>`
	secret       = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
	phone        = "+49 *** 789"

	resetLink    = "3333333333333333333333333333333333333333"
	emailLink    = "4444444444444444444444444444444444444444"
	recoveryLink = "5555555555555555555555555555555555555555"
	ceremony     = "ceremony-1"
	credential   = `{"id":"x"}`

	unlockLink = "6666666666666666666666666666666666666666"
	joinLink   = "7777777777777777777777777777777777777777"
)

// people is the accounts service as the pages need it: its user has to take the
// steps that are due.
type people struct {
	*gatewaytest.Accounts

	mu       sync.Mutex
	now      func() time.Time
	due      map[accounts.Step]bool
	channel  accounts.Channel
	used     map[string]bool
	stepped  []accounts.StepUpRequest
	stranger int64 // 1: the passkey is somebody else's
	failures map[string]error
	sent     []accounts.Channel
	asked    []accounts.InitiateResetRequest
	enrolled []accounts.EnrolFactorRequest
	changed  []accounts.ChangePasswordRequest
	done     []string
}

func newPeople(now func() time.Time) *people {
	return &people{
		Accounts: gatewaytest.NewAccounts(now()), now: now, due: map[accounts.Step]bool{}, channel: accounts.ChannelEmail,
		used: map[string]bool{}, failures: map[string]error{},
	}
}

// ask makes steps due.
func (p *people) ask(steps ...accounts.Step) {
	for _, s := range steps {
		p.due[s] = true
	}
}

func (p *people) failing(method string, err error) { p.failures[method] = err }

func (p *people) challenge() *accounts.Challenge {
	destination := map[accounts.Channel]string{accounts.ChannelEmail: "t***n@example.org", accounts.ChannelSMS: phone}[p.channel]
	return &accounts.Challenge{ID: challengeID, Channel: p.channel, Destination: destination, ExpirationTime: p.now().Add(10 * time.Minute)}
}

func (p *people) identity(ctx context.Context) (accounts.Identity, error) {
	account, err := p.Describe(ctx, accounts.DescribeRequest{User: 1})
	if err != nil {
		return accounts.Identity{}, err
	}
	return accounts.Identity{User: account.User, Hub: &account.Hubs[0]}, nil
}

// Admit implements accounts.Service.
func (p *people) Admit(ctx context.Context, r accounts.AdmitRequest) (accounts.Admission, error) {
	account, err := p.Describe(ctx, accounts.DescribeRequest{User: r.User, Hub: r.Hub})
	if err != nil {
		return accounts.Admission{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.failures["Admit"]; err != nil {
		return accounts.Admission{}, err
	}
	for _, step := range []accounts.Step{accounts.StepCode, accounts.StepFactor, accounts.StepPassword, accounts.StepTerms} {
		switch {
		case !p.due[step] || step == accounts.StepCode && r.Challenge != nil:
			continue
		case step == accounts.StepCode:
			return accounts.Admission{Step: step, Account: account, Challenge: p.challenge()}, nil
		default:
			return accounts.Admission{Step: step, Account: account}, nil
		}
	}
	return accounts.Admission{Account: account}, nil
}

// SendCode implements accounts.Service.
func (p *people) SendCode(_ context.Context, r accounts.SendCodeRequest) (accounts.Challenge, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.failures["SendCode"]; err != nil {
		return accounts.Challenge{}, err
	}
	if r.Challenge != challengeID {
		return accounts.Challenge{}, fault.New(fault.Unauthenticated, "fault.code_over")
	}
	if r.Channel != 0 {
		p.channel = r.Channel
	}
	p.sent = append(p.sent, r.Channel)
	return *p.challenge(), nil
}

// ConfirmCode implements accounts.Service.
func (p *people) ConfirmCode(_ context.Context, r accounts.ConfirmCodeRequest) (accounts.Confirmation, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.failures["ConfirmCode"] != nil:
		return accounts.Confirmation{}, p.failures["ConfirmCode"]
	case r.Challenge != challengeID || p.used["challenge"]:
		return accounts.Confirmation{}, fault.New(fault.Unauthenticated, "fault.code_over")
	case r.Code != rightCode && r.Code != recoveryCode:
		return accounts.Confirmation{}, fault.New(fault.Unauthenticated, "fault.code_wrong")
	}
	p.used["challenge"] = true
	method := map[accounts.Channel]string{accounts.ChannelEmail: "email", accounts.ChannelSMS: "sms", accounts.ChannelApp: "otp"}[p.channel]
	return accounts.Confirmation{Challenge: challengeID, Method: method}, nil
}

// StepUp implements accounts.Service.
func (p *people) StepUp(_ context.Context, r accounts.StepUpRequest) (accounts.Challenge, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stepped = append(p.stepped, r)
	switch {
	case p.failures["StepUp"] != nil:
		return accounts.Challenge{}, p.failures["StepUp"]
	case p.channel < r.Minimum:
		return accounts.Challenge{}, fault.New(fault.NotFound, "fault.no_second_factor")
	}
	p.used["challenge"] = false
	return *p.challenge(), nil
}

// FinishPasskeyLogin implements accounts.Service.
func (p *people) FinishPasskeyLogin(ctx context.Context, r accounts.FinishPasskeyLoginRequest) (accounts.Identity, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.Ceremony != ceremony || string(r.Credential) != credential || p.used[ceremony] {
		return accounts.Identity{}, fault.New(fault.Unauthenticated, "fault.credentials")
	}
	p.used[ceremony] = true
	i, err := p.identity(ctx)
	i.User.ID += p.stranger
	return i, err
}

// EnrolFactor implements accounts.Service.
func (p *people) EnrolFactor(_ context.Context, r accounts.EnrolFactorRequest) (accounts.Enrolment, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.enrolled = append(p.enrolled, r)
	e := accounts.Enrolment{Factor: accounts.Factor{ID: 9, Hash: factorHash, Channel: r.Channel}}
	if r.Channel == accounts.ChannelApp {
		e.Secret, e.URI = secret, "otpauth://totp/x"
		e.QR = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 2 2"><path d="M0 0h1v1H0z"/></svg>`
		return e, nil
	}
	if r.Number == "" || r.Number[0] != '+' {
		return accounts.Enrolment{}, fault.Field("number", "validation.phone")
	}
	e.Factor.Number = phone
	return e, nil
}

// DrawFactor implements accounts.Service.
func (p *people) DrawFactor(_ context.Context, r accounts.DrawFactorRequest) (accounts.Enrolment, error) {
	if r.Actor.User == 0 || r.Factor.Hash != factorHash || r.Secret != secret {
		return accounts.Enrolment{}, fault.New(fault.NotFound, "")
	}
	return accounts.Enrolment{QR: drawnAgain}, nil
}

// ConfirmFactor implements accounts.Service.
func (p *people) ConfirmFactor(_ context.Context, r accounts.ConfirmFactorRequest) (accounts.ConfirmedFactor, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case r.Factor.Hash != factorHash:
		return accounts.ConfirmedFactor{}, fault.New(fault.NotFound, "")
	case r.Code != rightCode:
		return accounts.ConfirmedFactor{}, fault.Field("code", "validation.wrong_code")
	}
	p.due[accounts.StepFactor] = false
	return accounts.ConfirmedFactor{Factor: accounts.Factor{Hash: factorHash, Confirmed: true}, RecoveryCodes: []string{recoveryCode, "b2c3d-4e5fg"}}, nil
}

// ChangePassword implements accounts.Service.
func (p *people) ChangePassword(ctx context.Context, r accounts.ChangePasswordRequest) (accounts.Identity, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := checkPassword(r.Password, r.PasswordConfirmation); err != nil {
		return accounts.Identity{}, err
	}
	p.changed = append(p.changed, r)
	p.due[accounts.StepPassword] = false
	return p.identity(ctx)
}

func checkPassword(password, confirmation string) error {
	var v fault.Violations
	switch {
	case len(password) < 10:
		v.Add("password", "validation.password_too_short", "Min", 10)
	case password != confirmation:
		v.Add("password", "validation.confirmed")
	}
	return v.Err()
}

// AcceptTerms implements accounts.Service.
func (p *people) AcceptTerms(ctx context.Context, r accounts.AcceptTermsRequest) (accounts.Identity, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !r.Terms {
		return accounts.Identity{}, fault.Field("terms", "validation.accepted")
	}
	p.due[accounts.StepTerms] = false
	return p.identity(ctx)
}

// InitiateReset implements accounts.Service.
func (p *people) InitiateReset(_ context.Context, r accounts.InitiateResetRequest) (api.Nothing, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, r)
	return api.Nothing{}, p.failures["InitiateReset"]
}

// InitiateRecovery implements accounts.Service.
func (p *people) InitiateRecovery(ctx context.Context, r accounts.InitiateResetRequest) (api.Nothing, error) {
	return p.InitiateReset(ctx, r)
}

// once uses a link up.
func (p *people) once(link string, known ...string) error {
	for _, k := range known {
		switch {
		case link != k:
		case p.used[link]:
			return fault.New(fault.Gone, "fault.link_used")
		default:
			p.used[link] = true
			return nil
		}
	}
	return fault.New(fault.NotFound, "fault.link_unknown")
}

// FinishReset implements accounts.Service.
func (p *people) FinishReset(ctx context.Context, r accounts.FinishResetRequest) (accounts.Identity, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.Reset != resetLink || p.used[r.Reset] {
		return accounts.Identity{}, fault.New(fault.NotFound, "fault.link_unknown")
	}
	if err := checkPassword(r.Password, r.PasswordConfirmation); err != nil {
		return accounts.Identity{}, err
	}
	p.used[r.Reset] = true
	return p.identity(ctx)
}

// Unlock implements accounts.Service.
func (p *people) Unlock(_ context.Context, r accounts.OpenLinkRequest) (api.Nothing, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return api.Nothing{}, p.once(r.Link, unlockLink)
}

// OpenLink implements accounts.Service.
func (p *people) OpenLink(ctx context.Context, r accounts.OpenLinkRequest) (accounts.OpenedLink, error) {
	kind, ok := map[string]accounts.LinkKind{
		emailLink: accounts.LinkEmail, recoveryLink: accounts.LinkRecovery, joinLink: accounts.LinkInvitation,
	}[r.Link]
	if !ok {
		opened, err := p.Accounts.OpenLink(ctx, r)
		opened.User.Status = accounts.Invited
		return opened, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.once(r.Link, emailLink, recoveryLink, joinLink); err != nil {
		return accounts.OpenedLink{}, err
	}
	i, err := p.identity(ctx)
	opened := accounts.OpenedLink{Kind: kind, User: i.User}
	if kind == accounts.LinkInvitation {
		opened.HubName, opened.Activation = i.Hub.Name, gatewaytest.ActivationID
	}
	return opened, err
}

// FinishActivation implements accounts.Service.
func (p *people) FinishActivation(ctx context.Context, r accounts.FinishActivationRequest) (accounts.Identity, error) {
	p.mu.Lock()
	joining := p.used[joinLink]
	p.mu.Unlock()
	if !joining {
		return p.Accounts.FinishActivation(ctx, r)
	}
	if r.Password != gatewaytest.Password {
		return accounts.Identity{}, fault.Field("password", "validation.wrong_password")
	}
	return p.identity(ctx)
}

// ConfirmEmail implements accounts.Service.
func (p *people) ConfirmEmail(context.Context, accounts.ConfirmLinkRequest) (api.Nothing, error) {
	return p.errand("email")
}

// ConfirmRecovery implements accounts.Service.
func (p *people) ConfirmRecovery(context.Context, accounts.ConfirmLinkRequest) (api.Nothing, error) {
	return p.errand("recovery")
}

func (p *people) errand(what string) (api.Nothing, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.used[what] {
		return api.Nothing{}, fault.New(fault.NotFound, "")
	}
	p.used[what] = true
	p.done = append(p.done, what)
	return api.Nothing{}, p.failures[what]
}
