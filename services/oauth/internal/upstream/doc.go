// Package upstream signs users in at other OpenID providers (OpenID Connect Core
// section 3.1, with PKCE, RFC 7636).
//
//	        Begin                    the user, at the provider            Finish
//	caller ───────▶ state, challenge ─────────────────────────▶ code, state ──────▶ proved identity
//	                  │ 10 minutes
//	                  ▼
//	               expired
//
// The state is used up by the first Finish that names it, whatever comes of it.
// Only the same caller can: a state is bound to what the edge says of the caller.
// The verifier never leaves the service. The nonce is in the authorization URL
// that comes with the state; a client that builds its own URL does not know it,
// and then the ID token has none: the code is bound to us by PKCE, which does as
// much (RFC 9700 section 2.1.1). A nonce that is there has to be ours.
package upstream
