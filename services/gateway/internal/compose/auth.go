package compose

import (
	"cmp"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
)

// Authentication is who is logged in, where, and what they may do there. A
// session without a hub has neither hub nor role.
type Authentication struct {
	User         User           `json:"user"`
	Hub          *Hub           `json:"hub,omitempty"`
	Role         *accounts.Role `json:"role,omitempty"`
	Impersonated bool           `json:"impersonated,omitempty"`
	Features     Features       `json:"features"`
	Token        string         `json:"token,omitempty"`
	TTL          int            `json:"ttl"` // minutes
	Session      Session        `json:"session"`
}

// Authentication is the document of a login, of whoever somebody acts as, too.
func (c Composer) Authentication(a accounts.Account, t sessions.Token) Authentication {
	d := c.authentication(a, t.Session, t.TTL)
	d.Token = t.Token
	return d
}

// Current is the document of an open session: the one of a login, without the
// token.
func (c Composer) Current(a accounts.Account, r sessions.Resolved) Authentication {
	return c.authentication(a, r.Session, r.TTL)
}

// Activated is the document of a finished activation. It tells more of the
// user than a login's, and calls one thing by another name.
func (c Composer) Activated(a accounts.Account, t sessions.Token) Authentication {
	d := c.Authentication(a, t)
	d.User.PasswordUpdate = &a.User.PasswordUpdate
	d.User.LoginConfirmation = &a.User.LoginConfirmation
	d.User.TermsConfirmation = nil
	d.User.TermsReconfirmation = &a.User.TermsConfirmation
	return d
}

// Impersonated is the document of a session in which somebody acts as its user:
// it says so, and does not tell in which other hubs they are.
func (c Composer) Impersonated(a accounts.Account, t sessions.Token) Authentication {
	d := c.Authentication(a, t)
	impersonated(&d, a)
	return d
}

// ImpersonationEnded is the document of one's own session after that.
func (c Composer) ImpersonationEnded(a accounts.Account, t sessions.Token) Authentication {
	d := c.Authentication(a, t)
	d.User.LoginConfirmation = &a.User.LoginConfirmation
	return d
}

func impersonated(d *Authentication, a accounts.Account) {
	d.Impersonated = true
	d.User.PasswordUpdate = &a.User.PasswordUpdate
	d.User.Hubs = nil
}

func (c Composer) authentication(a accounts.Account, s sessions.Session, ttl int) Authentication {
	d := Authentication{
		User:     c.user(a),
		Features: Features(a.Features),
		TTL:      ttl,
		Session:  session(s),
	}
	if a.Hub != nil {
		hub := c.hub(*a.Hub)
		settings := HubSettings(a.Hub.Settings)
		hub.Settings = &settings
		d.Hub, d.Role = &hub, &a.Role
	}
	if s.Impersonator != nil {
		impersonated(&d, a)
	}
	return d
}

// Step is what somebody is told who has not come in yet: no more than an opened
// link tells, and what they have to do first.
type Step struct {
	User BriefUser `json:"user"`
	Name string    `json:"name"` // of the hub, or of the product
	// LoginConfirmation and its channel are there if a code has to be given.
	LoginConfirmation bool             `json:"login_confirmation,omitempty"`
	Channel           accounts.Channel `json:"login_confirmation_channel,omitempty"`
	Scope             sessions.Scope   `json:"scope"` // names what the token opens
	Token             string           `json:"token"`
	TTL               int              `json:"ttl"` // minutes
	Session           Session          `json:"session"`
}

// Step is the document of a step; challenge is nil if it is no code.
func (c Composer) Step(a accounts.Account, challenge *accounts.Challenge, t sessions.Token) Step {
	d := Step{
		User: briefUser(a.User), Name: c.Product, Scope: t.Session.Scope,
		Token: t.Token, TTL: t.TTL, Session: session(t.Session),
	}
	if a.Hub != nil {
		d.Name = a.Hub.Name
	}
	if challenge != nil {
		d.LoginConfirmation, d.Channel = true, challenge.Channel
	}
	return d
}

// Verification is what opening a mailed link discloses, and no more.
type Verification struct {
	User       BriefUser `json:"user"`
	Name       string    `json:"name"` // of the hub, or of the product
	Activation string    `json:"activation,omitempty"`
	Token      string    `json:"token"` // of a narrow scope
	TTL        int       `json:"ttl"`   // minutes
	Session    Session   `json:"session"`
}

// Verification is the document of an opened link.
func (c Composer) Verification(o accounts.OpenedLink, t sessions.Token) Verification {
	return Verification{
		User:       briefUser(o.User),
		Name:       cmp.Or(o.HubName, c.Product),
		Activation: o.Activation,
		Token:      t.Token,
		TTL:        t.TTL,
		Session:    session(t.Session),
	}
}
