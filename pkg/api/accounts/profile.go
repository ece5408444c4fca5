package accounts

import (
	"context"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
)

// Profiles are what people say of themselves beyond their names, for the apps
// that they let see it: the standard claims of OpenID Connect Core 1.0 section
// 5.1. It is theirs in all hubs, so nobody else reads or writes it, and nobody
// who acts as them.
type Profiles interface {
	// GetProfile gives the actor's own. Forbidden for other members of the actor's
	// hub; NotFound for whoever is none.
	GetProfile(context.Context, MemberRequest) (Profile, error)
	// UpdateProfile changes what is given, and leaves the rest. Invalid names every
	// broken rule. Conflict (fault.modified) if it is not the revision the caller
	// saw.
	UpdateProfile(context.Context, UpdateProfileRequest) (Profile, error)
	// Picture gives a picture by its public name, to anybody who knows that:
	// there is a new one for each picture, and it cannot be guessed. NotFound if
	// there is none, by now, or its user is not active.
	Picture(context.Context, PictureRequest) (ImageContent, error)
}

// Profile is what somebody says of themselves. What is empty is not known.
type Profile struct {
	User       int64  `json:"user"`
	Hash       string `json:"hash"` // the user's
	MiddleName string `json:"middle_name,omitempty"`
	Nickname   string `json:"nickname,omitempty"`
	// PreferredUsername is the user's alias, which is changed with the user.
	PreferredUsername string `json:"preferred_username,omitempty"`
	Profile           string `json:"profile,omitempty"` // URL of a page about them
	Picture           string `json:"picture,omitempty"` // URL of their picture, set as an image
	Website           string `json:"website,omitempty"` // URL
	Gender            string `json:"gender,omitempty"`
	// Birthdate is YYYY-MM-DD, 0000-MM-DD without the year, or YYYY alone.
	Birthdate string `json:"birthdate,omitempty"`
	Zoneinfo  string `json:"zoneinfo,omitempty"` // of the IANA time zone database
	// Locale is a BCP 47 tag; empty: the user's language.
	Locale string `json:"locale,omitempty"`
	// PhoneNumber is in E.164 form. It is verified if it is also the one of the
	// user's confirmed factor; what people only say is not.
	PhoneNumber         string    `json:"phone_number,omitempty"`
	PhoneNumberVerified bool      `json:"phone_number_verified,omitempty"`
	Address             Address   `json:"address"`
	ModifiedTime        time.Time `json:"modified_time"` // of anything that is claimed of the user
}

// Address is a postal address (OpenID Connect Core 1.0 section 5.1.1). The first
// two may have several lines, separated by LF.
type Address struct {
	Formatted     string `json:"formatted,omitempty"`
	StreetAddress string `json:"street_address,omitempty"`
	Locality      string `json:"locality,omitempty"`
	Region        string `json:"region,omitempty"`
	PostalCode    string `json:"postal_code,omitempty"`
	Country       string `json:"country,omitempty"`
}

// UpdateProfileRequest changes a profile; what is nil stays, and what is empty is
// taken away.
type UpdateProfileRequest struct {
	Actor    api.Actor  `json:"actor"`
	Member   api.Ref    `json:"member"`
	Revision *time.Time `json:"revision,omitempty"` // the ModifiedTime the caller saw; nil: any

	MiddleName  *string       `json:"middle_name,omitempty"`
	Nickname    *string       `json:"nickname,omitempty"`
	Profile     *string       `json:"profile,omitempty"`
	Website     *string       `json:"website,omitempty"`
	Gender      *string       `json:"gender,omitempty"`
	Birthdate   *string       `json:"birthdate,omitempty"`
	Zoneinfo    *string       `json:"zoneinfo,omitempty"`
	Locale      *string       `json:"locale,omitempty"`
	PhoneNumber *string       `json:"phone_number,omitempty"`
	Address     AddressChange `json:"address"`
}

// AddressChange changes an address; what is nil stays.
type AddressChange struct {
	Formatted     *string `json:"formatted,omitempty"`
	StreetAddress *string `json:"street_address,omitempty"`
	Locality      *string `json:"locality,omitempty"`
	Region        *string `json:"region,omitempty"`
	PostalCode    *string `json:"postal_code,omitempty"`
	Country       *string `json:"country,omitempty"`
}

// PictureRequest names a picture publicly.
type PictureRequest struct {
	Name string `json:"name"`
}
