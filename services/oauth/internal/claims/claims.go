package claims

import (
	"maps"
	"slices"
	"strings"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/grant"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/scope"
)

// byScope are the claims of each scope (OpenID Connect Core 1.0 section 5.4).
var byScope = []struct {
	scope  string
	claims []string
}{
	{scope.Profile, append(slices.Clone(narrowProfile),
		"middle_name", "nickname", "profile", picture, "website", "gender", "birthdate", "zoneinfo")},
	{scope.Email, []string{"email", "email_verified"}},
	{scope.Phone, []string{phoneNumber, "phone_number_verified"}},
	{scope.Address, []string{address}},
	{scope.Hub, []string{"hub"}},
}

// narrowProfile is what the account itself knows.
var narrowProfile = []string{"name", "given_name", "family_name", "preferred_username", "locale", "updated_at"}

const (
	phoneNumber = "phone_number"
	address     = "address"
	picture     = "picture"
)

// protocol are the claims of ID tokens that are not about what a user is called.
var protocol = []string{
	"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid", "at_hash", "c_hash", "s_hash",
}

// Names lists all claims of ID tokens and UserInfo, for discovery.
func Names() []string {
	names := slices.Clone(protocol)
	for _, s := range byScope {
		names = append(names, s.claims...)
	}
	return names
}

// Hub is the hub the user's session was in. Roles and features are those of
// the JSON API.
type Hub struct {
	Hash     string            `json:"hash"`
	Name     string            `json:"name"`
	Role     accounts.Role     `json:"role"`
	Features accounts.Features `json:"features"`
}

// OfScopes names the claims that the scopes stand for.
func OfScopes(scopes []string) []string {
	var names []string
	for _, s := range byScope {
		if slices.Contains(scopes, s.scope) {
			names = append(names, s.claims...)
		}
	}
	return names
}

// OfGrant are those of the names that the grant tells of, and what the accounts
// service has to tell for that. What was granted before users said anything of
// themselves tells nothing of it, nor does a login that counts for one hub alone:
// a number is then the one of the user's factor.
func OfGrant(g *grant.Grant, names []string) ([]string, accounts.ClaimsRequest) {
	d := g.Details
	if d.ProviderHub != nil {
		names = scope.Both(names, OfScopes(scope.Confined(scope.User())))
	}
	wide := d.ProviderHub == nil && d.Meaning >= scope.Meaning
	if !wide {
		names = slices.DeleteFunc(slices.Clone(names), Said)
	}
	phone := slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, phoneNumber) })
	said := slices.ContainsFunc(names, func(n string) bool { return n != "hub" && !strings.HasPrefix(n, "email") })
	return names, accounts.ClaimsRequest{Subject: g.Subject, Hub: d.Hub, Phone: phone, Profile: wide && said}
}

// Said tells whether it is only users themselves who say what the claim of that
// name is.
func Said(name string) bool {
	return name == address || slices.Contains(OfScopes([]string{scope.Profile}), name) && !slices.Contains(narrowProfile, name)
}

// Select takes from an account the claims of those names. One that is not known,
// or has no value, is left out.
func Select(a accounts.Account, names []string) map[string]any {
	selected := map[string]any{}
	for name, value := range values(a) {
		if value != nil && value != "" && slices.Contains(names, name) {
			selected[name] = value
		}
	}
	return selected
}

// values are all claims of a user. A user without a number, or in no hub, has
// none of the claims about it.
func values(a accounts.Account) map[string]any {
	u := a.User
	all := map[string]any{
		"name": strings.TrimSpace(u.FirstName + " " + u.LastName), "given_name": u.FirstName, "family_name": u.LastName,
		"preferred_username": u.Alias, "locale": locale(u.Language), "updated_at": u.ModifiedTime.Unix(),
		"email": u.Email, "email_verified": u.EmailVerified,
	}
	if a.Phone != "" {
		all[phoneNumber], all["phone_number_verified"] = a.Phone, true
	}
	if a.Profile != nil {
		say(all, *a.Profile)
	}
	if a.Hub != nil {
		all["hub"] = Hub{Hash: a.Hub.Hash, Name: a.Hub.Name, Role: a.Role, Features: a.Features}
	}
	return all
}

// say adds what users say of themselves, which goes before what is known
// otherwise: a number for codes need not be the one to be called at.
func say(all map[string]any, p accounts.Profile) {
	maps.Copy(all, map[string]any{
		"middle_name": p.MiddleName, "nickname": p.Nickname, "profile": p.Profile, picture: p.Picture, "website": p.Website,
		"gender": p.Gender, "birthdate": p.Birthdate, "zoneinfo": p.Zoneinfo, "updated_at": p.ModifiedTime.Unix(),
	})
	if p.Locale != "" {
		all["locale"] = p.Locale
	}
	if p.PhoneNumber != "" {
		all[phoneNumber], all["phone_number_verified"] = p.PhoneNumber, p.PhoneNumberVerified
	}
	if p.Address != (accounts.Address{}) {
		all[address] = p.Address // whose empty members are left out
	}
}

func locale(l accounts.Language) string {
	if l == accounts.German {
		return "de"
	}
	return "en"
}
