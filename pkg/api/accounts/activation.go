package accounts

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
)

// Activations bring people in.
type Activations interface {
	// InitiateActivation registers a person and mails a link. It answers the
	// same whether or not the address has an account.
	InitiateActivation(context.Context, InitiateActivationRequest) (api.Nothing, error)
	// OpenLink uses a mailed link up. NotFound if unknown, Gone if used,
	// superseded or expired.
	OpenLink(context.Context, OpenLinkRequest) (OpenedLink, error)
	// FinishActivation sets the password or links the identity, accepts the terms
	// and creates or joins the hub, once. Somebody who is active already joins the
	// hub by their password or an identity of theirs and needs nothing else. NotFound
	// if it is not this user's activation or is finished or expired; Invalid names
	// every broken rule; Conflict if the identity is somebody's already;
	// Unauthenticated (fault.identity_unknown) if it is not the active user's;
	// Forbidden if administrators decide whose it is.
	FinishActivation(context.Context, FinishActivationRequest) (Identity, error)
	// ConfirmEmail makes the address of the user's opened link the user's, once.
	// NotFound if there is none; Conflict if somebody else has it by now.
	ConfirmEmail(context.Context, ConfirmLinkRequest) (api.Nothing, error)
	// Invite makes an invitation on behalf of the operator.
	Invite(context.Context, InviteRequest) (Invitation, error)
}

// InitiateActivationRequest is a self-registration.
type InitiateActivationRequest struct {
	FirstName string     `json:"first_name"`
	LastName  string     `json:"last_name"`
	Email     string     `json:"email"`
	Language  Language   `json:"language"`
	Origin    api.Origin `json:"origin"`
}

// OpenLinkRequest opens an emailed link.
type OpenLinkRequest struct {
	Link   string     `json:"link"` // the 40 hex at the link's end
	Origin api.Origin `json:"origin"`
}

// LinkKind says what a link is for.
type LinkKind string

// The kinds of links; each opens a session of the scope of the same meaning.
const (
	LinkActivation LinkKind = "activation"
	LinkInvitation LinkKind = "invitation"
	LinkEmail      LinkKind = "email"    // confirms a new address
	LinkRecovery   LinkKind = "recovery" // confirms that a factor was lost
)

// OpenedLink is what opening a link discloses.
type OpenedLink struct {
	Kind       LinkKind `json:"kind"`
	User       User     `json:"user"`
	HubName    string   `json:"hub_name,omitempty"`   // of an invitation to a hub
	HubHash    string   `json:"hub_hash,omitempty"`   // of the same
	Activation string   `json:"activation,omitempty"` // 40 hex, names the activation when finishing it
}

// FinishActivationRequest makes an invited user active.
type FinishActivationRequest struct {
	Activation           string   `json:"activation"`
	User                 int64    `json:"user"` // whom the narrow-scope token is of
	Kind                 LinkKind `json:"kind"` // which the narrow-scope token is for
	Name                 string   `json:"name"` // of the hub to create; not for an invitation to a hub
	FirstName            string   `json:"first_name,omitempty"`
	LastName             string   `json:"last_name,omitempty"`
	Password             string   `json:"password"`
	PasswordConfirmation string   `json:"password_confirmation"`
	Terms                bool     `json:"terms"`
	// Identity is what the user will log in with instead of a password; nil: the
	// password.
	Identity *UpstreamIdentity `json:"identity,omitempty"`
	Origin   api.Origin        `json:"origin"`
}

// InviteRequest is an operator's invitation.
type InviteRequest struct {
	Email     string   `json:"email"`
	FirstName string   `json:"first_name,omitempty"`
	LastName  string   `json:"last_name,omitempty"`
	Language  Language `json:"language"`
	Hub       string   `json:"hub,omitempty"` // hash of the hub to join; empty: the user will create one
	Role      Role     `json:"role,omitempty"`
	Mail      bool     `json:"mail"` // send the link by mail as well
}

// Invitation is the link of an invitation, which only its issuer sees.
type Invitation struct {
	User User   `json:"user"`
	URL  string `json:"url"`
}

// ConfirmLinkRequest does what the link was mailed for that the user has opened.
type ConfirmLinkRequest struct {
	User   int64      `json:"user"`
	Origin api.Origin `json:"origin"`
}
