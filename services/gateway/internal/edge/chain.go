package edge

import "net/http"

// Middleware wraps a handler.
type Middleware func(http.Handler) http.Handler

// FailFunc answers a request that failed, in the form its group of endpoints
// promises: an envelope, a page, an OAuth error.
type FailFunc func(w http.ResponseWriter, r *http.Request, err error)

// Chain wraps h so that the first middleware sees a request first.
func Chain(h http.Handler, outermostFirst ...Middleware) http.Handler {
	for i := len(outermostFirst) - 1; i >= 0; i-- {
		h = outermostFirst[i](h)
	}
	return h
}

// Handler is the chain around everything that is served.
//
// What follows a middleware may rely on it: the log line and the span carry the
// request's id, and both see the client as the trusted proxies told, not as the
// client wrote. Panics are caught within each group, so that they are answered
// in its form and still counted and logged here.
func (e *Edge) Handler(routes http.Handler) http.Handler {
	return Chain(routes,
		e.identify, // request id, client, credentials; drops what only a proxy may say
		e.trace,
		e.observe, // access log and metrics
	)
}

// API is the chain around the JSON API.
func (e *Edge) API(routes http.Handler, fail FailFunc) http.Handler {
	return Chain(routes,
		e.recoverPanics(fail),
		e.secure(apiPolicy),
		e.shareWith(e.cors),             // before the limits: a refused page has to be able to read why
		e.limitRate(fail, everyRequest), // every answer tells the quota, so nothing is refused before
		limitBody(fail),
		onlyFrom(e.apiSites, fail, cookieOnly),
		readOnly(fail),
	)
}

// Pages is the chain around the hosted pages. Only what changes something
// counts against the limits: a page brings its assets with it. Authorization
// requests have a quota of their own, since each may leave a row behind. The
// origins that may call the API may not send the forms, which say what the user
// agrees to.
func (e *Edge) Pages(routes http.Handler, fail FailFunc) http.Handler {
	return Chain(routes,
		e.recoverPanics(fail),
		e.secure(PagePolicy()),
		e.limitAuthorizations(fail),
		e.limitRate(fail, unsafeRequest),
		limitBody(fail),
		onlyFrom(e.pageSites, fail, withoutForeignPosts),
	)
}

// Mailbox is the chain around the development mailbox's JSON.
func (e *Edge) Mailbox(routes http.Handler, fail FailFunc) http.Handler {
	return Chain(routes,
		e.recoverPanics(fail),
		e.secure(apiPolicy),
	)
}

// Pictures is the chain around the pictures of users, which everybody may have
// who knows where they are. Who asks is of no account; a page of an app may show
// many, so an address has a quota of its own for them.
func (e *Edge) Pictures(routes http.Handler, fail FailFunc) http.Handler {
	return Chain(routes,
		e.recoverPanics(fail),
		e.secure(picturePolicy),
		e.limitPictures(fail),
		withoutCookies,
	)
}

// OAuth is the chain around the public OAuth endpoints. They know no cookies,
// and every origin may call the ones that browsers call (RFC 6749 and OpenID
// Connect leave the caller's proof to the request itself).
func (e *Edge) OAuth(routes http.Handler) http.Handler {
	return e.oauth(routes, http.MethodGet, http.MethodHead, http.MethodPost)
}

// Registration is OAuth for where clients register and manage themselves. Every
// origin may call that, too: who manages a client proves it by its token, which no
// browser sends unasked.
func (e *Edge) Registration(routes http.Handler) http.Handler {
	return e.oauth(e.limitRegistrations(failOAuth)(routes),
		http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete)
}

func (e *Edge) oauth(routes http.Handler, methods ...string) http.Handler {
	return Chain(routes,
		e.recoverPanics(failOAuth),
		e.secure(apiPolicy),
		e.shareWith(openCORS(methods...)),
		limitBody(failOAuth),
		e.limitAuthorizations(failOAuth),
		e.limitFailures,
		withoutCookies,
		tellCertificate,
	)
}
