package flow_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// document is what the answers of a login have, of all steps.
type document struct {
	system.Authentication

	Role              *int   `json:"role"`
	Impersonated      bool   `json:"impersonated"`
	LoginConfirmation bool   `json:"login_confirmation"`
	Channel           int    `json:"login_confirmation_channel"`
	Scope             string `json:"scope"`
	Factor            *struct {
		Hash string `json:"hash"`
	} `json:"factor"`
	RecoveryCodes []string `json:"recovery_codes"`
}

// traveller is somebody on the way through the whole API.
type traveller struct {
	t *testing.T
	s *system.System
	system.Person
}

func (p *traveller) call(method, path, token string, body any) (d document) {
	p.t.Helper()
	p.s.Call(p.t, method, path, token, body).Into(p.t, &d)
	return d
}

func (p *traveller) logIn() document {
	p.t.Helper()
	return p.call(http.MethodPost, "/v1/auth", "", map[string]any{"user": p.Email, "password": p.Password})
}

var (
	inText       = regexp.MustCompile(`\b(\d{6})\b`)
	sixDigits    = regexp.MustCompile(`(?m)^(\d{6})$`)
	recoveryCode = regexp.MustCompile(`(?m)^([A-Z0-9]{4,}(?:-[A-Z0-9]{4,})+|[a-z0-9]{4,}(?:-[a-z0-9]{4,})+)$`)
)

// mailed waits for a mail to the traveller with a line that matches, other than
// what was there before.
func (p *traveller) mailed(pattern *regexp.Regexp, before ...string) string {
	p.t.Helper()
	var found string
	system.Eventually(p.t, "a mail to "+p.Email+" with "+pattern.String(), func() bool {
		for _, m := range p.s.Mails(p.t, p.Email) {
			match := pattern.FindStringSubmatch(m.Text)
			if len(match) > 1 && !slices.Contains(before, match[1]) {
				found = match[1]
				return true
			}
		}
		return false
	})
	return found
}

var linkLine = regexp.MustCompile(`(?m)^https?://\S+/([0-9a-f]{40})$`)

// TestJourney goes through the documented calls in their order.
func TestJourney(t *testing.T) {
	t.Parallel()
	system.Each(t, func(t *testing.T, s *system.System) {
		person, _ := s.Register(t, s.Address("olli"))
		olli := &traveller{t, s, person}
		login := olli.logIn()
		require.NotNil(t, login.Hub, "logged in: %+v", login)
		uli := &traveller{t, s, s.Invited(t, login.Token, s.Address("uli"))}

		olli.confirmsByMail()
		other := olli.changesHubs()
		olli.actsAs(uli)
		if s.HasTexts() {
			uli.losesTheFactor()
		}
		olli.resetsThePassword(other)
	})
}

// confirmsByMail asks for a code at every login, and gives one.
func (p *traveller) confirmsByMail() {
	t := p.t
	login := p.logIn()
	require.Equal(t, http.StatusOK, p.s.Call(t, http.MethodPut, "/v1/user/"+p.Hash, login.Token, map[string]any{"login_confirmation": true}).Status)
	step := p.logIn()
	assert.True(t, step.LoginConfirmation)
	assert.Equal(t, 1, step.Channel)
	assert.Equal(t, "auth.code", step.Scope)
	assert.Nil(t, step.Hub)
	assert.Equal(t, http.StatusForbidden, p.s.Call(t, http.MethodGet, "/v1/auth", step.Token, nil).Status, "opens nothing else")
	wrong := p.s.Call(t, http.MethodPost, "/v1/auth/code", step.Token, map[string]any{"code": "000000x"})
	assert.Contains(t, []int{http.StatusUnauthorized, http.StatusUnprocessableEntity}, wrong.Status)

	code := p.mailed(sixDigits)
	in := p.call(http.MethodPost, "/v1/auth/code", step.Token, map[string]any{"code": code})
	assert.NotNil(t, in.Hub)
	again := p.s.Call(t, http.MethodPost, "/v1/auth/code", step.Token, map[string]any{"code": code})
	assert.Equal(t, http.StatusUnauthorized, again.Status, "once")
	require.Equal(t, http.StatusOK, p.s.Call(t, http.MethodPut, "/v1/user/"+p.Hash, in.Token, map[string]any{"login_confirmation": false}).Status)
}

