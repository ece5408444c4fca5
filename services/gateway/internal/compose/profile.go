package compose

import "github.com/gatehouse-id/gatehouse/pkg/api/accounts"

// Profile is what somebody says of themselves, by the names of OpenID Connect's
// claims. What is not known is empty.
type Profile struct {
	ID                  int64   `json:"id"`   // of the user
	Hash                string  `json:"hash"` // of the user
	Model               string  `json:"model"`
	MiddleName          string  `json:"middle_name"`
	Nickname            string  `json:"nickname"`
	PreferredUsername   string  `json:"preferred_username"`
	Profile             string  `json:"profile"`
	Picture             string  `json:"picture"`
	Website             string  `json:"website"`
	Gender              string  `json:"gender"`
	Birthdate           string  `json:"birthdate"`
	Zoneinfo            string  `json:"zoneinfo"`
	Locale              string  `json:"locale"`
	PhoneNumber         string  `json:"phone_number"`
	PhoneNumberVerified bool    `json:"phone_number_verified"`
	Address             Address `json:"address"`
	ModifiedTime        Time    `json:"modified_time"`
}

// Address is the address of a profile.
type Address struct {
	Formatted     string `json:"formatted"`
	StreetAddress string `json:"street_address"`
	Locality      string `json:"locality"`
	Region        string `json:"region"`
	PostalCode    string `json:"postal_code"`
	Country       string `json:"country"`
}

// ProfileOf is the document of a profile, the same in every language.
func ProfileOf(p accounts.Profile) Profile {
	return Profile{
		ID: p.User, Hash: p.Hash, Model: "Profile",
		MiddleName: p.MiddleName, Nickname: p.Nickname, PreferredUsername: p.PreferredUsername,
		Profile: p.Profile, Picture: p.Picture, Website: p.Website, Gender: p.Gender, Birthdate: p.Birthdate,
		Zoneinfo: p.Zoneinfo, Locale: p.Locale, PhoneNumber: p.PhoneNumber, PhoneNumberVerified: p.PhoneNumberVerified,
		Address: Address(p.Address), ModifiedTime: Time(p.ModifiedTime),
	}
}
