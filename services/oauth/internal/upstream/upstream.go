package upstream

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/jonboulle/clockwork"
	"golang.org/x/oauth2"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/keyring"
)

const (
	// stateLife is how long a user may take at the provider.
	stateLife = 10 * time.Minute
	// callTimeout bounds what a slow provider can hold up.
	callTimeout = 4 * time.Second
	// retryAfter is what is told while a provider cannot be reached.
	retryAfter = 5 * time.Second
	// The longest of what comes from outside, in bytes.
	maxBinding = 200
	maxCode    = 4096
	maxSubject = 255 // OpenID Connect Core section 2
)

// Options are what Logins need; all are required.
type Options struct {
	Providers Providers // validated
	DB        *db.DB
	Ring      *keyring.Ring
	Clock     clockwork.Clock
	Logger    *slog.Logger
	Transport http.RoundTripper
}

// Logins are logins at upstream providers.
type Logins struct {
	store  store
	clock  clockwork.Clock
	logger *slog.Logger
	list   []*connection
}

// New makes Logins. Providers are asked for their metadata when first needed.
func New(o Options) *Logins {
	l := &Logins{store: store{o.DB, o.Ring}, clock: o.Clock, logger: o.Logger}
	client := &http.Client{
		Timeout: callTimeout, Transport: o.Transport,
		// Endpoints are named exactly; a redirect would take the secret elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	for _, p := range o.Providers {
		l.list = append(l.list, &connection{settings: p, clock: o.Clock, client: client})
	}
	return l
}

// Providers lists the providers.
func (l *Logins) Providers() oauth.ProviderList {
	list := oauth.ProviderList{Providers: make([]oauth.Provider, 0, len(l.list))}
	for _, c := range l.list {
		title := c.settings.Title
		if title == "" {
			title = c.settings.Name
		}
		list.Providers = append(list.Providers, oauth.Provider{Name: c.settings.Name, Title: title})
	}
	return list
}

func (l *Logins) find(name string) (*connection, error) {
	for _, c := range l.list {
		if c.settings.Name == name {
			return c, nil
		}
	}
	return nil, fault.New(fault.NotFound, "")
}

// Begin begins a login.
func (l *Logins) Begin(ctx context.Context, r oauth.BeginIdentityRequest) (oauth.IdentityState, error) {
	c, err := l.find(r.Provider)
	if err != nil {
		return oauth.IdentityState{}, err
	}
	if r.RedirectURI == "" {
		r.RedirectURI = c.settings.RedirectURIs[0]
	}
	if !slices.Contains(c.settings.RedirectURIs, r.RedirectURI) {
		return oauth.IdentityState{}, fault.Field("redirect_uri", "validation.redirect_uri")
	}
	if r.Binding == "" || len(r.Binding) > maxBinding {
		return oauth.IdentityState{}, fault.Field("binding", "validation.required")
	}
	party, err := c.party(ctx)
	if err != nil {
		return oauth.IdentityState{}, l.away(ctx, c, err)
	}
	state := randomHex()
	secret := secrets{Verifier: oauth2.GenerateVerifier(), Nonce: randomHex()}
	err = l.store.insert(ctx, state, begun{
		Provider: r.Provider, Binding: r.Binding, RedirectURI: r.RedirectURI, Secrets: secret,
	}, l.clock.Now().Add(stateLife))
	if err != nil {
		return oauth.IdentityState{}, err
	}
	return oauth.IdentityState{
		State: state, Challenge: oauth2.S256ChallengeFromVerifier(secret.Verifier),
		URL: party.config(r.RedirectURI).AuthCodeURL(state, oidc.Nonce(secret.Nonce), oauth2.S256ChallengeOption(secret.Verifier)),
	}, nil
}

// Finish ends a login.
func (l *Logins) Finish(ctx context.Context, r oauth.FinishIdentityRequest) (none oauth.ProvedIdentity, _ error) {
	c, err := l.find(r.Provider)
	if err != nil {
		return none, err
	}
	var v fault.Violations
	if r.State == "" {
		v.Add("state", "validation.required")
	}
	if r.Code == "" {
		v.Add("code", "validation.required")
	} else if len(r.Code) > maxCode {
		v.Add("code", "validation.max_length", "Max", maxCode)
	}
	if err := v.Err(); err != nil {
		return none, err
	}
	// Before the state is used up: a login can go on once the provider is back.
	party, err := c.party(ctx)
	if err != nil {
		return none, l.away(ctx, c, err)
	}
	login, err := l.store.take(ctx, r.State, r.Provider, r.Binding, l.clock.Now())
	if errors.Is(err, errNoState) {
		return none, fault.Field("state", "validation.state")
	}
	if err != nil {
		return none, err
	}
	proved, err := party.exchange(ctx, login, r.Code)
	switch {
	case err == nil:
		return proved, nil
	case errors.Is(err, errRefused):
		l.logger.WarnContext(ctx, "an upstream provider proved nothing", slog.String("provider", r.Provider), slog.Any("error", err))
		return none, fault.New(fault.Unauthenticated, "fault.identity_failed").Because(err)
	default:
		return none, l.away(ctx, c, err)
	}
}

// away is the fault of a provider that cannot be reached.
func (l *Logins) away(ctx context.Context, c *connection, err error) error {
	l.logger.WarnContext(ctx, "an upstream provider could not be reached",
		slog.String("provider", c.settings.Name), slog.Any("error", err))
	return fault.New(fault.Unavailable, "").After(retryAfter).Because(err)
}

// randomHex is 160 random bits in 40 digits.
func randomHex() string {
	b := make([]byte, 20)
	_, _ = rand.Read(b) // never fails since Go 1.24
	return hex.EncodeToString(b)
}
