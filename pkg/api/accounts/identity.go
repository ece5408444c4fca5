package accounts

import (
	"context"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
)

// Identities are users as upstream providers know them.
type Identities interface {
	// FindIdentity gives the user whose identity it is, and the hub for which alone
	// that counts, if it does for one alone. Unauthenticated
	// (fault.identity_unknown) if it is nobody's.
	FindIdentity(context.Context, UpstreamIdentity) (Identity, error)
	// LinkIdentity makes it an identity of the actor. Conflict if it is somebody's
	// already; Forbidden if it is of a provider of a hub that the actor is not in, or
	// whose administrators decide (fault.provider_individual).
	LinkIdentity(context.Context, LinkIdentityRequest) (LinkedIdentity, error)
	// ListIdentities lists the actor's, by id.
	ListIdentities(context.Context, ActorRequest) (IdentityList, error)
	// UnlinkIdentity removes one of the actor's. NotFound if it is not; Forbidden
	// as LinkIdentity; Conflict if nothing else would be left to log in with.
	UnlinkIdentity(context.Context, UnlinkIdentityRequest) (api.Nothing, error)
}

// UpstreamIdentity is what an upstream provider has proved.
type UpstreamIdentity struct {
	Provider string `json:"provider"` // its configured name
	Issuer   string `json:"issuer"`
	Subject  string `json:"subject"` // at the issuer
	// Hub is the hub that has brought the provider along: the identity counts for
	// it alone. nil: the installation's.
	Hub *int64 `json:"hub,omitempty"`
	// Into is the hub where the user wants to go; nil: anywhere.
	Into *int64 `json:"into,omitempty"`
	// Email is verified, says the provider. EmailTrusted: it is trusted with that.
	// LinkByEmail: and may open the account with that address by it.
	Email        string     `json:"email,omitempty"`
	EmailTrusted bool       `json:"email_trusted,omitempty"`
	LinkByEmail  bool       `json:"link_by_email,omitempty"`
	Name         string     `json:"name,omitempty"`
	Origin       api.Origin `json:"origin"`
}

// LinkIdentityRequest links an identity.
type LinkIdentityRequest struct {
	Actor    api.Actor        `json:"actor"`
	Identity UpstreamIdentity `json:"identity"`
}

// UnlinkIdentityRequest unlinks an identity.
type UnlinkIdentityRequest struct {
	Actor    api.Actor `json:"actor"`
	Identity api.Ref   `json:"identity"`
}

// LinkedIdentity is an identity of a user.
type LinkedIdentity struct {
	ID           int64      `json:"id"`
	Hash         string     `json:"hash"`
	Provider     string     `json:"provider"`
	Hub          *int64     `json:"hub,omitempty"` // for which alone it counts; nil: all
	Email        string     `json:"email,omitempty"`
	Name         string     `json:"name,omitempty"`
	LastUsedTime *time.Time `json:"last_used_time,omitempty"`
	CreatedTime  time.Time  `json:"created_time"`
	ModifiedTime time.Time  `json:"modified_time"`
}

// IdentityList are a user's identities.
type IdentityList struct {
	Identities []LinkedIdentity `json:"identities"`
}
