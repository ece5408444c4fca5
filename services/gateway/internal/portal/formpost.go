package portal

import (
	"html/template"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
)

// postPage is a form to an app.
type postPage struct {
	// Action is registered by the app, and checked: html/template would only let
	// web addresses through.
	Action template.URL
	Fields []hidden
}

// post sends the browser to an app with a form (OAuth 2.0 Form Post Response
// Mode 1.0). A script submits it at once; where there is none, a button does.
func (v *visit) post(to oauth.FormPost) error {
	if err := mayLeaveFor(to.Action); err != nil {
		return err
	}
	v.allowed = allowed{targets: formTargets(to.Action), away: true, script: "submit.js"}
	return v.ok("post", page{Title: v.text("page.post.title"), Data: postTo(to)})
}
