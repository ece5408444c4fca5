package contract_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	newPassword = "never twice the same river"
	wrongCode   = `{"code":"000000"}`
)

func inAndOut(t *testing.T, d *document) {
	w := newWorld(t, d)
	w.register(email)
	w.do(http.StatusOK, call{method: http.MethodGet, path: "/mailbox/messages"})
	w.post(http.StatusOK, "/v1/auth", "", `{"user":"`+email+`","password":"`+password+`","hub":false,"remember":true}`)
	w.post(http.StatusUnauthorized, "/v1/auth", "", credentials(email, "wrong"))
	w.post(http.StatusUnauthorized, "/v1/auth", "", `{"token":"unknown"}`)

	titan := w.login(email)
	w.get("/v1/auth", titan.Token)
	w.do(http.StatusOK, call{method: http.MethodGet, path: "/v1/auth", token: titan.Token, header: map[string]string{"Content-Language": "de"}})
	w.put(http.StatusOK, "/v1/auth", titan.Token, "")
	w.put(http.StatusOK, "/v1/auth/terms", titan.Token, `{"terms":true}`)

	titan = w.opened(w.delete(http.StatusOK, "/v1/auth/hub", titan.Token))
	assert.Nil(t, titan.Hub)
	w.get("/v1/auth", titan.Token)
	hub := w.object(w.post(http.StatusCreated, "/v1/hub", titan.Token, `{"name":"Falcon"}`))
	titan = w.opened(w.post(http.StatusOK, "/v1/auth/hub/"+hub.Hash, titan.Token, ""))
	assert.Equal(t, "Falcon", titan.Hub.Name)

	w.get("/v1/openapi.json", "")
	w.do(http.StatusOK, call{method: http.MethodGet, path: "/v1/docs"})
	w.delete(http.StatusOK, "/v1/auth", titan.Token)
	w.do(http.StatusUnauthorized, call{method: http.MethodGet, path: "/v1/auth", token: titan.Token})
}

func passwordsAndAddresses(t *testing.T, d *document) {
	w := newWorld(t, d)
	titan := w.register(email)
	w.put(http.StatusUnprocessableEntity, "/v1/password", titan.Token, `{"current_password":"wrong","password":"`+newPassword+`","password_confirmation":"`+newPassword+`"}`)
	w.opened(w.put(http.StatusOK, "/v1/password", titan.Token, `{"current_password":"`+password+`","password":"`+newPassword+`","password_confirmation":"`+newPassword+`"}`))

	w.post(http.StatusOK, "/v1/password/reset/initiate", "", `{"user":"`+email+`"}`)
	reset := "/v1/password/reset/" + w.mailed(email, link) + "/finish"
	w.post(http.StatusUnprocessableEntity, reset, "", `{"password":"short","password_confirmation":"short"}`)
	const third = "the third one is a charm of sorts"
	titan = w.opened(w.post(http.StatusOK, reset, "", `{"password":"`+third+`","password_confirmation":"`+third+`"}`))

	// Two want the same address; whoever registers with it first has it.
	w.put(http.StatusOK, "/v1/user/"+titan.User.Hash, titan.Token, `{"email":"kahn@example.org","current_password":"`+third+`"}`)
	narrow := w.open("kahn@example.org")
	w.put(http.StatusOK, "/v1/auth/email", narrow.Token, "")
	titan = w.opened(w.post(http.StatusOK, "/v1/auth", "", credentials("kahn@example.org", third)))
	w.put(http.StatusOK, "/v1/user/"+titan.User.Hash, titan.Token, `{"email":"uli@example.org","current_password":"`+third+`"}`)
	narrow = w.open("uli@example.org")
	w.register("uli@example.org")
	w.put(http.StatusConflict, "/v1/auth/email", narrow.Token, "")
}

