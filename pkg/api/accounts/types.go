// Package accounts is the contract of the accounts service, which owns users,
// hubs, memberships, credentials, activations and audit records.
package accounts

import (
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
)

// Status of a user.
type Status int

// The statuses; the numbers are the public API's.
const (
	Disabled Status = 0
	Active   Status = 1
	Invited  Status = 2
)

// PasswordType says where a user's password came from.
type PasswordType int

// The password types; the numbers are the public API's.
const (
	PasswordInitial   PasswordType = 1
	PasswordTemporary PasswordType = 2
	PasswordUser      PasswordType = 3
)

// Role of a member in a hub. A higher number may do more.
type Role int

// The roles; the numbers are the public API's.
const (
	RoleNone                   Role = 0
	RolePassive                Role = 1
	RoleUser                   Role = 2
	RoleAdministrator          Role = 3
	RoleTechnicalAdministrator Role = 4
	RoleOwner                  Role = 5
)

// HubType of a hub.
type HubType int

// The hub types; the numbers are the public API's.
const (
	HubRegular  HubType = 0
	HubTrial    HubType = 1
	HubInternal HubType = 2
)

// Language of a user; the numbers are the public API's (and i18n's).
type Language int

// The languages.
const (
	German  Language = 0
	English Language = 1
)

// User is a person with an account.
type User struct {
	ID                   int64        `json:"id"`
	Hash                 string       `json:"hash"` // public id and OIDC subject, 40 hex
	FirstName            string       `json:"first_name"`
	LastName             string       `json:"last_name"`
	Email                string       `json:"email"`
	EmailVerified        bool         `json:"email_verified"`
	Alias                string       `json:"alias,omitempty"`
	Status               Status       `json:"status"`
	Language             Language     `json:"language"`
	Locale               int          `json:"locale"`
	Statefulness         bool         `json:"statefulness"`
	LoginConfirmation    bool         `json:"login_confirmation"`
	PasswordType         PasswordType `json:"password_type"`
	PasswordModifiedTime time.Time    `json:"password_modified_time"`
	PasswordUpdate       bool         `json:"password_update"` // the password has to be changed
	RegistrationTime     time.Time    `json:"registration_time"`
	TermsAcceptedTime    *time.Time   `json:"terms_accepted_time,omitempty"`
	TermsConfirmation    bool         `json:"terms_confirmation"` // new terms have to be accepted
	ModifiedTime         time.Time    `json:"modified_time"`
	Image                *Image       `json:"image,omitempty"`
}

// Image is a user's picture, without its bytes.
type Image struct {
	ID               int64     `json:"id"`
	Hash             string    `json:"hash"`
	Extension        string    `json:"extension"`
	MIME             string    `json:"mime"`
	Size             int64     `json:"size"` // bytes
	CreatedTime      time.Time `json:"created_time"`
	ModifiedTime     time.Time `json:"modified_time"`
	ModifiedUserTime time.Time `json:"modified_user_time"`
}

// HubSettings are what a hub's administrators can set.
type HubSettings struct {
	ProgramLevel             bool `json:"program_level"`
	LoginConfirmation        bool `json:"login_confirmation"`
	LoginConfirmationChannel int  `json:"login_confirmation_channel"`
	OfficePreview            bool `json:"office_preview"`
	PDFPreview               bool `json:"pdf_preview"`
	Support                  bool `json:"support"`
	PasswordAge              int  `json:"password_age"`  // days until a password has to be changed; 0: never
	SessionLimit             int  `json:"session_limit"` // sessions a member may have at once; 0: any number
}

// Hub is a tenant: a team and its settings.
type Hub struct {
	ID             int64       `json:"id"`
	Hash           string      `json:"hash"`
	Name           string      `json:"name"`
	Type           HubType     `json:"type"`
	ExpirationTime *time.Time  `json:"expiration_time,omitempty"` // nil: never
	Settings       HubSettings `json:"settings"`
	ModifiedTime   time.Time   `json:"modified_time"`
}

// Features are what a hub's plan includes. A user without a hub has only those
// that do not depend on one; the rest is nil.
type Features struct {
	Accounting        *bool `json:"accounting"`
	Attachments       *bool `json:"attachments"`
	Audit             *bool `json:"audit"`
	EffectFreeze      *bool `json:"effect_freeze"`
	EffectProvenience *bool `json:"effect_provenience"`
	Impersonation     bool  `json:"impersonation"`
	NetworkFilter     *bool `json:"network_filter"`
	PasswordAge       int   `json:"password_age"`
	ReportPreferences *bool `json:"report_preferences"`
	SecuritySettings  *bool `json:"security_settings"`
	SessionLimit      int   `json:"session_limit"`
	Subscriptions     *bool `json:"subscriptions"`
	Trash             int   `json:"trash"` // days
}

// Account is a user as seen from one hub, or from none.
type Account struct {
	User     User     `json:"user"`
	Hubs     []Hub    `json:"hubs"`          // all hubs of the user, by id
	Hub      *Hub     `json:"hub,omitempty"` // the hub asked for
	Role     Role     `json:"role"`          // in Hub; RoleNone without one
	Features Features `json:"features"`
}

// Identity is a user who has just proved who they are, and what a session
// needs to know of them.
type Identity struct {
	User User `json:"user"`
	Hub  *Hub `json:"hub,omitempty"` // last used hub; nil if the user has none
}

// AuthenticateRequest is a login by password.
type AuthenticateRequest struct {
	Login    string     `json:"login"` // email address or alias
	Password string     `json:"password"`
	Origin   api.Origin `json:"origin"`
}

// DescribeRequest asks for an Account.
type DescribeRequest struct {
	User int64  `json:"user"`
	Hub  *int64 `json:"hub,omitempty"` // nil: hubless
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
)

// OpenedLink is what opening a link discloses.
type OpenedLink struct {
	Kind       LinkKind `json:"kind"`
	User       User     `json:"user"`
	HubName    string   `json:"hub_name,omitempty"` // of an invitation to a hub
	Activation string   `json:"activation"`         // 40 hex, names the activation when finishing it
}

// FinishActivationRequest makes an invited user active.
type FinishActivationRequest struct {
	Activation           string     `json:"activation"`
	User                 int64      `json:"user"` // whom the narrow-scope token is of
	Kind                 LinkKind   `json:"kind"` // which the narrow-scope token is for
	Name                 string     `json:"name"` // of the hub to create; not for an invitation to a hub
	FirstName            string     `json:"first_name,omitempty"`
	LastName             string     `json:"last_name,omitempty"`
	Password             string     `json:"password"`
	PasswordConfirmation string     `json:"password_confirmation"`
	Terms                bool       `json:"terms"`
	Origin               api.Origin `json:"origin"`
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

// StatisticsAnswer counts what the service holds.
type StatisticsAnswer struct {
	ActiveUsers int64 `json:"active_users"`
}

// ClaimsRequest asks what a relying party may learn of a subject.
type ClaimsRequest struct {
	Subject string `json:"subject"`       // a user's hash
	Hub     *int64 `json:"hub,omitempty"` // the session's hub
}
