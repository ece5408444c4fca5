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
//	/login              GET, POST; /login/passkey: POST
//	/login/with/{provider}      POST: off to an upstream provider
//	/login/identity/{provider}  GET, POST: back from there
//	/login/unknown      GET: for whom the provider knows alone
//	/login/code         GET, POST; /login/code/send: POST
//	/login/factor       GET, POST; /login/factor/confirm: POST
//	/login/password     GET, POST
//	/login/terms        GET, POST
//	/login/stepup       GET, POST; /code: GET, POST; /send, /passkey, /skip: POST
//	/login/hub          GET, POST; /skip: POST
//	/device             GET, POST; /done, /denied: GET
//	/logout             POST; /logout/app: GET, POST
//	/register           GET, POST
//	/register/sent      GET
//	/forgot, /recover   GET, POST; /forgot/sent, /recover/sent: GET
//	/reset/{hash}       GET, POST
//	/unlock/{hash}      GET, POST; /unlock/done: GET
//	/link/{hash}        GET, POST
//	/activation         GET, POST
//	/email, /recovery   GET, POST; /email/done, /recovery/done: GET
//	/oauth2/authorize   GET, POST (another site may post to it)
//	/oauth2/logout      GET, POST (likewise)
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
//	               ▲           ├─▶ form that posts to the app
//	               │           ├─▶ /login?authorization=ID ──▶ /oauth2/resume?authorization=ID
//	               │           ├─▶ /login/stepup, /login/hub ─▶ /oauth2/resume?authorization=ID
//	               │           ├─▶ /consent?authorization=ID ─▶ redirect to the app
//	        /oauth2/resume ────┘
//	                           └─▶ error page, if the app's address is not proved
//
// The id is all that travels. There is no return address in any page or form,
// hence none that could be made to point elsewhere.
//
// # Signing out
//
//	app ──▶ /oauth2/logout ─┬─ the hint proves the session ──────────┐
//	                        ├─▶ page that asks ──POST─▶ /logout/app ─┤
//	                        ├─ nobody is signed in ──────────┐       ▼
//	                        └─▶ error page          back to the app ◀─ session ended ─▶ page with a frame per app
//
// The page that asks carries the app's request in its form, and it is read again
// when the answer comes: an address that is not registered is never gone to.
//
// # The steps of a login
//
//	/login ─┬─ narrow session ──▶ /login/code, factor, password, terms ──┐
//	        └──────────────────────────────────────────────── full session ──▶ / or /oauth2/resume
//
// The session in the cookie says which step is due, so its page is the only one
// that does anything: every other one leads there. The authorization request goes
// along in the addresses of the pages.
//
// # A mailed link
//
//	/link/HASH ──POST──▶ narrow session ─┬─▶ /activation ──POST──▶ full session ──▶ / or /oauth2/resume
//	                                     └─▶ /email, /recovery ──POST──▶ done, and no session
//	/reset/HASH ──POST──▶ full session
//	/unlock/HASH ──POST──▶ done, and no session
//
// Opening a link uses it up, and mail scanners open links: so a GET only shows a
// button or a form.
//
// # A device
//
//	/device ──POST code──▶ /login?authorization=device:CODE ──▶ /device?user_code=CODE
//	   └── signed in ──▶ what the device asks for ──POST decision──▶ /device/done, /device/denied
//
// # Scripts
//
// Pages need no JavaScript, with one exception: no page can ask for a passkey
// without. Two scripts of ours run on the pages that name them, and nowhere else:
// passkey.js and submit.js, which saves a click.
package portal
