package upstream

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
	"golang.org/x/oauth2"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/ids"
	"github.com/gatehouse-id/gatehouse/pkg/keyring"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/fetch"
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
	PublicURL string
	DB        *db.DB
	Ring      *keyring.Ring
	Clock     clockwork.Clock
	Logger    *slog.Logger
	// Transport reaches the installation's providers, and Fetcher those of hubs.
	Transport http.RoundTripper
	Fetcher   *fetch.Fetcher
	// Accounts know how hubs use providers, and who may say so.
	Accounts accounts.SignIns
}

// Logins are logins at upstream providers.
type Logins struct {
	o     Options
	store store
	// shared is the clock that all processes have who read the store.
	shared clockwork.Clock
	list   []*connection // the installation's

	mu  sync.Mutex
	own map[int64]ownConnection // of hubs, by their rows' ids
}

// New makes Logins. Providers are asked for their metadata when first needed.
func New(o Options) *Logins {
	l := &Logins{o: o, store: store{o.DB, o.Ring}, shared: o.DB.Clock(o.Clock), own: map[int64]ownConnection{}}
	client := &http.Client{
		Timeout: callTimeout, Transport: fetch.Bounded(o.Transport),
		// Endpoints are named exactly; a redirect would take the secret elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	for _, p := range o.Providers {
		l.list = append(l.list, l.connection(p, p.Name, client))
	}
	return l
}

// connection is the way to a provider that has the name in our addresses.
func (l *Logins) connection(p Provider, path string, client *http.Client) *connection {
	k, _ := kindOf(p.Kind) // validated
	return &connection{
		settings: k.complete(p), kind: k, path: path, hosted: l.hosted(path),
		clock: l.o.Clock, logger: l.o.Logger, client: client,
	}
}

// hosted is where our own page takes the answer of a provider.
func (l *Logins) hosted(path string) string { return l.o.PublicURL + "/login/identity/" + path }

// Begin begins a login.
func (l *Logins) Begin(ctx context.Context, r oauth.BeginIdentityRequest) (none oauth.IdentityState, _ error) {
	c, err := l.find(ctx, r.Provider, r.Hub)
	if err != nil {
		return none, err
	}
	if r.RedirectURI == "" {
		r.RedirectURI = append(slices.Clone(c.settings.RedirectURIs), c.hosted)[0]
	}
	if r.RedirectURI != c.hosted && !slices.Contains(c.settings.RedirectURIs, r.RedirectURI) {
		return none, fault.Field("redirect_uri", "validation.redirect_uri")
	}
	if r.Binding == "" || len(r.Binding) > maxBinding {
		return none, fault.Field("binding", "validation.required")
	}
	party, err := c.party(ctx)
	if err != nil {
		return none, l.away(ctx, c, err)
	}
	state := ids.New()
	b := begun{
		Provider: c.path, Binding: r.Binding, RedirectURI: r.RedirectURI, Hub: r.Hub,
		Secrets: secrets{Verifier: oauth2.GenerateVerifier(), Nonce: ids.New()},
	}
	if c.hub != nil {
		b.Hub = c.hub
	}
	if err := l.store.insert(ctx, state, b, l.shared.Now().Add(stateLife)); err != nil {
		return none, err
	}
	return oauth.IdentityState{
		State: state, Challenge: oauth2.S256ChallengeFromVerifier(b.Secrets.Verifier), URL: party.request(b, state),
	}, nil
}

// Finish ends a login.
func (l *Logins) Finish(ctx context.Context, r oauth.FinishIdentityRequest) (none oauth.ProvedIdentity, _ error) {
	c, err := l.find(ctx, r.Provider, r.Hub)
	if err != nil {
		return none, err
	}
	if err := checkAnswer(r); err != nil {
		return none, err
	}
	// Before the state is used up: a login can go on once the provider is back.
	party, err := c.party(ctx)
	if err != nil {
		return none, l.away(ctx, c, err)
	}
	login, err := l.store.take(ctx, r.State, c.path, r.Binding, l.shared.Now())
	if errors.Is(err, errNoState) || err == nil && r.Hub != nil && (login.Hub == nil || *login.Hub != *r.Hub) {
		return none, fault.Field("state", "validation.state")
	}
	if err != nil {
		return none, err
	}
	proved, err := l.proved(ctx, c, party, login, r)
	switch {
	case err == nil:
		return proved, nil
	case errors.Is(err, errDenied):
		return none, fault.New(fault.Unauthenticated, "fault.identity_denied", "Provider", c.settings.Title)
	case errors.Is(err, errForeign):
		return none, fault.New(fault.Unauthenticated, "fault.identity_domain", "Provider", c.settings.Title)
	case errors.Is(err, errRefused):
		l.o.Logger.WarnContext(ctx, "an upstream provider proved nothing", slog.String("provider", c.path), slog.Any("error", err))
		return none, fault.New(fault.Unauthenticated, "fault.identity_failed").Because(err)
	default:
		return none, l.away(ctx, c, err)
	}
}

func checkAnswer(r oauth.FinishIdentityRequest) error {
	var v fault.Violations
	if r.State == "" {
		v.Add("state", "validation.required")
	}
	if r.Code == "" && r.Error == "" {
		v.Add("code", "validation.required")
	} else if len(r.Code) > maxCode {
		v.Add("code", "validation.max_length", "Max", maxCode)
	}
	return v.Err()
}

// proved is who the provider says that it is, as far as that is let in.
func (l *Logins) proved(ctx context.Context, c *connection, p party, b begun, r oauth.FinishIdentityRequest) (none oauth.ProvedIdentity, _ error) {
	if err := p.check(b, r.Issuer); err != nil {
		return none, err
	}
	if err := failed(r.Error); err != nil {
		return none, err
	}
	who, err := p.redeem(ctx, b, r.Code)
	if err != nil {
		return none, err
	}
	settings := c.settings
	if len(settings.AllowedDomains) > 0 && (!who.EmailVerified || !in(settings.AllowedDomains, who.Email)) {
		return none, errForeign
	}
	who.Provider, who.Hub, who.Into = settings.Name, c.hub, b.Hub
	who.EmailTrusted = who.EmailVerified && settings.TrustEmail
	who.LinkByEmail = who.EmailTrusted && settings.LinkByEmail
	return who, nil
}

// errDenied is an answer by which the user has said no.
var errDenied = errors.New("upstream: denied")

// failed is what an error of the authorization endpoint means (RFC 6749 section
// 4.1.2.1).
func failed(code string) error {
	switch code {
	case "":
		return nil
	case "access_denied":
		return errDenied
	case "temporarily_unavailable", "server_error":
		return errors.New("upstream: the authorization endpoint says " + code)
	}
	return refused("the authorization endpoint says %.64q", code)
}

// away is the fault of a provider that cannot be reached.
func (l *Logins) away(ctx context.Context, c *connection, err error) error {
	l.o.Logger.WarnContext(ctx, "an upstream provider could not be reached",
		slog.String("provider", c.path), slog.Any("error", err))
	return fault.New(fault.Unavailable, "").After(retryAfter).Because(err)
}
