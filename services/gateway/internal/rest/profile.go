package rest

import (
	"bytes"
	"net/http"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/compose"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/envelope"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/jsonbody"
)

// profile is GET /v1/user/{user}/profile.
func (a *API) profile(_ http.ResponseWriter, r *http.Request) (reply, error) {
	_, in, err := memberRequest(r)
	if err != nil {
		return reply{}, err
	}
	found, err := a.deps.Accounts.GetProfile(r.Context(), in)
	if err != nil {
		return reply{}, err
	}
	return ok(compose.ProfileOf(found)), nil
}

// updateProfile is PUT /v1/user/{user}/profile.
func (a *API) updateProfile(_ http.ResponseWriter, r *http.Request) (reply, error) {
	_, named, err := memberRequest(r)
	if err != nil {
		return reply{}, err
	}
	body, err := jsonbody.Read(r)
	if err != nil {
		return reply{}, err
	}
	in := profileChange(body)
	in.Actor, in.Member = named.Actor, named.Member
	if err := body.Err(); err != nil {
		return reply{}, err
	}
	if envelope.Conditional(r) {
		current, err := a.deps.Accounts.GetProfile(r.Context(), named)
		if err != nil {
			return reply{}, err
		}
		if err := unchanged(r, compose.ProfileOf(current)); err != nil {
			return reply{}, err
		}
		in.Revision = &current.ModifiedTime
	}
	updated, err := a.deps.Accounts.UpdateProfile(r.Context(), in)
	if err != nil {
		return reply{}, modified(r, err)
	}
	return ok(compose.ProfileOf(updated)), nil
}

// profileChange reads what to change. Null and "" take something away; a whole
// address is taken away by null.
func profileChange(body *jsonbody.Object) accounts.UpdateProfileRequest {
	in := accounts.UpdateProfileRequest{
		MiddleName:  body.ClearableString("middle_name"),
		Nickname:    body.ClearableString("nickname"),
		Profile:     body.ClearableString("profile"),
		Website:     body.ClearableString("website"),
		Gender:      body.ClearableString("gender"),
		Birthdate:   body.ClearableString("birthdate"),
		Zoneinfo:    body.ClearableString("zoneinfo"),
		Locale:      body.ClearableString("locale"),
		PhoneNumber: body.ClearableString("phone_number"),
	}
	if body.Null("address") {
		none := new(string)
		in.Address = accounts.AddressChange{
			Formatted: none, StreetAddress: none, Locality: none, Region: none, PostalCode: none, Country: none,
		}
		return in
	}
	if address := body.Object("address"); address != nil {
		in.Address = accounts.AddressChange{
			Formatted:     address.ClearableString("formatted"),
			StreetAddress: address.ClearableString("street_address"),
			Locality:      address.ClearableString("locality"),
			Region:        address.ClearableString("region"),
			PostalCode:    address.ClearableString("postal_code"),
			Country:       address.ClearableString("country"),
		}
		body.Within("address", address)
	}
	return in
}

// pictureAge is how long others may keep a picture, in seconds. Each has a name
// of its own, so it only bounds how long one is seen that was taken away.
const pictureAge = "3600"

// Picture is GET /picture/{name}: the bytes, for anybody who knows the name.
func (a *API) Picture() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		content, err := a.deps.Accounts.Picture(r.Context(), accounts.PictureRequest{Name: r.PathValue("name")})
		if err != nil {
			a.write.Fail(w, r, err)
			return
		}
		h := w.Header()
		h.Set("Content-Type", content.Image.MIME)
		h.Set("Cache-Control", "public, max-age="+pictureAge)
		// Apps show it on pages of their own.
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		h.Set("X-Robots-Tag", "noindex")
		h.Set("ETag", `"`+envelope.Hash(content.Data)+`"`)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content.Data))
	})
}