// changesHubs founds another hub, goes there, out of any, and back, and gives a
// session.
func (p *traveller) changesHubs() document {
	t := p.t
	login := p.logIn()
	var second struct {
		ID   int64  `json:"id"`
		Hash string `json:"hash"`
	}
	p.s.Call(t, http.MethodPost, "/v1/hub", login.Token, map[string]any{"name": "Falcon"}).Into(t, &second)
	there := p.call(http.MethodPost, "/v1/auth/hub/"+second.Hash, login.Token, nil)
	require.NotNil(t, there.Hub)
	assert.Equal(t, second.Hash, there.Hub.Hash)
	assert.Equal(t, login.Session.Hash, there.Session.Hash, "the same session")
	assert.Equal(t, http.StatusUnauthorized, p.s.Call(t, http.MethodGet, "/v1/auth", login.Token, nil).Status, "by a new token")
	out := p.call(http.MethodDelete, "/v1/auth/hub", there.Token, nil)
	assert.Nil(t, out.Hub)
	assert.Nil(t, out.Role)
	assert.Equal(t, http.StatusForbidden, p.s.Call(t, http.MethodGet, "/v1/user", out.Token, nil).Status, "no hub, no members")
	back := p.call(http.MethodPost, "/v1/auth/hub/"+login.Hub.Hash, out.Token, nil)
	assert.Equal(t, login.Hub.Hash, back.Hub.Hash)
	assert.Equal(t, http.StatusNotFound, p.s.Call(t, http.MethodPost, "/v1/auth/hub/"+strings.Repeat("0", 40), back.Token, nil).Status)
	return back
}

// actsAs acts as another member, and goes back.
func (p *traveller) actsAs(other *traveller) {
	t := p.t
	login := p.logIn()
	acting := p.call(http.MethodPost, "/v1/auth/impersonation/"+other.Hash, login.Token, nil)
	assert.True(t, acting.Impersonated)
	assert.Equal(t, other.Hash, acting.User.Hash)
	for _, forbidden := range []struct{ method, path string }{
		{http.MethodPost, "/v1/auth/impersonation/" + p.Hash}, {http.MethodGet, "/v1/token"}, {http.MethodPost, "/v1/mfa/recovery"},
		{http.MethodGet, "/v1/account/export"},
	} {
		res := p.s.Call(t, forbidden.method, forbidden.path, acting.Token, nil)
		assert.Equal(t, http.StatusForbidden, res.Status, "%s: %s", forbidden.path, res.Body)
	}
	own := p.call(http.MethodDelete, "/v1/auth/impersonation", acting.Token, nil)
	assert.Equal(t, p.Hash, own.User.Hash)
	assert.False(t, own.Impersonated)
	assert.Equal(t, http.StatusUnauthorized, p.s.Call(t, http.MethodGet, "/v1/auth", acting.Token, nil).Status)
	assert.Equal(t, http.StatusForbidden, p.s.Call(t, http.MethodDelete, "/v1/auth/impersonation", own.Token, nil).Status)
	assert.Equal(t, http.StatusForbidden,
		p.s.Call(t, http.MethodPost, "/v1/auth/impersonation/"+p.Hash, other.logIn().Token, nil).Status, "a user acts as nobody")
}

