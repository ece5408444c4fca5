package compose

import "github.com/gatehouse-id/gatehouse/pkg/api/accounts"

// HubMembership is a hub as one of its members has it.
type HubMembership struct {
	Hub
	Role             accounts.Role `json:"role"`
	Features         Features      `json:"features"`
	RecoveryApproval bool          `json:"recovery_approval"`
	CreatedTime      Time          `json:"created_time"`
	ModifiedTime     Time          `json:"modified_time"`
}

// HubMembership is the document of a hub for one of its members.
func (c Composer) HubMembership(m accounts.HubMembership) HubMembership {
	d := HubMembership{
		Hub: c.hub(m.Hub), Role: m.Role, Features: Features(m.Features),
		RecoveryApproval: m.Hub.Policies.RecoveryApproval,
		CreatedTime:      Time(m.Hub.CreatedTime), ModifiedTime: Time(m.Hub.ModifiedTime),
	}
	settings := HubSettings(m.Hub.Settings)
	d.Settings = &settings
	return d
}
