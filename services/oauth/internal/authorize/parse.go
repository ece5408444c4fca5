package authorize

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/keys"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/redirect"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/requestobject"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/resource"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/wire"
)

// Anybody can have a request stored, so it must not be long: all parameters
// together, and each of those that nothing else bounds, in bytes.
const (
	maxForm    = 8 << 10
	maxState   = 1 << 10
	maxNonce   = 512
	maxHint    = 320 // the longest email address
	maxLocales = 320
	maxACRs    = 512
)

var errLarge = fosite.ErrInvalidRequest.WithHint("The request is too large, or not UTF-8.")

// names are the parameters that mean something. All others are ignored (RFC
// 6749 section 3.1).
var names = []string{
	"client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce", "prompt", "max_age",
	"login_hint", "ui_locales", "acr_values", "claims", "code_challenge", "code_challenge_method", "dpop_jkt", "registration",
	resource.Parameter,
}

// Parser reads authorization requests.
type Parser struct {
	Provider fosite.OAuth2Provider
	Hints    *keys.Signer
	Objects  *requestobject.Reader
	// RequirePushed has all clients push their requests (RFC 9126).
	RequirePushed bool
}

// Parse reads a request as it arrived. An error without a Request must not
// reach any redirect URI: it is not proven whose that is. With a Request the
// error belongs to its client.
func (p *Parser) Parse(ctx context.Context, form url.Values) (*Request, error) {
	if tooLarge(form) || !wire.Text(form) {
		return nil, errLarge
	}
	return p.read(ctx, form, source{})
}

// parsePushed reads a request that the client has sent directly. Whatever is
// wrong with it, the client hears it at once.
func (p *Parser) parsePushed(ctx context.Context, c *client.Client, form url.Values) (*Request, error) {
	if form.Get("request_uri") != "" {
		return nil, fosite.ErrInvalidRequest.WithHint("A request_uri cannot be pushed (RFC 9126 section 2.1).")
	}
	own := pick(form)
	if own.Set("client_id", c.ID); tooLarge(own) {
		return nil, errLarge
	}
	for _, name := range []string{"request", "id_token_hint"} { // with bounds of their own
		if form.Has(name) {
			own[name] = form[name]
		}
	}
	return p.read(ctx, own, source{Pushed: true})
}

// read reads a request that is new, whether or not it is signed.
func (p *Parser) read(ctx context.Context, form url.Values, from source) (*Request, error) {
	if form.Get("request") != "" || form.Get("request_uri") != "" {
		sender, signed, err := p.unwrap(ctx, form)
		if err != nil {
			return sender, err
		}
		form, from.Signed = signed, true
	}
	r, err := p.parse(ctx, form, from)
	if err != nil {
		return r, err
	}
	return r, p.readHint(ctx, r, form)
}

// again reads a request that was stored. Its client may have changed since.
func (p *Parser) again(ctx context.Context, w waiting) (*Request, error) {
	r, err := p.parse(ctx, w.Form, w.source)
	if r != nil {
		r.HintedSubject = w.HintedSubject
	}
	return r, err
}

// readHint reads the id_token_hint, of which nothing but the subject is kept.
func (p *Parser) readHint(ctx context.Context, r *Request, form url.Values) (err error) {
	if hint := form.Get("id_token_hint"); hint != "" {
		r.HintedSubject, err = p.Hints.Subject(ctx, hint, r.Client.ID)
		if errors.Is(err, keys.ErrHint) {
			return fosite.ErrInvalidRequest.WithHint("The id_token_hint is not valid.")
		}
	}
	return err
}

