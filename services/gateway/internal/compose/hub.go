package compose

import "github.com/gatehouse-id/gatehouse/pkg/api/accounts"

// Hub is a hub: with its settings where it is the session's, without in lists.
type Hub struct {
	ID       int64            `json:"id"`
	Hash     string           `json:"hash"`
	Name     string           `json:"name"`
	Settings *HubSettings     `json:"settings,omitempty"`
	Type     accounts.HubType `json:"type"`
	expiration
	Model string `json:"model"`
}

// HubSettings are what a hub's administrators set.
//
// It and Features are converted from the service's types, which compiles only
// as long as both have the same fields: nothing that is added to the service
// gets published by accident.
type HubSettings struct {
	ProgramLevel             bool `json:"program_level"`
	LoginConfirmation        bool `json:"login_confirmation"`
	LoginConfirmationChannel int  `json:"login_confirmation_channel"`
	OfficePreview            bool `json:"office_preview"`
	PDFPreview               bool `json:"pdf_preview"`
	Support                  bool `json:"support"`
	PasswordAge              int  `json:"password_age"`  // days; 0: never
	SessionLimit             int  `json:"session_limit"` // 0: any number
}

// Features are what the hub's plan includes; null where there is no hub.
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

func (c Composer) hub(h accounts.Hub) Hub {
	return Hub{
		ID: h.ID, Hash: h.Hash, Name: h.Name, Type: h.Type,
		expiration: c.expiration(h.ExpirationTime),
		Model:      "Hub",
	}
}
