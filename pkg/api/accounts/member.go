package accounts

import (
	"context"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
)

// Members are the people of the actor's hub. Nobody acts on somebody with a
// higher role or gives a role above their own; whoever is no member of the hub
// is NotFound; a hub always keeps an owner (Conflict). A session without a hub is
// Forbidden, except for the user's own account.
type Members interface {
	// ListMembers lists them by name. Any member who may enter the hub.
	ListMembers(context.Context, ListMembersRequest) (MemberList, error)
	// GetMember gives one. Any member who may enter the hub.
	GetMember(context.Context, MemberRequest) (Member, error)
	// AddMember adds a person, and mails an invitation if they are to have access.
	// Administrators. Conflict if they are in the hub already; Invalid names every
	// broken rule.
	AddMember(context.Context, AddMemberRequest) (Member, error)
	// UpdateMember changes what is given: of oneself the profile, of others the
	// role and what the hub grants. Administrators. Conflict (fault.modified) if
	// it is not the revision the caller saw, or (fault.last_owner) if no owner
	// would be left.
	UpdateMember(context.Context, UpdateMemberRequest) (Member, error)
	// RemoveMember ends a membership, the actor's own or, by an administrator, of
	// somebody else; the member's sessions in the hub end.
	RemoveMember(context.Context, MemberRequest) (api.Nothing, error)
	// SendInvitation mails an invitation, or mails it again with a new link.
	// Conflict if the member has joined; Throttled if it was sent too often.
	SendInvitation(context.Context, MemberRequest) (Member, error)
	// WithdrawInvitation makes the link useless; the person stays in the hub
	// without access. Conflict if there is no open invitation.
	WithdrawInvitation(context.Context, MemberRequest) (api.Nothing, error)
	// UnlockMember lifts the lock that failed logins have put on a member's
	// account, as the link that was mailed to them does. Owners. It succeeds if
	// there is none; Throttled if it is done too often.
	UnlockMember(context.Context, MemberRequest) (api.Nothing, error)
	// Impersonate lets the actor act as a member. Technical administrators and
	// owners, and whom an owner has granted it. Forbidden where the hub's plan has
	// it not, while impersonating, by a personal access token, and for members of
	// a higher role or without access.
	Impersonate(context.Context, MemberRequest) (Identity, error)
}

// Member is a person in a hub.
type Member struct {
	// User is the account; of somebody who has not joined yet only what the hub
	// itself has written down, with an id and a hash that are the hub's own. Those
	// end when the member joins.
	User User `json:"user"`
	Role Role `json:"role"`
	// Impersonation is the owner's grant to act as other members.
	Impersonation bool `json:"impersonation"`
	// JoinedTime is when the member got access; nil: not yet.
	JoinedTime *time.Time `json:"joined_time,omitempty"`
	// InvitedTime is when the open invitation was mailed last; nil: none is open.
	InvitedTime  *time.Time `json:"invited_time,omitempty"`
	CreatedTime  time.Time  `json:"created_time"`
	ModifiedTime time.Time  `json:"modified_time"` // of the account or the membership, whichever is later
}

// MemberList is a page of members.
type MemberList struct {
	Members []Member `json:"members"`
	Total   int      `json:"total"`
}

// ListMembersRequest asks for members that match all that is given.
type ListMembersRequest struct {
	Actor  api.Actor `json:"actor"`
	Page   api.Page  `json:"page"`
	Query  string    `json:"query,omitempty"` // a part of the name or the address
	Role   *Role     `json:"role,omitempty"`
	Status *Status   `json:"status,omitempty"`
}

// MemberRequest names a member of the actor's hub.
type MemberRequest struct {
	Actor  api.Actor `json:"actor"`
	Member api.Ref   `json:"member"`
}

// AddMemberRequest adds a person to the actor's hub.
type AddMemberRequest struct {
	Actor     api.Actor `json:"actor"`
	Email     string    `json:"email"`
	FirstName string    `json:"first_name,omitempty"`
	LastName  string    `json:"last_name,omitempty"`
	Language  Language  `json:"language"`
	Role      *Role     `json:"role,omitempty"` // nil: RoleUser
	Access    bool      `json:"access"`
}

// UpdateMemberRequest changes a member; what is nil stays.
type UpdateMemberRequest struct {
	Actor    api.Actor  `json:"actor"`
	Member   api.Ref    `json:"member"`
	Revision *time.Time `json:"revision,omitempty"` // the ModifiedTime the caller saw; nil: any

	// Of oneself; of others only while they have not joined, the names.
	FirstName         *string   `json:"first_name,omitempty"`
	LastName          *string   `json:"last_name,omitempty"`
	Alias             *string   `json:"alias,omitempty"` // empty: none
	Language          *Language `json:"language,omitempty"`
	Locale            *int      `json:"locale,omitempty"`
	Statefulness      *bool     `json:"statefulness,omitempty"`
	LoginConfirmation *bool     `json:"login_confirmation,omitempty"`
	// Email is the new address, which counts once its owner has opened a link;
	// it takes the current password.
	Email           *string `json:"email,omitempty"`
	CurrentPassword string  `json:"current_password,omitempty"`

	// Of others.
	Role          *Role `json:"role,omitempty"`
	Impersonation *bool `json:"impersonation,omitempty"` // by an owner
	// Status disables and enables an account that is in no other hub. Technical
	// administrators.
	Status *Status `json:"status,omitempty"`
}
