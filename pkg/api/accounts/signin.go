package accounts

import (
	"context"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
)

// SignIns are how hubs use upstream providers. The oauth service knows the
// providers themselves; that a hub admits by one alone is kept here, where it is
// decided who comes in.
type SignIns interface {
	// ListSignIns lists those of a hub, by provider. With an actor, Forbidden
	// unless the hub is that of their session and they are one of its technical
	// administrators.
	ListSignIns(context.Context, ListSignInsRequest) (SignInList, error)
	// SetSignIn adds one to the actor's hub or changes one, and is in force with
	// its answer. Forbidden as ListSignIns, and while impersonating or by a personal
	// access token; Conflict if there are too many.
	SetSignIn(context.Context, SetSignInRequest) (SignIn, error)
	// RemoveSignIn takes one from the actor's hub, with the identities that count for
	// the hub alone. NotFound; Forbidden as SetSignIn.
	RemoveSignIn(context.Context, SignInRequest) (api.Nothing, error)
	// AssignIdentity says who a member of the actor's hub is at a provider, in the
	// place of what was said before: for this hub alone. For administrators; Forbidden
	// below, and for members with a higher role. NotFound if it is no member of the
	// hub; Invalid if the hub does not assign identities of the provider; Conflict if
	// it is another member's.
	AssignIdentity(context.Context, AssignIdentityRequest) (AssignedIdentity, error)
	// UnassignIdentity takes that back. Forbidden and NotFound as AssignIdentity.
	UnassignIdentity(context.Context, UnassignIdentityRequest) (api.Nothing, error)
}

// SignInMode is how a hub uses an upstream provider.
type SignInMode string

// The modes.
const (
	// SignInOptional: members link and unlink it as they like.
	SignInOptional SignInMode = "optional"
	// SignInIndividual: administrators decide whose identity is whose.
	SignInIndividual SignInMode = "individual"
	// SignInMandatory: nothing else signs in to the hub.
	SignInMandatory SignInMode = "mandatory"
)

// SignIn is how a hub uses a provider.
type SignIn struct {
	Provider string     `json:"provider"` // its name in the hub
	Own      bool       `json:"own"`      // the hub has brought it along
	Mode     SignInMode `json:"mode"`
	Title    string     `json:"title"`  // for people
	Issuer   string     `json:"issuer"` // of its identities
	// Domains: with SignInMandatory, a member whose address is in one of them is
	// known by it, if the provider says that it is theirs.
	Domains []string `json:"domains,omitempty"`
	// Revision names what the oauth service keeps of the provider. Each change has
	// a higher one, whichever arrives first.
	Revision     int64     `json:"revision"`
	CreatedTime  time.Time `json:"created_time"`
	ModifiedTime time.Time `json:"modified_time"`
}

// SignInList is how a hub uses providers.
type SignInList struct {
	Hub     int64    `json:"hub"` // 0 if there is none with that hash
	SignIns []SignIn `json:"sign_ins"`
}

// ListSignInsRequest asks for those of a hub.
type ListSignInsRequest struct {
	Hub   int64      `json:"hub"`
	Hash  string     `json:"hash,omitempty"`  // names the hub instead, where there is no Actor
	Actor *api.Actor `json:"actor,omitempty"` // who wants to see or change them; nil: nobody
}

// SetSignInRequest adds or changes one.
type SetSignInRequest struct {
	Actor  api.Actor `json:"actor"`
	SignIn SignIn    `json:"sign_in"` // but its times
}

// SignInRequest names one of the actor's hub.
type SignInRequest struct {
	Actor    api.Actor `json:"actor"`
	Provider string    `json:"provider"`
}

// AssignIdentityRequest assigns an identity, by its subject or by its address;
// by the address it is whose the provider first says that it is.
type AssignIdentityRequest struct {
	Actor    api.Actor `json:"actor"`
	Member   api.Ref   `json:"member"`
	Provider string    `json:"provider"`
	Subject  string    `json:"subject,omitempty"`
	Email    string    `json:"email,omitempty"`
}

// UnassignIdentityRequest takes a member's identity at a provider back.
type UnassignIdentityRequest struct {
	Actor    api.Actor `json:"actor"`
	Member   api.Ref   `json:"member"`
	Provider string    `json:"provider"`
}

// AssignedIdentity is who a member is at a provider, as far as the hub is
// concerned.
type AssignedIdentity struct {
	Provider string `json:"provider"`
	// Subject is empty until somebody with the address has come.
	Subject     string    `json:"subject,omitempty"`
	Email       string    `json:"email,omitempty"`
	CreatedTime time.Time `json:"created_time"`
}
