// Package gateway is the one public origin: the JSON API under /v1, the hosted
// pages, and the way to the public OAuth endpoints.
//
//	                 ┌ /v1/…        internal/rest ──┐
//	edge.Handler ────┼ /oauth2/…    oauth service   ├─ internal/flow ── accounts, sessions
//	                 └ everything   internal/portal ┘
//
// internal/edge holds what each request passes, internal/flow what a person can
// do, and internal/compose what the API shows of it. The gateway keeps no state
// of its own but caches and counters.
package gateway
