package portal

import (
	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
)

// profilePath is where people say what apps may see of them beside their names.
const profilePath = "/account/profile"

// statement is one thing that people say of themselves.
type statement struct {
	field

	hint   string // the text that explains it, if it needs one
	value  func(*accounts.Profile) *string
	change func(*accounts.UpdateProfileRequest) **string
}

// statements are the fields of the form, in their order.
func statements() []statement {
	type (
		profile = accounts.Profile
		update  = accounts.UpdateProfileRequest
	)
	return []statement{
		{field{Name: "nickname", Autocomplete: "nickname"}, "", func(p *profile) *string { return &p.Nickname }, func(u *update) **string { return &u.Nickname }},
		{field{Name: "middle_name", Autocomplete: "additional-name"}, "", func(p *profile) *string { return &p.MiddleName }, func(u *update) **string { return &u.MiddleName }},
		{field{Name: "gender", Autocomplete: "sex"}, "", func(p *profile) *string { return &p.Gender }, func(u *update) **string { return &u.Gender }},
		{field{Name: "birthdate", Autocomplete: "bday", Identifier: true}, "page.profile.birthdate_hint", func(p *profile) *string { return &p.Birthdate }, func(u *update) **string { return &u.Birthdate }},
		{field{Name: "website", Type: "url", Autocomplete: "url"}, "page.profile.website_hint", func(p *profile) *string { return &p.Website }, func(u *update) **string { return &u.Website }},
		{field{Name: "profile", Type: "url", Autocomplete: "off"}, "page.profile.profile_hint", func(p *profile) *string { return &p.Profile }, func(u *update) **string { return &u.Profile }},
		{field{Name: "zoneinfo", Autocomplete: "off", Identifier: true}, "page.profile.zoneinfo_hint", func(p *profile) *string { return &p.Zoneinfo }, func(u *update) **string { return &u.Zoneinfo }},
		{field{Name: "locale", Autocomplete: "language", Identifier: true}, "page.profile.locale_hint", func(p *profile) *string { return &p.Locale }, func(u *update) **string { return &u.Locale }},
		{field{Name: "phone_number", Type: "tel", Autocomplete: "tel"}, "page.profile.phone_hint", func(p *profile) *string { return &p.PhoneNumber }, func(u *update) **string { return &u.PhoneNumber }},
		{field{Name: "address.street_address", Autocomplete: "street-address", Lines: 2}, "", func(p *profile) *string { return &p.Address.StreetAddress }, func(u *update) **string { return &u.Address.StreetAddress }},
		{field{Name: "address.postal_code", Autocomplete: "postal-code"}, "", func(p *profile) *string { return &p.Address.PostalCode }, func(u *update) **string { return &u.Address.PostalCode }},
		{field{Name: "address.locality", Autocomplete: "address-level2"}, "", func(p *profile) *string { return &p.Address.Locality }, func(u *update) **string { return &u.Address.Locality }},
		{field{Name: "address.region", Autocomplete: "address-level1"}, "", func(p *profile) *string { return &p.Address.Region }, func(u *update) **string { return &u.Address.Region }},
		{field{Name: "address.country", Autocomplete: "country-name"}, "", func(p *profile) *string { return &p.Address.Country }, func(u *update) **string { return &u.Address.Country }},
		{field{Name: "address.formatted", Lines: 4}, "page.profile.address.formatted_hint", func(p *profile) *string { return &p.Address.Formatted }, func(u *update) **string { return &u.Address.Formatted }},
	}
}

// showProfile is the form with what is known by now.
func (p *Portal) showProfile(v *visit) error {
	caller, in, err := v.signedIn()
	if err != nil {
		return err
	}
	if !in {
		return v.see("/login")
	}
	known, err := p.deps.Accounts.GetProfile(v.r.Context(), accounts.MemberRequest{
		Actor: caller.Actor(), Member: api.Ref{Hash: caller.Session.UserHash},
	})
	if err != nil {
		return err
	}
	shown := v.profilePage(func(s statement) string { return *s.value(&known) })
	if v.query.Get("saved") != "" {
		shown.Data = plain{Status: v.text("page.profile.saved"), Text: v.text("page.profile.text"), After: v.profileAfter()}
	}
	return v.ok("plain", shown)
}

// changeProfile takes the fields that the form has sent; what it lacks stays.
func (p *Portal) changeProfile(v *visit) error {
	caller, in, err := v.signedIn()
	if err != nil {
		return err
	}
	if !in {
		return v.see("/login")
	}
	r := accounts.UpdateProfileRequest{Actor: caller.Actor(), Member: api.Ref{Hash: caller.Session.UserHash}}
	for _, s := range statements() {
		if v.form.Has(s.Name) {
			value := v.form.Get(s.Name)
			*s.change(&r) = &value
		}
	}
	if _, err := p.deps.Accounts.UpdateProfile(v.r.Context(), r); err != nil {
		return v.again(err, "plain", v.profilePage(func(s statement) string { return v.form.Get(s.Name) }))
	}
	return v.see(with(profilePath, "saved", "1"))
}

func (v *visit) profileAfter() []aside {
	return []aside{{Link: link{"/", v.text("page.security.back")}}}
}

// profilePage is the form with a value in each field.
func (v *visit) profilePage(value func(statement) string) page {
	var fields []field
	for _, s := range statements() {
		f := s.field
		f.Label, f.Value, f.Optional = v.text("page.profile."+s.Name), value(s), true
		if s.hint != "" {
			f.Hint = v.text(s.hint)
		}
		fields = append(fields, f)
	}
	return page{
		Title: v.text("page.profile.title"),
		Data:  plain{Text: v.text("page.profile.text"), After: v.profileAfter()},
		Form:  &form{Action: profilePath, Submit: v.text("page.profile.submit"), Fields: fields},
	}
}
