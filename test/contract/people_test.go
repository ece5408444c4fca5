package contract_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// who is somebody with a session.
type who struct {
	Email string
	system.Authentication
	// Scope names what the token opens, if it is not everything.
	Scope string `json:"scope"`
}

// opened reads the session of an answer.
func (w world) opened(body []byte) (a who) {
	w.Helper()
	w.into(body, &a)
	require.NotEmpty(w.T, a.Token, "%s", body)
	a.Email = a.User.Email
	return a
}

// register takes a new person through all that registering takes.
func (w world) register(address string) who {
	w.Helper()
	w.post(http.StatusCreated, "/v1/activation/initiate", "", `{"first_name":"Olli","last_name":"Kahn","email":"`+address+`"}`)
	return w.finish(w.open(address), "Nordantech")
}

// finish makes an account of an opened link.
func (w world) finish(link who, hub string) who {
	w.Helper()
	body := `{"name":"` + hub + `","password":"` + password + `","password_confirmation":"` + password + `","terms":true}`
	if hub == "" {
		body = `{"first_name":"Uli","last_name":"Hoeneß","password":"` + password + `","password_confirmation":"` + password + `","terms":true}`
	}
	return w.opened(w.put(http.StatusOK, "/v1/activation/"+link.Activation+"/finish", link.Token, body))
}

// open opens the link that was mailed last to the address.
func (w world) open(address string) who {
	w.Helper()
	return w.opened(w.post(http.StatusOK, "/v1/auth/verification/"+w.mailed(address, link), "", ""))
}

var (
	link = regexp.MustCompile(`(?m)^https?://\S+/([0-9a-f]{40})$`)
	code = regexp.MustCompile(`(?m)^\s*([0-9]{3} ?[0-9]{3})\s*$`)
)

// mailed waits for the next mail to the address that has what is looked for.
func (w world) mailed(address string, what *regexp.Regexp) (found string) {
	w.Helper()
	system.Eventually(w.T, "a mail to "+address, func() bool {
		for _, m := range w.Mails(w.T, address) { // the newest first
			if m.ID <= w.read[address] {
				return false
			}
			if match := what.FindStringSubmatch(m.Text); match != nil {
				w.read[address], found = m.ID, strings.ReplaceAll(match[1], " ", "")
				return true
			}
		}
		return false
	})
	return found
}

// login logs somebody in by password, in or up to the next step.
func (w world) login(address string) who {
	w.Helper()
	return w.opened(w.post(http.StatusOK, "/v1/auth", "", credentials(address, password)))
}

func credentials(user, password string) string {
	text, err := json.Marshal(map[string]string{"user": user, "password": password})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// invite adds somebody to the hub of the owner, and takes them in.
func (w world) invite(owner who, address string, role string) who {
	w.Helper()
	w.post(http.StatusCreated, "/v1/user", owner.Token, `{"email":"`+address+`","role":`+role+`,"access":true}`)
	return w.finish(w.open(address), "")
}
