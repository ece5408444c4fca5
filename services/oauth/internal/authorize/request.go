package authorize

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/pkce"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/redirect"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/resource"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/scope"
)

// Request is an authorization request.
type Request struct {
	Client      *client.Client
	RedirectURI string // proven: it is the client's
	State       string
	Scopes      []string
	// Revealed is what the user has to allow: the scopes, and those that stand for
	// claims which the request names by themselves.
	Revealed []string
	// namesSaid: it names claims that only users themselves say what they are.
	namesSaid bool
	Prompts   []string
	// MaxAge bounds the age of the login; nil if the request does not.
	MaxAge *time.Duration
	// HintedSubject is whom the ID token hint was about, "" without one.
	HintedSubject string

	Resources []string // RFC 8707

	// stranger tells that nobody has vetted the client and that the user has not
	// had to do with it.
	stranger bool

	form   url.Values // every known parameter
	source source
	mode   string
	claims json.RawMessage // as sent, nil without
	demand demand
	fosite *fosite.AuthorizeRequest
}

const (
	promptNone  = "none"
	maxAgeLimit = 10 * 365 * 24 * time.Hour
)

// fill reads what fosite does not, or not well enough.
func (r *Request) fill() error {
	if r.Scopes = r.scopes(); len(r.Scopes) == 0 {
		return fosite.ErrInvalidScope.WithHint("The request asks for no scope.")
	}
	if err := r.checkHybrid(); err != nil {
		return err
	}
	if err := r.checkChallenge(); err != nil {
		return err
	}
	if _, err := modeOf(r.form.Get("response_type"), r.form.Get("response_mode"), r.RedirectURI); err != nil {
		return err
	}
	if err := r.readPrompts(); err != nil {
		return err
	}
	if err := r.readMaxAge(); err != nil {
		return err
	}
	if err := r.readClaims(); err != nil {
		return err
	}
	return r.readBindings()
}

// scopes are what the request asks for. Offline access means nothing to a
// client that cannot refresh, and is left out (OpenID Connect Core 1.0 section
// 11).
func (r *Request) scopes() []string {
	asked := scope.Parse(r.form.Get("scope"))
	if !r.Client.May(client.RefreshToken) {
		asked = slices.DeleteFunc(asked, func(s string) bool { return s == scope.OfflineAccess })
	}
	return asked
}

// checkHybrid demands what an ID token beside the code needs (OpenID Connect Core
// 1.0 section 3.3.2.11).
func (r *Request) checkHybrid() error {
	if !slices.Contains(strings.Fields(r.form.Get("response_type")), "id_token") {
		return nil
	}
	switch {
	case !slices.Contains(r.Scopes, scope.OpenID):
		return fosite.ErrInvalidRequest.WithHint("An ID token is asked for without the scope openid.")
	case r.form.Get("nonce") == "":
		return fosite.ErrInvalidRequest.WithHint("An ID token is asked for without a nonce.")
	}
	return nil
}

// checkChallenge demands a proof key, with S256, of everybody who was not
// exempted. Who was exempted may send one all the same.
func (r *Request) checkChallenge() error {
	challenge, method := r.form.Get("code_challenge"), r.form.Get("code_challenge_method")
	switch {
	case challenge == "" && method != "":
		return fosite.ErrInvalidRequest.WithHint("There is a code_challenge_method without a code_challenge.")
	case challenge == "" && r.Client.PKCEOptional && !r.Client.Public() && !r.Client.FAPI():
		return nil
	case challenge == "":
		return fosite.ErrInvalidRequest.WithHint("The code_challenge is missing (RFC 7636).")
	case method != pkce.Method:
		return fosite.ErrInvalidRequest.WithHint("The code_challenge_method must be S256.")
	case !pkce.ValidChallenge(challenge):
		return fosite.ErrInvalidRequest.WithHint("The code_challenge is not a SHA-256 in base64url.")
	}
	return nil
}

func (r *Request) readPrompts() error {
	r.Prompts = scope.Parse(r.form.Get("prompt"))
	known := []string{promptNone, oauth.PromptLogin, oauth.PromptConsent, oauth.PromptSelectAccount, oauth.PromptCreate}
	if scope.Missing(r.Prompts, known) != "" {
		return fosite.ErrInvalidRequest.WithHint("The prompt is not known.")
	}
	if r.prompts(promptNone) && len(r.Prompts) > 1 {
		return fosite.ErrInvalidRequest.WithHint("The prompt none excludes all others.")
	}
	return nil
}

func (r *Request) readMaxAge() error {
	text := r.form.Get("max_age")
	if own := r.Client.DefaultMaxAge; text == "" && own != nil {
		text = strconv.FormatInt(*own, 10)
	}
	if text == "" {
		return nil
	}
	seconds, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return fosite.ErrInvalidRequest.WithHint("The max_age is not a number of seconds.")
	}
	age := min(time.Duration(seconds)*time.Second, maxAgeLimit)
	r.MaxAge = &age
	return nil
}

// readBindings reads what the tokens will be for and which key they need.
func (r *Request) readBindings() (err error) {
	if r.Resources, err = resource.Asked(r.form, r.Client.Resources); err != nil {
		return err
	}
	if key := r.form.Get("dpop_jkt"); key != "" && !thumbprint(key) {
		return fosite.ErrInvalidRequest.WithHint("The dpop_jkt is not a SHA-256 in base64url (RFC 9449 section 10).")
	}
	return nil
}

// bind binds the code to the key that a pushed request has proved (RFC 9449
// section 10.1).
func (r *Request) bind(key string) error {
	if key == "" {
		return nil
	}
	if named := r.form.Get("dpop_jkt"); named != "" && named != key {
		return fosite.ErrInvalidRequest.WithHint("The dpop_jkt is not the key of the DPoP proof.")
	}
	r.form.Set("dpop_jkt", key)
	return nil
}

// thumbprint tells whether s can be the SHA-256 thumbprint of a key (RFC 7638).
func thumbprint(s string) bool {
	sum, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return err == nil && len(sum) == sha256.Size && len(s) == base64.RawURLEncoding.EncodedLen(sha256.Size)
}

func (r *Request) prompts(name string) bool { return slices.Contains(r.Prompts, name) }

// asksLogin tells whether the request wants the user to log in in any case. No
// login is younger than zero seconds.
func (r *Request) asksLogin() bool {
	return r.prompts(oauth.PromptLogin) || r.MaxAge != nil && *r.MaxAge == 0
}

// interaction is what the pages need to know. Unable is the class that the user
// has said not to reach.
func (r *Request) interaction(id, prompt, unable string) *oauth.Interaction {
	return &oauth.Interaction{
		ID: id, Prompt: prompt, Client: r.Client.Client, Scopes: r.Revealed,
		LoginHint: r.form.Get("login_hint"), UILocales: r.form.Get("ui_locales"),
		RedirectTo: redirect.Origin(r.RedirectURI),
		ACR:        r.demand.next(unable), Hub: r.Client.Hub,
	}
}
