package claims

import (
	"slices"
	"strings"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/scope"
)

// byScope are the claims of each scope. No address of a user is known, so that
// scope stands for nothing.
var byScope = []struct {
	scope  string
	claims []string
}{
	{scope.Profile, []string{"name", "given_name", "family_name", "preferred_username", "locale", "updated_at"}},
	{scope.Email, []string{"email", "email_verified"}},
	{scope.Phone, []string{phoneNumber, "phone_number_verified"}},
	{scope.Hub, []string{"hub"}},
}

const phoneNumber = "phone_number"

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

// NeedPhone tells whether the user's number is among the claims.
func NeedPhone(names []string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, phoneNumber) })
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
	if a.Hub != nil {
		all["hub"] = Hub{Hash: a.Hub.Hash, Name: a.Hub.Name, Role: a.Role, Features: a.Features}
	}
	return all
}

func locale(l accounts.Language) string {
	if l == accounts.German {
		return "de"
	}
	return "en"
}
