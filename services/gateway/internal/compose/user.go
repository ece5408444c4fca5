package compose

import (
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
)

// User is a user as they see themselves. Documents differ in the optional keys.
type User struct {
	ID                   int64                 `json:"id"`
	Hash                 string                `json:"hash"`
	Name                 string                `json:"name"`
	FirstName            string                `json:"first_name"`
	LastName             string                `json:"last_name"`
	Email                string                `json:"email"`
	PasswordType         accounts.PasswordType `json:"password_type"`
	PasswordModifiedTime Time                  `json:"password_modified_time"`
	PasswordAge          int                   `json:"password_age"` // days
	PasswordAgeRelative  string                `json:"password_age_relative_time"`
	PasswordUpdate       *bool                 `json:"password_update,omitempty"`
	LoginConfirmation    *bool                 `json:"login_confirmation,omitempty"`
	Language             accounts.Language     `json:"language"`
	Settings             UserSettings          `json:"settings"`
	RegistrationTime     Time                  `json:"registration_time"`
	TermsAcceptedTime    *Time                 `json:"terms_accepted_time"`
	TermsConfirmation    *bool                 `json:"terms_confirmation,omitempty"`
	TermsReconfirmation  *bool                 `json:"terms_reconfirmation,omitempty"`
	Status               accounts.Status       `json:"status"`
	Model                string                `json:"model"`
	Image                *Image                `json:"image"`
	Hubs                 []Hub                 `json:"hubs,omitzero"` // nil: not told
}

// UserSettings are what users set for themselves.
type UserSettings struct {
	Locale       int  `json:"locale"`
	Statefulness bool `json:"statefulness"`
}

func (c Composer) user(a accounts.Account) User {
	u := a.User
	d := User{
		ID:                   u.ID,
		Hash:                 u.Hash,
		Name:                 fullName(u),
		FirstName:            u.FirstName,
		LastName:             u.LastName,
		Email:                u.Email,
		PasswordType:         u.PasswordType,
		PasswordModifiedTime: Time(u.PasswordModifiedTime),
		PasswordAge:          daysSince(u.PasswordModifiedTime, c.Now),
		PasswordAgeRelative:  c.Texts.Relative(c.Language, u.PasswordModifiedTime, c.Now),
		Language:             u.Language,
		Settings:             UserSettings{Locale: u.Locale, Statefulness: u.Statefulness},
		RegistrationTime:     Time(u.RegistrationTime),
		TermsAcceptedTime:    optionalTime(u.TermsAcceptedTime),
		TermsConfirmation:    &u.TermsConfirmation,
		Status:               u.Status,
		Model:                "User",
		Image:                image(u.Image),
		Hubs:                 make([]Hub, 0, len(a.Hubs)),
	}
	for _, h := range a.Hubs {
		d.Hubs = append(d.Hubs, c.hub(h))
	}
	return d
}

// Image is a user's picture, without its bytes.
type Image struct {
	ID               int64  `json:"id"`
	Hash             string `json:"hash"`
	Extension        string `json:"extension"`
	MIME             string `json:"mime"`
	Size             int64  `json:"size"` // bytes
	CreatedTime      Time   `json:"created_time"`
	ModifiedTime     Time   `json:"modified_time"`
	ModifiedUserTime Time   `json:"modified_user_time"`
	Model            string `json:"model"`
}

func image(i *accounts.Image) *Image {
	if i == nil {
		return nil
	}
	return &Image{
		ID: i.ID, Hash: i.Hash, Extension: i.Extension, MIME: i.MIME, Size: i.Size,
		CreatedTime: Time(i.CreatedTime), ModifiedTime: Time(i.ModifiedTime), ModifiedUserTime: Time(i.ModifiedUserTime),
		Model: "Image",
	}
}

// BriefUser is a user as somebody sees them who has only opened a link.
type BriefUser struct {
	ID        int64             `json:"id"`
	Hash      string            `json:"hash"`
	Name      string            `json:"name"`
	FirstName string            `json:"first_name"`
	LastName  string            `json:"last_name"`
	Email     string            `json:"email"`
	Language  accounts.Language `json:"language"`
	Settings  UserSettings      `json:"settings"`
	Status    accounts.Status   `json:"status"`
	Model     string            `json:"model"`
}

func briefUser(u accounts.User) BriefUser {
	return BriefUser{
		ID: u.ID, Hash: u.Hash, Name: fullName(u), FirstName: u.FirstName, LastName: u.LastName, Email: u.Email,
		Language: u.Language, Settings: UserSettings{Locale: u.Locale, Statefulness: u.Statefulness},
		Status: u.Status, Model: "User",
	}
}
