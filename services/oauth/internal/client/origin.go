package client

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"github.com/ory/fosite"
)

var errOrigin = &fosite.RFC6749Error{
	ErrorField:       "invalid_request",
	DescriptionField: "The client does not allow requests from pages of that origin.",
	CodeField:        http.StatusForbidden,
}

// CheckOrigin refuses what a page of another origin sends than those that the
// client allows. A client that names none allows all, and what is not from a
// page has no origin.
func CheckOrigin(c *Client, r *http.Request) error {
	if origin := r.Header.Get("Origin"); origin == "" || len(c.Origins) == 0 || slices.Contains(c.Origins, origin) {
		return nil
	}
	return errOrigin
}

// FromAllowedOrigins is next with [CheckOrigin].
func FromAllowedOrigins(next fosite.ClientAuthenticationStrategy) fosite.ClientAuthenticationStrategy {
	return func(ctx context.Context, r *http.Request, form url.Values) (fosite.Client, error) {
		found, err := next(ctx, r, form)
		if err != nil {
			return nil, err
		}
		if err := CheckOrigin(Of(found), r); err != nil {
			return nil, err
		}
		return found, nil
	}
}
