// Package resource reads resource indicators: which APIs a token is to be for
// (RFC 8707).
package resource

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/ory/fosite"
)

// Parameter names a resource; it is the one that may be repeated.
const Parameter = "resource"

// ErrTarget is invalid_target (RFC 8707 section 2).
var ErrTarget = &fosite.RFC6749Error{
	ErrorField:       "invalid_target",
	DescriptionField: "The resource is unknown, or not one that the client may have tokens for.",
	CodeField:        http.StatusBadRequest,
}

// maxResources bounds what a request names, and so the size of tokens.
const maxResources = 20

// Valid tells whether s can name a resource: an absolute URI without a fragment.
// Like all URIs it has no spaces, so that lists of them are told apart.
func Valid(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.IsAbs() && (u.Host != "" || u.Opaque != "") && u.Fragment == "" && len(s) <= 500 &&
		s[len(s)-1] != '#' && printable(s)
}

// Asked are the resources that the form names, each once; nil if it names none.
// All have to be among the allowed ones, or the error is [ErrTarget].
func Asked(form url.Values, allowed []string) ([]string, error) {
	var asked []string
	for _, name := range form[Parameter] {
		switch {
		case name == "" || slices.Contains(asked, name):
			continue
		case !Valid(name):
			return nil, ErrTarget.WithHint("A resource must be an absolute URI without a fragment.")
		case !slices.Contains(allowed, name) || len(asked) == maxResources:
			return nil, ErrTarget
		}
		asked = append(asked, name)
	}
	return asked, nil
}

// Narrowed are the resources that the form names, or else all that were granted.
func Narrowed(form url.Values, granted []string) ([]string, error) {
	asked, err := Asked(form, granted)
	if err != nil || asked != nil {
		return asked, err
	}
	return granted, nil
}
