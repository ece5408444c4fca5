package portal_test

import (
	"net/http"
	"net/url"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// pagesOfLogins are the pages of the steps of a login, and of what is mailed to
// whoever cannot log in.
func pagesOfLogins() []shown {
	get := func(path string) func(*world, *browser) answer {
		return func(_ *world, b *browser) answer { return b.get(path) }
	}
	post := func(path string) func(*world, *browser) answer {
		return func(_ *world, b *browser) answer { return b.post(path) }
	}
	at := func(step accounts.Step) func(*world, *browser) answer {
		return func(_ *world, b *browser) answer { return b.at(step) }
	}
	stepUp := func(acr, method, path string) func(*world, *browser) answer {
		return func(w *world, b *browser) answer {
			b.signIn()
			w.oauth.acr = acr
			if path == "/code" {
				b.post("/login/stepup" + waits)
			}
			if method == http.MethodPost {
				return b.post("/login/stepup" + path + "?authorization=" + pendingID + "&acr=" + acr)
			}
			return b.get("/login/stepup" + path + "?authorization=" + pendingID + "&acr=" + acr)
		}
	}
	hub := func(id int64) func(*world, *browser) answer {
		return func(w *world, b *browser) answer {
			w.oauth.hub = &id
			b.signIn()
			return b.get("/login/hub" + waits)
		}
	}
	company := func(change func(*world, url.Values)) func(*world, *browser) answer {
		return func(w *world, b *browser) answer {
			language := b.language
			b, answer := w.offering().atCompany(waits)
			b.language = language
			change(w, answer)
			return b.get(fromCompany + "?" + answer.Encode())
		}
	}
	return []shown{
		{name: "login at a provider", visit: func(w *world, b *browser) answer {
			w.offering()
			return b.get("/login")
		}, status: 200, en: "Sign in", de: "Anmelden"},
		{
			name: "nobody's identity", visit: func(w *world, b *browser) answer {
				return b.follow(company(func(w *world, _ url.Values) { w.oauth.upstream.Subject = "x" })(w, b))
			},
			status: 200, en: "Not connected yet", de: "Noch nicht verbunden",
		},
		{
			name: "no answer of a provider", visit: company(func(_ *world, a url.Values) { a.Del("state") }),
			status: 410, en: "No longer valid", de: "Nicht mehr gültig",
		},
		{
			name: "cancelled at a provider", visit: company(func(_ *world, a url.Values) { a.Set("error", "access_denied") }),
			status: 422, en: "Sign in", de: "Anmelden", wrong: true,
		},
		{name: "hub by a provider alone", visit: func(w *world, b *browser) answer {
			hub(2)(w.offering(), b)
			w.accounts.failing("Admit", fault.New(fault.Forbidden, "fault.provider_required", "Provider", "Company account"))
			return b.post("/login/hub" + waits)
		}, status: 200, en: "Another way in", de: "Anderer Zugang"},
		{name: "hub of an app", visit: hub(2), status: 200, en: "Change to Falcon?", de: "Zu Falcon wechseln?"},
		{name: "hub of others", visit: hub(99), status: 200, en: "No access", de: "Kein Zugang"},
		{name: "device", visit: get("/device"), status: 200, en: "Connect a device", de: "Gerät verbinden"},
		{name: "device without a code", visit: post("/device"), status: 422, en: "Connect a device", de: "Gerät verbinden", wrong: true},
		{
			name: "login for a device", visit: get("/login?authorization=device:" + userCode),
			status: 200, en: "Sign in", de: "Anmelden",
		},
		{name: "device to allow", visit: func(_ *world, b *browser) answer {
			b.signIn()
			return b.post("/device", "user_code", userCode)
		}, status: 200, en: "Connect Rota Planner?", de: "Rota Planner verbinden?"},
		{name: "device allowed", visit: get("/device/done"), status: 200, en: "Your device is connected", de: "Ihr Gerät ist verbunden"},
		{name: "device denied", visit: get("/device/denied"), status: 200, en: "Nothing has been connected", de: "Es wurde nichts verbunden"},
		{
			name: "step up", visit: stepUp(oauth.ACRMultiple, http.MethodGet, ""),
			status: 200, en: "One more proof, please", de: "Bitte noch ein Nachweis",
		},
		{
			name: "step up by code", visit: stepUp(oauth.ACRMultiple, http.MethodGet, "/code"),
			status: 200, en: "Confirm it is you", de: "Bestätigen Sie, dass Sie es sind",
		},
		{
			name: "step up by a wrong code", visit: stepUp(oauth.ACRMultiple, http.MethodPost, "/code"),
			status: 422, en: "Confirm it is you", de: "Bestätigen Sie, dass Sie es sind", wrong: true,
		},
		{name: "step up without a factor", visit: func(w *world, b *browser) answer {
			w.accounts.failing("StepUp", fault.New(fault.NotFound, "fault.no_second_factor"))
			return stepUp(oauth.ACRMultiple, http.MethodPost, "")(w, b)
		}, status: 200, en: "No second factor", de: "Kein zweiter Faktor"},
		{name: "step up too often", visit: func(w *world, b *browser) answer {
			w.accounts.failing("StepUp", fault.New(fault.Throttled, "").After(time.Minute))
			return stepUp(oauth.ACRMultiple, http.MethodPost, "")(w, b)
		}, status: 429, en: "One more proof, please", de: "Bitte noch ein Nachweis", wrong: true},
		{
			name: "step up by passkey", visit: stepUp(oauth.ACRPhishing, http.MethodGet, ""),
			status: 200, en: "One more proof, please", de: "Bitte noch ein Nachweis",
		},
		{
			name: "step up by no passkey", visit: stepUp(oauth.ACRPhishing, http.MethodPost, "/passkey"),
			status: 422, en: "One more proof, please", de: "Bitte noch ein Nachweis", wrong: true,
		},
		{name: "login by no passkey", visit: post("/login/passkey"), status: 422, en: "Sign in", de: "Anmelden", wrong: true},
		{name: "code", visit: at(accounts.StepCode), status: 200, en: "Confirm it is you", de: "Bestätigen Sie, dass Sie es sind"},
		{name: "code of an app", visit: func(w *world, b *browser) answer {
			w.accounts.channel = accounts.ChannelApp
			return b.at(accounts.StepCode)
		}, status: 200, en: "Confirm it is you", de: "Bestätigen Sie, dass Sie es sind"},
		{name: "recovery code", visit: func(_ *world, b *browser) answer {
			b.at(accounts.StepCode)
			return b.get("/login/code?by=recovery")
		}, status: 200, en: "Confirm it is you", de: "Bestätigen Sie, dass Sie es sind"},
		{name: "wrong code", visit: func(_ *world, b *browser) answer {
			b.at(accounts.StepCode)
			return b.post("/login/code", "code", "000000")
		}, status: 422, en: "Confirm it is you", de: "Bestätigen Sie, dass Sie es sind", wrong: true},
		{name: "factor", visit: at(accounts.StepFactor), status: 200, en: "Set up a second factor", de: "Zweiten Faktor einrichten"},
		{name: "app", visit: func(_ *world, b *browser) answer {
			b.at(accounts.StepFactor)
			return b.post("/login/factor", "channel", "3")
		}, status: 200, en: "Enter the first code", de: "Geben Sie den ersten Code ein"},
		{name: "telephone", visit: func(_ *world, b *browser) answer {
			b.at(accounts.StepFactor)
			return b.post("/login/factor", "channel", "2", "number", "+4915123456789")
		}, status: 200, en: "Enter the first code", de: "Geben Sie den ersten Code ein"},
		{name: "wrong code of an app", visit: func(_ *world, b *browser) answer {
			b.at(accounts.StepFactor)
			return b.post("/login/factor/confirm", "factor", factorHash, "secret", secret, "code", "1")
		}, status: 422, en: "Enter the first code", de: "Geben Sie den ersten Code ein", wrong: true},
		{name: "recovery codes", visit: func(_ *world, b *browser) answer {
			b.at(accounts.StepFactor)
			return b.post("/login/factor/confirm", "factor", factorHash, "secret", secret, "code", rightCode)
		}, status: 200, en: "Your recovery codes", de: "Ihre Wiederherstellungscodes"},
		{name: "forced password", visit: at(accounts.StepPassword), status: 200, en: "Choose a new password", de: "Wählen Sie ein neues Passwort"},
		{name: "terms", visit: at(accounts.StepTerms), status: 200, en: "New terms of use", de: "Neue Nutzungsbedingungen"},
		{name: "forgot", visit: get("/forgot"), status: 200, en: "Forgot your password?", de: "Passwort vergessen?"},
		{name: "forgot without anything", visit: post("/forgot"), status: 422, en: "Forgot your password?", de: "Passwort vergessen?", wrong: true},
		{name: "forgot sent", visit: get("/forgot/sent"), status: 200, en: "Check your mail", de: "Sehen Sie in Ihr Postfach"},
		{name: "reset", visit: get("/reset/" + resetLink), status: 200, en: "Choose a new password", de: "Wählen Sie ein neues Passwort"},
		{name: "reset without anything", visit: post("/reset/" + resetLink), status: 422, en: "Choose a new password", de: "Wählen Sie ein neues Passwort", wrong: true},
		{name: "reset by no link", visit: post("/reset/x"), status: 410, en: "Forgot your password?", de: "Passwort vergessen?", wrong: true},
		{name: "recover", visit: get("/recover"), status: 200, en: "Lost your second factor?", de: "Zweiten Faktor verloren?"},
		{name: "recover sent", visit: get("/recover/sent"), status: 200, en: "Check your mail", de: "Sehen Sie in Ihr Postfach"},
		{name: "unlock", visit: get("/unlock/" + unlockLink), status: 200, en: "Lift the lock", de: "Sperre aufheben"},
		{name: "unlocked", visit: get("/unlock/done"), status: 200, en: "The lock is lifted", de: "Die Sperre ist aufgehoben"},
		{name: "email", visit: func(_ *world, b *browser) answer {
			return b.follow(b.post("/link/" + emailLink))
		}, status: 200, en: "Confirm your new address", de: "Neue Adresse bestätigen"},
		{name: "email done", visit: get("/email/done"), status: 200, en: "Your address is changed", de: "Ihre Adresse ist geändert"},
		{name: "recovery", visit: func(_ *world, b *browser) answer {
			return b.follow(b.post("/link/" + recoveryLink))
		}, status: 200, en: "Recover your account", de: "Konto wiederherstellen"},
		{name: "recovery done", visit: get("/recovery/done"), status: 200, en: "Your request is on its way", de: "Ihre Anfrage ist unterwegs"},
		{name: "join", visit: func(_ *world, b *browser) answer {
			return b.follow(b.post("/link/" + joinLink))
		}, status: 200, en: "Join a hub", de: "Einem Hub beitreten"},
	}
}