// parse reads everything but the hint, which is kept in another form.
func (p *Parser) parse(ctx context.Context, form url.Values, from source) (*Request, error) {
	r, fositeErr := p.ask(ctx, pick(form))
	r.source = from
	if r.Client == nil {
		return nil, nobody(form, fositeErr)
	}
	if err := r.prove(form); err != nil {
		return nil, err
	}
	if err := refused(form); err != nil {
		return r, err
	}
	if !from.Signed && r.Client.RequireSignedRequest {
		return r, fosite.ErrInvalidRequest.WithHint("The request has to be a signed request object (RFC 9101).")
	}
	if !from.Pushed && (p.RequirePushed || r.Client.RequirePAR) {
		return r, fosite.ErrInvalidRequest.WithHint("The request has to be pushed (RFC 9126).")
	}
	if from.Pushed && r.Client.FAPI() && form.Get("redirect_uri") == "" {
		return r, fosite.ErrInvalidRequest.WithHint("The redirect_uri is missing, which FAPI 2.0 wants in every request, however many are registered.")
	}
	if fositeErr != nil {
		return r, fositeErr
	}
	err := r.fill()
	return r, err
}

// nobody says why a request has no client.
func nobody(form url.Values, err error) error {
	if form.Get("client_id") == "" {
		return fosite.ErrInvalidRequest.WithHint("The client_id is missing.")
	}
	return err
}

// prove finds the redirect URI among the client's, and how and with which state
// answers go there. What is wrong with these two is told there, too, later.
func (r *Request) prove(form url.Values) error {
	var ok bool
	r.RedirectURI, ok = redirect.Match(r.Client.RedirectURIs, form.Get("redirect_uri"))
	if !ok || len(form["client_id"]) > 1 || len(form["redirect_uri"]) > 1 {
		return fosite.ErrInvalidRequest.WithHint("The redirect_uri is not one of the client's.")
	}
	if state := form.Get("state"); len(form["state"]) == 1 && len(state) <= maxState {
		r.State = state
	}
	r.mode, _ = modeOf(form.Get("response_type"), form.Get("response_mode"), r.RedirectURI)
	return nil
}

// pick takes the known parameters out of a form, each once but for the resources.
func pick(form url.Values) url.Values {
	known := url.Values{}
	for _, name := range names {
		values := slices.DeleteFunc(slices.Clone(form[name]), func(s string) bool { return s == "" })
		if len(values) > 1 && name != resource.Parameter {
			values = values[:1]
		}
		if len(values) > 0 {
			known[name] = values
		}
	}
	return known
}

// ask has fosite look at the request: the client, the redirect URI, scopes and
// response type. It insists on a state of eight characters, which
// OpenID Connect leaves to the client, so it gets one of ours to see.
func (p *Parser) ask(ctx context.Context, form url.Values) (*Request, error) {
	shown := url.Values{}
	for _, name := range []string{"client_id", "redirect_uri", "response_type", "scope", "registration"} {
		shown[name] = form[name]
	}
	shown.Set("state", "state-is-the-client's-business")
	request, err := p.Provider.NewAuthorizeRequest(ctx, (&http.Request{
		Method: http.MethodGet, URL: &url.URL{}, Header: http.Header{}, Form: shown,
	}).WithContext(ctx))
	r := &Request{form: form}
	if own, ok := request.(*fosite.AuthorizeRequest); ok {
		r.fosite, r.Client = own, client.Of(own.Client)
	}
	return r, err
}

// refused finds what makes a request wrong whatever else it says.
func refused(form url.Values) error {
	switch {
	case wire.Repeated(form, resource.Parameter) != "":
		return fosite.ErrInvalidRequest.WithHint("A parameter is repeated.")
	case len(form.Get("state")) > maxState:
		return fosite.ErrInvalidRequest.WithHint("The state is too long.")
	case len(form.Get("nonce")) > maxNonce:
		return fosite.ErrInvalidRequest.WithHint("The nonce is too long.")
	case len(form.Get("login_hint")) > maxHint:
		return fosite.ErrInvalidRequest.WithHint("The login_hint is too long.")
	case len(form.Get("ui_locales")) > maxLocales:
		return fosite.ErrInvalidRequest.WithHint("The ui_locales are too long.")
	case len(form.Get("acr_values")) > maxACRs:
		return fosite.ErrInvalidRequest.WithHint("The acr_values are too long.")
	case form.Get("response_type") == "":
		return fosite.ErrInvalidRequest.WithHint("The response_type is missing.")
	}
	return nil
}

func tooLarge(form url.Values) bool {
	size := 0
	for name, values := range form {
		for _, value := range values {
			size += len(name) + len(value)
		}
	}
	return size > maxForm
}
