package authorize

import (
	"slices"
	"strings"

	"github.com/ory/fosite"
)

// The response modes (OAuth 2.0 Multiple Response Type Encoding Practices 1.0,
// OAuth 2.0 Form Post Response Mode 1.0).
const (
	ModeQuery    = "query"
	ModeFragment = "fragment"
	ModeFormPost = "form_post"
)

// Modes lists the response modes that are offered.
func Modes() []string { return []string{ModeQuery, ModeFragment, ModeFormPost} }

// ResponseTypes lists the response types that are offered; all but code only to
// clients that have registered them.
func ResponseTypes() []string { return []string{"code", "code id_token"} }

var errMode = fosite.ErrInvalidRequest.WithDescription("The response_mode is not known, or not possible here.").WithHint("")

// modeOf is how the answer to a request travels, in case of errors too: as it
// asks for, or by the default of its response type. The latter goes with an
// error if what it asks for cannot be: tokens do not travel in queries, which
// logs keep, and a form cannot be posted to an app's own scheme.
func modeOf(responseType, asked, redirectURI string) (string, error) {
	mode := ModeQuery
	types := strings.Fields(responseType)
	if slices.Contains(types, "id_token") || slices.Contains(types, "token") {
		mode = ModeFragment
	}
	switch {
	case asked == "" || asked == mode:
		return mode, nil
	case !slices.Contains(Modes(), asked),
		asked == ModeQuery && mode == ModeFragment,
		asked == ModeFormPost && !strings.HasPrefix(redirectURI, "https:") && !strings.HasPrefix(redirectURI, "http:"):
		return mode, errMode
	}
	return asked, nil
}
