// Package compose makes the documents of the API out of what the services
// answer. Each endpoint has exactly the keys that are documented for it, and
// they differ: read a document's function to see which.
package compose

import (
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/i18n"
)

// Composer makes documents for one reader at one time.
type Composer struct {
	Texts    *i18n.Catalogue
	Language i18n.Language
	Now      time.Time
}

// Authentication is who is logged in, where, and what they may do there. A
// session without a hub has neither hub nor role.
type Authentication struct {
	User     User           `json:"user"`
	Hub      *Hub           `json:"hub,omitempty"`
	Role     *accounts.Role `json:"role,omitempty"`
	Features Features       `json:"features"`
	Token    string         `json:"token,omitempty"`
	TTL      int            `json:"ttl"` // minutes
	Session  Session        `json:"session"`
}

// Authentication is the document of a login.
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
func (c Composer) Verification(o accounts.OpenedLink, product string, t sessions.Token) Verification {
	d := Verification{
		User:       briefUser(o.User),
		Name:       o.HubName,
		Activation: o.Activation,
		Token:      t.Token,
		TTL:        t.TTL,
		Session:    session(t.Session),
	}
	if d.Name == "" {
		d.Name = product
	}
	return d
}

// Session names a session.
type Session struct {
	ID    int64  `json:"id"`
	Hash  string `json:"hash"`
	Model string `json:"model"`
}

func session(s sessions.Session) Session {
	return Session{ID: s.ID, Hash: s.Hash, Model: "UserSession"}
}

func fullName(u accounts.User) string { return strings.TrimSpace(u.FirstName + " " + u.LastName) }
