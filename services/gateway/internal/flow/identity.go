package flow

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
)

// Bounds of what comes from or goes to a provider, in characters. Some
// providers' codes are long.
const (
	maxURI          = 2000
	maxUpstreamCode = 10_000
)

// IdentityRequest begins a login at an upstream provider.
type IdentityRequest struct {
	Provider string // its name, or the hash of a hub's own
	// Hub is where the user wants to go; nil: anywhere.
	Hub *int64
	// RedirectURI is where the provider sends the user back to; empty: the first of
	// the provider's settings, or our own page.
	RedirectURI string
	// Linker is who wants to link the identity to their account; nil: somebody
	// who wants to log in.
	Linker *edge.Caller
	// Secret is what only the same browser will bring again; empty: nothing.
	Secret string
}

// Validate finds what cannot be a request, whichever provider is meant.
func (r IdentityRequest) Validate() fault.Violations {
	var v fault.Violations
	if r.RedirectURI != "" {
		checkLine(&v, "redirect_uri", r.RedirectURI, maxURI)
	}
	return v
}

// BeginIdentity begins a login at an upstream provider. NotFound if there is no
// such provider; Invalid if the redirect URI is not allowed; Unavailable if the
// provider cannot be reached.
func (f *Flow) BeginIdentity(ctx context.Context, r IdentityRequest) (oauth.IdentityState, error) {
	if !plausibleProvider(r.Provider) {
		return oauth.IdentityState{}, fault.New(fault.NotFound, "")
	}
	if err := r.Validate().Err(); err != nil {
		return oauth.IdentityState{}, err
	}
	return f.deps.OAuth.BeginIdentity(ctx, oauth.BeginIdentityRequest{
		Provider: r.Provider, Hub: r.Hub, RedirectURI: r.RedirectURI, Binding: binding(ctx, r.Linker, r.Secret),
	})
}

// IdentityAnswer is what the provider has sent the user back with.
type IdentityAnswer struct {
	Provider, State, Code string
	// Issuer is the answer's iss (RFC 9207); Error its error, in the place of a code.
	Issuer, Error string
	// Secret is that of the IdentityRequest.
	Secret string
}

// Validate finds what cannot be an answer of a provider.
func (a IdentityAnswer) Validate() fault.Violations {
	var v fault.Violations
	checkName(&v, "state", a.State)
	if a.Error == "" || a.Code != "" {
		checkLine(&v, "code", a.Code, maxUpstreamCode)
	}
	if a.Issuer != "" {
		checkLine(&v, "iss", a.Issuer, maxURI)
	}
	if a.Error != "" {
		checkName(&v, "error", a.Error)
	}
	return v
}

// LogInByIdentity lets in whose identity the provider has proved. Invalid as
// Validate says, and if the state is unknown, used, expired or of another caller;
// Unauthenticated if the user has said no, the provider refuses the code, or the
// identity is nobody's; Forbidden if it does not open the hub that the user wants
// to go to; Unavailable if the provider cannot be reached.
func (f *Flow) LogInByIdentity(ctx context.Context, a IdentityAnswer) (Outcome, error) {
	if err := f.ready(ctx); err != nil { // the state works once
		return Outcome{}, err
	}
	proved := f.deps.Cache.Now()
	upstream, err := f.finishIdentity(ctx, a, nil)
	if err != nil {
		return Outcome{}, err
	}
	identity, err := f.deps.Accounts.FindIdentity(ctx, upstream)
	if err != nil {
		return Outcome{}, err
	}
	e := identified(identity, accounts.ProofIdentity, sessions.MethodUpstream)
	e.proved, e.provider, e.providerHub = proved, upstream.Provider, identity.ProviderHub
	if into := cmp.Or(identity.ProviderHub, upstream.Into); into != nil { // chosen now
		e.hub, e.lenient = into, false
	}
	return f.enter(ctx, e)
}

// LinkIdentity makes the identity that the provider has proved one of the
// caller's, who began that. Forbidden while impersonating and by a personal
// access token; Conflict if it is somebody's already; otherwise as
// LogInByIdentity.
func (f *Flow) LinkIdentity(ctx context.Context, c edge.Caller, a IdentityAnswer) (accounts.LinkedIdentity, error) {
	if err := stepOrSecure(c, false); err != nil {
		return accounts.LinkedIdentity{}, err
	}
	upstream, err := f.finishIdentity(ctx, a, &c)
	if err != nil {
		return accounts.LinkedIdentity{}, err
	}
	return f.deps.Accounts.LinkIdentity(ctx, accounts.LinkIdentityRequest{Actor: c.Actor(), Identity: upstream})
}

// finishIdentity exchanges the code for what the provider has proved.
func (f *Flow) finishIdentity(ctx context.Context, a IdentityAnswer, linker *edge.Caller) (accounts.UpstreamIdentity, error) {
	if !plausibleProvider(a.Provider) {
		return accounts.UpstreamIdentity{}, fault.New(fault.NotFound, "")
	}
	if err := a.Validate().Err(); err != nil {
		return accounts.UpstreamIdentity{}, err
	}
	proof, err := f.deps.OAuth.FinishIdentity(ctx, oauth.FinishIdentityRequest{
		Provider: a.Provider, State: a.State, Code: a.Code, Issuer: a.Issuer, Error: a.Error, Binding: binding(ctx, linker, a.Secret),
	})
	if err != nil {
		return accounts.UpstreamIdentity{}, err
	}
	upstream := accounts.UpstreamIdentity{
		Provider: proof.Provider, Issuer: proof.Issuer, Subject: proof.Subject, Name: proof.Name,
		Hub: proof.Hub, Into: proof.Into, Origin: edge.Origin(ctx),
	}
	if proof.EmailVerified {
		upstream.Email, upstream.EmailTrusted, upstream.LinkByEmail = proof.Email, proof.EmailTrusted, proof.LinkByEmail
	}
	return upstream, nil
}

// maxProvider bounds the name of a provider, in bytes.
const maxProvider = 100

func plausibleProvider(name string) bool {
	var v fault.Violations
	checkName(&v, "provider", name)
	return v == nil && len(name) <= maxProvider
}

// binding is what only the same caller will have: their user agent and network,
// their session if they have one, and the browser's secret. It keeps a state that
// somebody else began from being finished here (RFC 6749 section 10.12). An
// address may change in between, as they do on the move; the network rarely does.
func binding(ctx context.Context, linker *edge.Caller, secret string) string {
	origin := edge.Origin(ctx)
	session := int64(0)
	if linker != nil {
		session = linker.Session.ID
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %d %q", origin.UserAgent, network(origin.Address), session, secret))
	return hex.EncodeToString(sum[:])
}

// network is the part of an address that its owner keeps.
func network(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	bits := 16
	if a.Is6() {
		bits = 32
	}
	prefix, err := a.Prefix(bits)
	if err != nil {
		return address
	}
	return prefix.String()
}
