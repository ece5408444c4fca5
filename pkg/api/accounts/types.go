// Package accounts is the contract of the accounts service, which owns users,
// hubs, memberships, credentials, activations and audit records.
package accounts

import "time"

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
	// DeletionTime is when the account will be deleted, as its user has asked.
	DeletionTime *time.Time `json:"deletion_time,omitempty"`
	CreatedTime  time.Time  `json:"created_time"`
	ModifiedTime time.Time  `json:"modified_time"`
	Image        *Image     `json:"image,omitempty"`
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

// HubPolicies are settings of a hub that only its own resource shows.
type HubPolicies struct {
	// RecoveryApproval makes the recovery of a lost factor wait for the hub's
	// technical administrators.
	RecoveryApproval bool `json:"recovery_approval"`
}

// Hub is a tenant: a team and its settings.
type Hub struct {
	ID             int64       `json:"id"`
	Hash           string      `json:"hash"`
	Name           string      `json:"name"`
	Type           HubType     `json:"type"`
	ExpirationTime *time.Time  `json:"expiration_time,omitempty"` // nil: never
	Settings       HubSettings `json:"settings"`
	Policies       HubPolicies `json:"policies"`
	CreatedTime    time.Time   `json:"created_time"`
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
	// Phone is the number by which the user confirms logins, in E.164 form; empty
	// if there is none or nobody asked.
	Phone string `json:"phone,omitempty"`
	// Profile is what the user says of themselves; nil if nobody asked.
	Profile *Profile `json:"profile,omitempty"`
}

// Identity is a user who has just proved who they are, and what a session
// needs to know of them.
type Identity struct {
	User User `json:"user"`
	Hub  *Hub `json:"hub,omitempty"` // last used hub; nil if the user has none
	// ProviderHub is the hub for which alone the proof counts; nil: all.
	ProviderHub *int64 `json:"provider_hub,omitempty"`
}
