// Package oauth is the contract of the oauth service, which owns clients,
// consents, grants, tokens and their keys. Its public endpoints are plain HTTP
// (RFC 6749 and OpenID Connect); what needs a person in front of a browser is
// here, because only the edge knows the browser's session.
package oauth

import "time"

// Login is the session of the browser that makes an authorization request.
type Login struct {
	Subject string `json:"subject"` // the user's hash
	Session string `json:"session"` // the session's hash, for sid
	Hub     *int64 `json:"hub,omitempty"`
	// ProviderHub is the hub for which alone the session counts: its own provider
	// opened it. No client sees it but those of that hub.
	ProviderHub       *int64    `json:"provider_hub,omitempty"`
	Methods           []string  `json:"methods"` // amr
	AuthenticatedTime time.Time `json:"authenticated_time"`
}

// CountsFor tells whether the login proves anything to a client.
func (l Login) CountsFor(c Client) bool {
	return l.ProviderHub == nil || c.Hub != nil && *c.Hub == *l.ProviderHub
}

// AuthorizeRequest is an authorization request (RFC 6749 section 4.1.1) as it
// reached the authorization endpoint.
type AuthorizeRequest struct {
	Form  map[string][]string `json:"form"`            // query or body parameters, as sent
	Login *Login              `json:"login,omitempty"` // nil: nobody is logged in
}

// ResumeRequest goes on with an authorization request that had to wait for its
// user.
type ResumeRequest struct {
	ID       string    `json:"id"`
	Login    *Login    `json:"login,omitempty"`
	Decision *Decision `json:"decision,omitempty"` // nil: not asked yet
	// Selected says that the user picked this login's account when asked to
	// (PromptSelectAccount). A new login says so by itself.
	Selected bool `json:"selected,omitempty"`
	// Unable says that the user cannot do what PromptStepUp or PromptHub asks.
	Unable bool `json:"unable,omitempty"`
}

// Decision is the user's answer on the consent page.
type Decision struct {
	Allow bool `json:"allow"`
}

// Authorization says how an authorization request goes on. Exactly one field
// is set.
type Authorization struct {
	// Redirect sends the browser back to the relying party, with a code or an
	// error.
	Redirect string `json:"redirect,omitempty"`
	// Post does the same with a form (OAuth 2.0 Form Post Response Mode).
	Post *FormPost `json:"post,omitempty"`
	// Ask: with an error, Redirect or Post leads to an app that registered by
	// itself and that the user has not allowed anything. Nobody has vetted where it
	// leads, so that the user has to say whether to go there (RFC 9700 section 4.11.2).
	Ask *Stranger `json:"ask,omitempty"`
	// Login asks the user to log in, then to resume.
	Login *Interaction `json:"login,omitempty"`
	// Consent asks the user for permission, then to resume.
	Consent *Interaction `json:"consent,omitempty"`
	// Problem is an error that must not be sent to an unproved redirect URI;
	// the user sees it instead.
	Problem *Problem `json:"problem,omitempty"`
}

// Stranger is an app that nobody has vetted.
type Stranger struct {
	Client     Client `json:"client"`
	RedirectTo string `json:"redirect_to"` // origin of where it leads, to show
}

// What an interaction asks of the user, as OpenID Connect Core 1.0 section
// 3.1.2.1 names it.
const (
	// PromptLogin: the user has to prove who they are, even if logged in.
	PromptLogin = "login"
	// PromptSelectAccount: the user may go on with the present login, if that
	// is the account they mean (ResumeRequest.Selected), or log in anew.
	PromptSelectAccount = "select_account"
	// PromptCreate: the user wants to register (Initiating User Registration via
	// OpenID Connect 1.0). A login in its place will do.
	PromptCreate = "create"
	// PromptConsent: the user has to allow or to deny.
	PromptConsent = "consent"
	// PromptStepUp: the login is good but too weak; the user has to prove more,
	// up to Interaction.ACR. Not a prompt of an app's.
	PromptStepUp = "step_up"
	// PromptHub: the session has to change to Interaction.Hub, which the client
	// belongs to. Not a prompt of an app's.
	PromptHub = "hub"
)

// The authentication context classes, the weaker first.
const (
	ACRPassword = "urn:gatehouse:acr:1"   // one factor
	ACRMultiple = "urn:gatehouse:acr:2"   // two factors
	ACRPhishing = "urn:gatehouse:acr:phr" // phishing resistant: a passkey
)

// Interaction is an authorization request that waits for its user.
type Interaction struct {
	ID         string   `json:"id"`     // names the request when resuming; 1 hour
	Prompt     string   `json:"prompt"` // what is asked of the user; empty in Pending's answer
	Client     Client   `json:"client"`
	Scopes     []string `json:"scopes"`
	LoginHint  string   `json:"login_hint,omitempty"`
	UILocales  string   `json:"ui_locales,omitempty"`
	RedirectTo string   `json:"redirect_to"` // origin of the redirect URI, to show
	// ACR is what PromptStepUp asks for; Hub what PromptHub does. They are there
	// with the other prompts as well, so that a login can be right at once.
	ACR string `json:"acr,omitempty"`
	Hub *int64 `json:"hub,omitempty"`
}

// FormPost is a form that the browser has to send.
type FormPost struct {
	Action string            `json:"action"` // the redirect URI
	Fields map[string]string `json:"fields"`
}

// Problem is an OAuth error to show (RFC 6749 section 4.1.2.1).
type Problem struct {
	Code        string `json:"code"`
	Description string `json:"description"`
}

// PendingRequest asks for a waiting authorization request.
type PendingRequest struct {
	ID string `json:"id"`
}
