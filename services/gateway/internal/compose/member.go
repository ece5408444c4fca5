package compose

import "github.com/gatehouse-id/gatehouse/pkg/api/accounts"

// Member is a person of a hub.
type Member struct {
	BriefUser
	Image         *Image        `json:"image"`
	Alias         string        `json:"alias,omitempty"`
	Role          accounts.Role `json:"role"`
	Impersonation bool          `json:"impersonation"`
	JoinedTime    *Time         `json:"joined_time"`
	InvitedTime   *Time         `json:"invited_time"`
	CreatedTime   Time          `json:"created_time"`
	ModifiedTime  Time          `json:"modified_time"`
}

// OwnMember is a member who reads about themselves.
type OwnMember struct {
	Member
	LoginConfirmation bool  `json:"login_confirmation"`
	DeletionTime      *Time `json:"deletion_time"`
}

// MemberOf is the document of a member, the same in every language.
func MemberOf(m accounts.Member) Member {
	return Member{
		BriefUser: briefUser(m.User), Image: image(m.User.Image), Alias: m.User.Alias,
		Role: m.Role, Impersonation: m.Impersonation,
		JoinedTime: optionalTime(m.JoinedTime), InvitedTime: optionalTime(m.InvitedTime),
		CreatedTime: Time(m.CreatedTime), ModifiedTime: Time(m.ModifiedTime),
	}
}

// OwnMemberOf is the document of a member for themselves.
func OwnMemberOf(m accounts.Member) OwnMember {
	return OwnMember{
		Member: MemberOf(m), LoginConfirmation: m.User.LoginConfirmation, DeletionTime: optionalTime(m.User.DeletionTime),
	}
}
