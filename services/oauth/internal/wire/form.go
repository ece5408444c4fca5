// Package wire reads requests to the public endpoints and writes their
// answers: the parts that RFC 6749 asks of every endpoint alike.
package wire

import (
	"errors"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ory/fosite"
)

// MaxBody bounds a request's body, in bytes.
const MaxBody = 64 << 10

// ErrTooLarge says that a body has more than [MaxBody] bytes.
var ErrTooLarge = &fosite.RFC6749Error{
	ErrorField:       "invalid_request",
	DescriptionField: "The request body is too large.",
	CodeField:        http.StatusRequestEntityTooLarge,
}

var errRequest = fosite.ErrInvalidRequest.WithDescription("The request is malformed.")

// ReadForm reads the parameters of a POST request. They come in the body and
// nowhere else, each at most once (RFC 6749 section 3.2) but for the repeatable
// ones. Parameters without a value count as not sent. The request's own forms
// are set for fosite.
func ReadForm(w http.ResponseWriter, r *http.Request, repeatable ...string) (url.Values, error) {
	if mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil ||
		mediaType != "application/x-www-form-urlencoded" {
		return nil, errRequest.WithHint("The body must be application/x-www-form-urlencoded.")
	}
	if r.URL.RawQuery != "" {
		return nil, errRequest.WithHint("Parameters belong into the body, not into the URL.")
	}
	r.Body = http.MaxBytesReader(w, r.Body, MaxBody)
	if err := r.ParseForm(); err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return nil, ErrTooLarge
		}
		return nil, errRequest.WithHint("The body is not form-encoded.")
	}
	form, err := Normalize(r.PostForm, repeatable...)
	if err != nil {
		return nil, err
	}
	r.PostForm, r.Form = form, form
	return form, nil
}

// Normalize drops parameters without a value and refuses those that are
// repeated, unless they are repeatable, or are not text.
func Normalize(form url.Values, repeatable ...string) (url.Values, error) {
	if !Text(form) {
		return nil, errRequest.WithHint("Parameters must be UTF-8 text.")
	}
	if name := Repeated(form, repeatable...); name != "" {
		return nil, errRequest.WithHint("A parameter is repeated.")
	}
	clean := url.Values{}
	for name, values := range form {
		for _, value := range values {
			if value != "" {
				clean.Add(name, value)
			}
		}
	}
	return clean, nil
}

// Repeated names a parameter that occurs more than once and is not among the
// repeatable ones, "" if none does.
func Repeated(form url.Values, repeatable ...string) string {
	for name, values := range form {
		if len(values) > 1 && !slices.Contains(repeatable, name) {
			return name
		}
	}
	return ""
}

// Text tells whether all of the form is UTF-8 without NUL, which PostgreSQL
// could not store.
func Text(form url.Values) bool {
	for name, values := range form {
		for _, s := range append([]string{name}, values...) {
			if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
				return false
			}
		}
	}
	return true
}
