package logout

import (
	"context"
	"errors"
	"net/url"
	"slices"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/consent"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/keys"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/redirect"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/subject"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/wire"
)

// limits are the parameters of a logout request (RP-Initiated Logout 1.0 section
// 2), and how long each may be, in bytes.
var limits = map[string]int{
	"id_token_hint": 16 << 10, "logout_hint": 320, "client_id": 255,
	"post_logout_redirect_uri": redirect.MaxLength, "state": 2048, "ui_locales": 320,
}

// Requests reads the logout requests of apps.
type Requests struct {
	Clients *client.Store
	Signer  *keys.Signer
	Names   *subject.Names
	// Consents tell whom the user knows.
	Consents *consent.Store
}

// problem is something wrong with a request, that its user gets to see.
type problem string

func (p problem) Error() string { return string(p) }

const (
	errRequest  = problem("The request is malformed: a parameter is repeated, too long or not text.")
	errHint     = problem("The id_token_hint is not an ID token of this provider, or its keys are no longer known.")
	errClient   = problem("The client_id is not known.")
	errMismatch = problem("The client_id is not the one that the id_token_hint was issued to.")
	errNobodys  = problem("The post_logout_redirect_uri needs an id_token_hint or a client_id beside it.")
	errRedirect = problem("The post_logout_redirect_uri is not registered for the client.")
)

// Begin reads a request. Whatever is wrong with it, nobody is sent anywhere.
func (b *Requests) Begin(ctx context.Context, in oauth.LogoutRequest) (oauth.Logout, error) {
	answer, err := b.begin(ctx, in)
	var p problem
	if errors.As(err, &p) {
		return oauth.Logout{
			UILocales: answer.UILocales,
			Problem:   &oauth.Problem{Code: "invalid_request", Description: p.Error()},
		}, nil
	}
	return answer, err
}

func (b *Requests) begin(ctx context.Context, in oauth.LogoutRequest) (oauth.Logout, error) {
	form, err := read(in.Form)
	if err != nil {
		return oauth.Logout{}, err
	}
	answer := oauth.Logout{UILocales: form.Get("ui_locales")}
	hint, err := b.hint(ctx, form.Get("id_token_hint"))
	if err != nil {
		return answer, err
	}
	c, err := b.client(ctx, form.Get("client_id"), hint)
	if err != nil {
		return answer, err
	}
	if c == nil {
		if form.Has("post_logout_redirect_uri") {
			return answer, errNobodys
		}
		return answer, nil
	}
	answer.Client = &c.Client
	answer.Proven = hint != nil && in.Login != nil &&
		hint.Session == b.Names.Session(c, in.Login.Session) && hint.Subject == b.Names.Of(c, in.Login.Subject)
	if answer.Redirect, err = destination(c, form); err != nil || answer.Redirect == "" {
		return answer, err
	}
	known, err := b.knows(ctx, c, answer.Proven, in.Login)
	if err == nil && !known {
		answer.Ask = &oauth.Stranger{Client: c.Client, RedirectTo: redirect.Origin(answer.Redirect)}
	}
	return answer, err
}

// knows tells whether somebody has vetted the client, or the user has to do with
// it: if not, a logout would be a redirect to wherever it registered.
func (b *Requests) knows(ctx context.Context, c *client.Client, proven bool, login *oauth.Login) (bool, error) {
	if !c.SelfMade() || proven {
		return true, nil
	}
	if login == nil {
		return false, nil
	}
	return b.Consents.Any(ctx, login.Subject, c.ID)
}

// read takes the known parameters, each once; others have no meaning here.
func read(in url.Values) (url.Values, error) {
	form, err := wire.Normalize(in)
	if err != nil {
		return nil, errRequest
	}
	for name, limit := range limits {
		if len(form.Get(name)) > limit {
			return nil, errRequest
		}
	}
	return form, nil
}

// hint reads the ID token, which may have expired; nil without one.
func (b *Requests) hint(ctx context.Context, token string) (*keys.Hint, error) {
	if token == "" {
		return nil, nil //nolint:nilnil // documented
	}
	hint, err := b.Signer.Hint(ctx, token)
	if errors.Is(err, keys.ErrHint) {
		return nil, errHint
	}
	return &hint, err
}

// client finds the app that asks, which the hint has to name if there is one; nil
// if it does not say.
func (b *Requests) client(ctx context.Context, id string, hint *keys.Hint) (*client.Client, error) {
	switch {
	case hint != nil && id == "":
		id = hint.Audience[0]
	case hint != nil && !slices.Contains(hint.Audience, id):
		return nil, errMismatch
	case id == "":
		return nil, nil //nolint:nilnil // documented
	}
	c, err := find(ctx, b.Clients, id)
	if err == nil && c == nil {
		return nil, errClient
	}
	return c, err
}

// destination is where the app wants its user: a registered address, character
// by character (RP-Initiated Logout 1.0 section 3), and the state.
func destination(c *client.Client, form url.Values) (string, error) {
	to := form.Get("post_logout_redirect_uri")
	switch {
	case to == "":
		return "", nil
	case !slices.Contains(c.PostLogoutURIs, to):
		return "", errRedirect
	case !form.Has("state"):
		return to, nil
	}
	return redirect.With(to, url.Values{"state": {form.Get("state")}}), nil
}
