package portal

import (
	"net/url"
	"strings"
)

// allowed is what a page may do beside the little that all may.
type allowed struct {
	// targets are where its form may lead beside this origin.
	targets []string
	// away tells that its form leads nowhere else than to targets.
	away bool
	// script is the one script of ours that it runs; empty: none.
	script string
	// frames are the origins of the frames in it.
	frames []string
	// calls tells that the script asks this origin for something.
	calls bool
}

// policy is the content security policy of a page: a style sheet and pictures
// of ours, forms to us, and nothing else. No script at all on most, nothing
// inline, no frame around it.
func (a allowed) policy() string {
	self := []string{"'self'"}
	if a.away {
		self = nil
	}
	rules := []string{
		"default-src 'none'",
		"style-src 'self'",
		"img-src 'self'",
		"form-action " + strings.Join(append(self, a.targets...), " "),
		"base-uri 'none'",
		"frame-ancestors 'none'",
	}
	if len(a.frames) > 0 {
		rules = append(rules, "frame-src "+strings.Join(a.frames, " "))
	}
	if a.script != "" {
		rules = append(rules, "script-src 'self'")
	}
	if a.calls {
		rules = append(rules, "connect-src 'self'")
	}
	return strings.Join(rules, "; ")
}

// mailPolicy is that of a mail, which was written for mail programs: styled
// inline, and allowed nothing.
const mailPolicy = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"

// formTargets are where a form may lead that ends with the app at origin.
//
// Browsers hold form-action against every redirect that follows a form, so the
// app's address has to be in it, or the visitor would be stuck on our page. So
// has whatever the app redirects to: many receive the code at one host and go
// on at another, which we cannot know. Hence the scheme and not the host. What
// that gives away is little: these pages contain no form but ours.
func formTargets(origin string) []string {
	u, err := url.Parse(origin)
	if err != nil || u.Scheme == "" {
		return nil
	}
	switch u.Scheme {
	case "https":
		return []string{"https:"}
	case "http":
		return []string{"http:", "https:"}
	}
	return []string{u.Scheme + ":"} // of an app on this device (RFC 8252 section 7.1)
}
