package accounts

import (
	"context"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
)

// Hubs are the teams of a user.
type Hubs interface {
	// ListHubs lists the hubs that the user has joined, by id. Whoever acts as the
	// user sees only the one of their session, here and below.
	ListHubs(context.Context, ListHubsRequest) (HubList, error)
	// CreateHub makes a hub whose owner is the actor. Conflict if the user owns
	// too many.
	CreateHub(context.Context, CreateHubRequest) (HubMembership, error)
	// GetHub gives a hub of the user's. NotFound if it is not.
	GetHub(context.Context, HubRequest) (HubMembership, error)
	// UpdateHub changes what is given: administrators the name and previews,
	// technical administrators everything, what concerns logins only in a session of
	// that hub (Forbidden, fault.hub_required). NotFound if it is no hub of the user's;
	// Conflict (fault.modified) if it is not the revision the caller saw.
	UpdateHub(context.Context, UpdateHubRequest) (HubMembership, error)
	// SetPlan changes what only the operator decides.
	SetPlan(context.Context, SetPlanRequest) (Hub, error)
}

// HubMembership is a hub as one of its members has it.
type HubMembership struct {
	Hub      Hub      `json:"hub"`
	Role     Role     `json:"role"`
	Features Features `json:"features"`
}

// HubList is a page of hubs.
type HubList struct {
	Hubs  []HubMembership `json:"hubs"`
	Total int             `json:"total"`
}

// ListHubsRequest asks for hubs that match all that is given.
type ListHubsRequest struct {
	Actor api.Actor `json:"actor"`
	Page  api.Page  `json:"page"`
	Query string    `json:"query,omitempty"` // a part of the name
	Role  *Role     `json:"role,omitempty"`
}

// CreateHubRequest makes a hub.
type CreateHubRequest struct {
	Actor api.Actor `json:"actor"`
	Name  string    `json:"name"`
}

// HubRequest names a hub of the actor's.
type HubRequest struct {
	Actor api.Actor `json:"actor"`
	Hub   api.Ref   `json:"hub"`
}

// UpdateHubRequest changes a hub; what is nil stays.
type UpdateHubRequest struct {
	Actor    api.Actor  `json:"actor"`
	Hub      api.Ref    `json:"hub"`
	Revision *time.Time `json:"revision,omitempty"` // the ModifiedTime the caller saw; nil: any

	Name                     *string  `json:"name,omitempty"`
	ProgramLevel             *bool    `json:"program_level,omitempty"`
	LoginConfirmation        *bool    `json:"login_confirmation,omitempty"`
	LoginConfirmationChannel *Channel `json:"login_confirmation_channel,omitempty"`
	OfficePreview            *bool    `json:"office_preview,omitempty"`
	PDFPreview               *bool    `json:"pdf_preview,omitempty"`
	Support                  *bool    `json:"support,omitempty"`
	PasswordAge              *int     `json:"password_age,omitempty"`  // days, at most 3650
	SessionLimit             *int     `json:"session_limit,omitempty"` // at most 1000
	RecoveryApproval         *bool    `json:"recovery_approval,omitempty"`
}

// SetPlanRequest changes a hub's plan; what is nil stays.
type SetPlanRequest struct {
	Hub            string          `json:"hub"` // hash
	Type           *HubType        `json:"type,omitempty"`
	ExpirationTime *time.Time      `json:"expiration_time,omitempty"`
	NoExpiration   bool            `json:"no_expiration,omitempty"`
	Features       map[string]bool `json:"features,omitempty"` // by the public API's names
	Trash          *int            `json:"trash,omitempty"`    // days
}
