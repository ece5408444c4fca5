package portal

import (
	"net/url"
	"strings"
)

// policy is the content security policy of a page: a style sheet and pictures
// of ours, forms to us, and nothing else. No script at all, nothing inline, no
// frame around it.
func policy(formTargets ...string) string {
	return strings.Join([]string{
		"default-src 'none'",
		"style-src 'self'",
		"img-src 'self'",
		"form-action " + strings.Join(append([]string{"'self'"}, formTargets...), " "),
		"base-uri 'none'",
		"frame-ancestors 'none'",
	}, "; ")
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
