// Package portal is the hosted pages: everything a person sees in a browser.
//
// # Mounting
//
// Routes serves all pages, the assets, and a page for every path that does not
// exist, so the gateway mounts it behind everything else:
//
//	mux.Handle("/", e.Pages(pages.Routes(), pages.Fail))
//
// Its patterns are
//
//	/                   account home, or the way in
//	/login              GET, POST
//	/logout             POST
//	/register           GET, POST
//	/register/sent      GET
//	/link/{hash}        GET, POST
//	/activation         GET, POST
//	/oauth2/authorize   GET, POST (the only one another site may post to)
//	/oauth2/resume      GET, POST
//	/consent            GET, POST
//	/mailbox            GET
//	/mailbox/{id}/html  GET
//	/assets/{name}      GET
//
// What is checked before a page sees a request (size, rate, cross-site posts) is
// edge.Pages.
//
// # An authorization request
//
//	app ──▶ /oauth2/authorize ─┬─▶ redirect to the app
//	               ▲           ├─▶ /login?authorization=ID ──▶ /oauth2/resume?authorization=ID
//	               │           ├─▶ /consent?authorization=ID ─▶ redirect to the app
//	        /oauth2/resume ────┘
//	                           └─▶ error page, if the app's address is not proved
//
// The id is all that travels. There is no return address in any page or form,
// hence none that could be made to point elsewhere.
//
// # A mailed link
//
//	/link/HASH ──POST──▶ narrow session ──▶ /activation ──POST──▶ full session ──▶ / or /oauth2/resume
//
// Opening a link uses it up, and mail scanners open links: so a GET only shows a
// button. Pages need no JavaScript.
package portal