// losesTheFactor enrols a telephone, loses it, and comes back by recovery.
func (p *traveller) losesTheFactor() {
	t := p.t
	login := p.logIn()
	var factor struct {
		Hash string `json:"hash"`
	}
	p.s.Call(t, http.MethodPost, "/v1/mfa", login.Token, map[string]any{"channel": 2, "number": "+4915123456789"}).Into(t, &factor)
	confirmed := p.call(http.MethodPut, "/v1/mfa/"+factor.Hash, login.Token, map[string]any{"code": p.texted("+4915123456789")})
	require.Len(t, confirmed.RecoveryCodes, 10)

	step := p.logIn()
	require.Equal(t, 2, step.Channel)
	in := p.call(http.MethodPost, "/v1/auth/code", step.Token, map[string]any{"code": confirmed.RecoveryCodes[3]})
	assert.NotNil(t, in.Hub, "a recovery code stands in")

	links := []string{p.mailed(linkLine)}
	for _, m := range p.s.Mails(t, p.Email) {
		if link := system.Link(m); link != "" {
			links = append(links, link)
		}
	}
	require.Equal(t, http.StatusOK, p.s.Call(t, http.MethodPost, "/v1/auth/recovery/initiate", "", map[string]any{"user": p.Email}).Status)
	opened := p.call(http.MethodPost, "/v1/auth/verification/"+p.mailed(linkLine, links...), "", nil)
	require.Equal(t, http.StatusOK, p.s.Call(t, http.MethodPost, "/v1/auth/recovery/confirm", opened.Token, nil).Status)

	p.approved()
	code := p.mailed(recoveryCode)
	step = p.logIn()
	lost := p.call(http.MethodPost, "/v1/auth/code", step.Token, map[string]any{"code": code})
	require.Equal(t, "mfa.update", lost.Scope, "the lost factor is replaced first")
	p.s.Call(t, http.MethodPost, "/v1/mfa", lost.Token, map[string]any{"channel": 2, "number": "+4915123456780"}).Into(t, &factor)
	in = p.call(http.MethodPut, "/v1/mfa/"+factor.Hash, lost.Token, map[string]any{"code": p.texted("+4915123456780")})
	assert.NotNil(t, in.Hub)
	require.NotNil(t, in.Factor)
	assert.Len(t, in.RecoveryCodes, 10, "and new recovery codes")
	step = p.logIn()
	again := p.s.Call(t, http.MethodPost, "/v1/auth/code", step.Token, map[string]any{"code": code})
	assert.Equal(t, http.StatusUnauthorized, again.Status, "once")
}

// approved has the traveller's hub approve the recovery.
func (p *traveller) approved() {
	t := p.t
	owner := &traveller{t, p.s, system.Person{Email: p.s.Address("olli"), Password: "correct horse battery oll"}}
	token := owner.logIn().Token
	var waiting []struct {
		Hash string `json:"hash"`
	}
	system.Eventually(t, "the request to wait for approval", func() bool {
		p.s.Call(t, http.MethodGet, "/v1/recovery", token, nil).Into(t, &waiting)
		return len(waiting) == 1
	})
	res := p.s.Call(t, http.MethodPost, "/v1/recovery/"+waiting[0].Hash+"/approval", token, nil)
	require.Equal(t, http.StatusOK, res.Status, "%s", res.Body)
}

// texted waits for a code that went to a telephone.
func (p *traveller) texted(number string) (code string) {
	p.t.Helper()
	system.Eventually(p.t, "a text message", func() bool {
		for _, m := range p.s.Mails(p.t, number) {
			if match := inText.FindStringSubmatch(m.Text); match != nil {
				code = match[1]
				return true
			}
		}
		return false
	})
	return code
}

// resetsThePassword forgets it. The other session ends.
func (p *traveller) resetsThePassword(other document) {
	t := p.t
	var links []string
	for _, m := range p.s.Mails(t, p.Email) {
		if link := system.Link(m); link != "" {
			links = append(links, link)
		}
	}
	require.Equal(t, http.StatusOK, p.s.Call(t, http.MethodPost, "/v1/password/reset/initiate", "", map[string]any{"user": p.Email}).Status)
	require.Equal(t, http.StatusOK, p.s.Call(t, http.MethodPost, "/v1/password/reset/initiate", "", map[string]any{"user": p.s.Address("nobody")}).Status)
	path := "/v1/password/reset/" + p.mailed(linkLine, links...) + "/finish"
	weak := p.s.Call(t, http.MethodPost, path, "", map[string]any{"password": "password12", "password_confirmation": "password12"})
	require.Equal(t, http.StatusUnprocessableEntity, weak.Status)
	require.Contains(t, weak.Error.Errors, "password")
	same := p.s.Call(t, http.MethodPost, path, "", map[string]any{"password": p.Password, "password_confirmation": p.Password})
	require.Equal(t, http.StatusUnprocessableEntity, same.Status, "the old one again")

	p.Password = "WoWar1chUnsicher?"
	in := p.call(http.MethodPost, path, "", map[string]any{"password": p.Password, "password_confirmation": p.Password})
	assert.NotNil(t, in.Hub)
	system.Eventually(t, "the other session to end", func() bool {
		return p.s.Call(t, http.MethodGet, "/v1/auth", other.Token, nil).Status == http.StatusUnauthorized
	})
	assert.Equal(t, http.StatusNotFound, p.s.Call(t, http.MethodPost, path, "", map[string]any{
		"password": p.Password, "password_confirmation": p.Password,
	}).Status, "once")
	assert.NotNil(t, p.logIn().Hub)
}
