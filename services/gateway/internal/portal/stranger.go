package portal

import (
	"html/template"
	"maps"
	"slices"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
)

// stranger is an app that nobody has vetted.
type stranger struct{ App, Host string }

func (v *visit) stranger(s oauth.Stranger) stranger {
	return stranger{App: shorten(appName(s.Client), maxShownName), Host: s.RedirectTo}
}

// strangerPage asks whether to go to an app.
type strangerPage struct {
	plain

	Stranger *stranger
	// Next leads there, or Post does.
	Next *onward
	Post *postPage
}

// askToLeave shows where an error would lead that an app has brought about which
// nobody has vetted and the user does not know. By itself the browser goes
// nowhere: links of ours would lead wherever somebody registers (RFC 9700 section
// 4.11.2).
func (v *visit) askToLeave(a oauth.Authorization) error {
	asked := v.stranger(*a.Ask)
	data := strangerPage{plain: plain{Text: v.text("page.stranger.text")}, Stranger: &asked}
	if a.Post != nil {
		if err := mayLeaveFor(a.Post.Action); err != nil {
			return err
		}
		post := postTo(*a.Post)
		data.Post = &post
		v.allowed = allowed{targets: formTargets(a.Post.Action), away: true}
	} else {
		if err := mayLeaveFor(a.Redirect); err != nil {
			return err
		}
		data.Next = &onward{template.URL(a.Redirect), v.text("page.stranger.go")} //nolint:gosec // G203: in an attribute, where it is escaped, and of a scheme that may be.
	}
	v.page = "" // the request has been answered
	return v.ok("stranger", page{Title: v.text("page.stranger.title"), Data: data})
}

// postTo is a form to an app.
func postTo(to oauth.FormPost) postPage {
	data := postPage{Action: template.URL(to.Action)} //nolint:gosec // G203: in an attribute, where it is escaped, and of a scheme that may be.
	for _, name := range slices.Sorted(maps.Keys(to.Fields)) {
		data.Fields = append(data.Fields, hidden{name, to.Fields[name]})
	}
	return data
}
