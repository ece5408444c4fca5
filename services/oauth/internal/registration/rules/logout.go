package rules

import (
	"net/url"
	"slices"
)

// logout looks at where the client hears that a session has ended. The front
// channel is a frame of the client's own site (OpenID Connect Front-Channel
// Logout 1.0 section 2).
func (k *check) logout() {
	address := k.c.FrontchannelLogoutURI
	if address == "" || !k.fine("frontchannel_logout_uri") {
		return
	}
	u, err := url.Parse(address)
	if err != nil || !onWeb(address) || u.Fragment != "" {
		k.add("frontchannel_logout_uri", "validation.client_address", "Value", shown(address))
		return
	}
	if !slices.ContainsFunc(k.c.RedirectURIs, func(uri string) bool { return sameSite(u, uri) }) {
		k.add("frontchannel_logout_uri", "validation.client_frontchannel", "Value", shown(address))
	}
}

func sameSite(u *url.URL, uri string) bool {
	other, err := url.Parse(uri)
	return err == nil && u.Scheme == other.Scheme && u.Host == other.Host
}