func factors(t *testing.T, d *document) {
	w := newWorld(t, d)
	titan := w.register(email)
	w.put(http.StatusOK, "/v1/user/"+titan.User.Hash, titan.Token, `{"login_confirmation":true}`)
	step := w.login(email)
	require.Equal(t, "auth.code", step.Scope)
	w.mailed(email, code)
	w.post(http.StatusOK, "/v1/auth/code/send", step.Token, `{"channel":1}`)
	w.post(http.StatusUnauthorized, "/v1/auth/code", step.Token, wrongCode)
	titan = w.opened(w.post(http.StatusOK, "/v1/auth/code", step.Token, `{"code":"`+w.mailed(email, code)+`"}`))

	w.post(http.StatusConflict, "/v1/mfa/recovery", titan.Token, "")
	app := w.enrol(titan.Token)
	w.put(http.StatusUnprocessableEntity, app.path, titan.Token, wrongCode)
	w.put(http.StatusOK, app.path, titan.Token, app.code(t))
	w.put(http.StatusConflict, app.path, titan.Token, app.code(t))
	w.get("/v1/mfa", titan.Token)
	w.post(http.StatusOK, "/v1/mfa/recovery", titan.Token, "")

	// A hub that demands a channel keeps it, and asks for it who has it not.
	w.put(http.StatusOK, "/v1/hub/"+titan.Hub.Hash, titan.Token, `{"login_confirmation":true,"login_confirmation_channel":3}`)
	remove := call{method: http.MethodDelete, path: app.path, token: titan.Token, body: `{"password":"` + password + `"}`}
	w.do(http.StatusConflict, remove)
	step = w.invite(titan, "uli@example.org", "2")
	require.Equal(t, "auth.code", step.Scope)
	step = w.opened(w.post(http.StatusOK, "/v1/auth/code", step.Token, `{"code":"`+w.mailed("uli@example.org", code)+`"}`))
	require.Equal(t, "mfa.update", step.Scope)
	theirs := w.enrol(step.Token)
	w.get("/v1/mfa", step.Token)
	uli := w.opened(w.put(http.StatusOK, theirs.path, step.Token, theirs.code(t)))
	assert.Empty(t, uli.Scope, "in")

	w.put(http.StatusOK, "/v1/hub/"+titan.Hub.Hash, titan.Token, `{"login_confirmation":false}`)
	remove.body = `{"password":"wrong"}`
	w.do(http.StatusUnprocessableEntity, remove)
	remove.body = `{"password":"` + password + `"}`
	w.do(http.StatusOK, remove)
}

// app is an authenticator app that waits to be confirmed.
type app struct{ path, secret string }

func (w world) enrol(token string) app {
	w.Helper()
	body := w.post(http.StatusCreated, "/v1/mfa", token, `{"channel":3}`)
	var secret struct {
		Secret string `json:"secret"`
	}
	w.into(body, &secret)
	return app{"/v1/mfa/" + w.object(body).ID.String(), secret.Secret}
}

func (a app) code(t *testing.T) string {
	t.Helper()
	code, err := totp.GenerateCode(a.secret, time.Now())
	require.NoError(t, err)
	return `{"code":"` + code + `"}`
}

var recoveryCode = regexp.MustCompile(`(?m)^([0-9a-z]{5}(?:-[0-9a-z]{5})+)$`)

func recoveries(t *testing.T, d *document) {
	w := newWorld(t, d)
	titan := w.register(email)
	w.put(http.StatusOK, "/v1/hub/"+titan.Hub.Hash, titan.Token, `{"recovery_approval":true}`)
	uli := w.invite(titan, "uli@example.org", "2")
	theirs := w.enrol(uli.Token)
	w.put(http.StatusOK, theirs.path, uli.Token, theirs.code(t))

	ask := func() string {
		w.post(http.StatusOK, "/v1/auth/recovery/initiate", "", `{"user":"uli@example.org"}`)
		narrow := w.open("uli@example.org")
		w.post(http.StatusOK, "/v1/auth/recovery/confirm", narrow.Token, "")
		var waiting []object
		w.into(w.get("/v1/recovery", titan.Token), &waiting)
		require.Len(t, waiting, 1)
		return "/v1/recovery/" + waiting[0].Hash + "/approval"
	}
	w.delete(http.StatusOK, ask(), titan.Token)
	w.post(http.StatusOK, ask(), titan.Token, "")
	w.do(http.StatusUnprocessableEntity, call{method: http.MethodGet, path: "/v1/recovery?page=0", token: titan.Token, wrong: true})

	step := w.login("uli@example.org")
	step = w.opened(w.post(http.StatusOK, "/v1/auth/code", step.Token, `{"code":"`+w.mailed("uli@example.org", recoveryCode)+`"}`))
	require.Equal(t, "mfa.update", step.Scope, "the lost factor has to be replaced")
	again := w.enrol(step.Token)
	w.opened(w.put(http.StatusOK, again.path, step.Token, again.code(t)))
	assert.False(t, strings.HasPrefix(again.path, theirs.path+"/"))
}
