package system

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/test/internal/sink"
)

// Response is an answer of the JSON API.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
	// Success, Data and the rest are the envelope's.
	Success bool            `json:"success"`
	Hash    string          `json:"hash"`
	Data    json.RawMessage `json:"data"`
	Error   struct {
		Status  int                 `json:"status"`
		Message string              `json:"message"`
		Errors  map[string][]string `json:"errors"`
	} `json:"error"`
	Timestamp int64 `json:"timestamp"`
}

// Call calls the JSON API. A nil body sends none, a string is sent as it is,
// anything else as JSON; token may be empty.
func (s *System) Call(t testing.TB, method, path, token string, body any) Response {
	t.Helper()
	res, err := s.TryCall(t, method, path, token, body)
	require.NoError(t, err)
	return res
}

// TryCall is Call for a Gatehouse that may be away.
func (s *System) TryCall(t testing.TB, method, path, token string, body any) (Response, error) {
	t.Helper()
	var payload io.Reader = http.NoBody
	switch b := body.(type) {
	case nil:
	case string:
		payload = bytes.NewReader([]byte(b))
	default:
		encoded, err := json.Marshal(b)
		require.NoError(t, err)
		payload = bytes.NewReader(encoded)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, payload)
	require.NoError(t, err)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := HTTP().Do(r)
	if err != nil {
		return Response{}, err
	}
	defer func() { _ = res.Body.Close() }()
	answer := Response{Status: res.StatusCode, Header: res.Header}
	if answer.Body, err = io.ReadAll(res.Body); err != nil {
		return Response{}, err
	}
	_ = json.Unmarshal(answer.Body, &answer) //nolint:musttag // not all answers have an envelope; the rest has no place in one
	return answer, nil
}

// Into decodes the data of a successful answer.
func (r Response) Into(t testing.TB, v any) {
	t.Helper()
	require.True(t, r.Success, "status %d: %s", r.Status, r.Body)
	require.NoError(t, json.Unmarshal(r.Data, v))
}

// Mail is a message in the development mailbox.
type Mail struct {
	ID      int64  `json:"id"`
	To      string `json:"to"`
	Subject string `json:"subject"`
	Text    string `json:"text"`
	HTML    string `json:"html"`
}

// Mails are the messages to an address, newest first: those in the sink, of a
// deployment or in the development mailbox.
func (s *System) Mails(t testing.TB, to string) []Mail {
	t.Helper()
	if s.sink != nil {
		return arrived(s.sink, to)
	}
	if s.mails != nil {
		return s.mails(t, to)
	}
	res := s.Call(t, http.MethodGet, "/mailbox/messages", "", nil)
	require.Equal(t, http.StatusOK, res.Status, "%s", res.Body)
	var all, found []Mail
	require.NoError(t, json.Unmarshal(res.Body, &all))
	for _, m := range all {
		if m.To == to {
			found = append(found, m)
		}
	}
	return found
}

// arrived are the messages to an address in the sink, newest first.
func arrived(from *sink.Server, to string) []Mail {
	var found []Mail
	for _, m := range slices.Backward(from.To(to)) {
		found = append(found, Mail{To: m.To, Subject: m.Subject, Text: m.Text})
	}
	return found
}

var link = regexp.MustCompile(`(?m)^(https?://\S+/)([0-9a-f]{40})$`)

// Link is the 40 hex at the end of the link in a mail; empty if it has none.
func Link(m Mail) string {
	if match := link.FindStringSubmatch(m.Text); match != nil {
		return match[2]
	}
	return ""
}

// AwaitLink waits for a mail to the address and gives the 40 hex at the end of
// its link.
func (s *System) AwaitLink(t testing.TB, to string) string {
	t.Helper()
	var hash string
	Eventually(t, "a mail to "+to, func() bool {
		for _, m := range s.Mails(t, to) {
			if hash = Link(m); hash != "" {
				return true
			}
		}
		return false
	})
	return hash
}

// Person is somebody with an account.
type Person struct {
	Email, Password, Hub string
	Hash                 string // of the user
}

// Authentication is what the API says of somebody who has logged in.
type Authentication struct {
	User struct {
		ID    int64  `json:"id"`
		Hash  string `json:"hash"`
		Name  string `json:"name"`
		Email string `json:"email"`
	} `json:"user"`
	Hub        *struct{ Hash, Name string } `json:"hub"`
	Name       string                       `json:"name"`
	Activation string                       `json:"activation"`
	Token      string                       `json:"token"`
	Session    struct {
		ID   int64  `json:"id"`
		Hash string `json:"hash"`
	} `json:"session"`
}

// Register takes a new person through the JSON API, from the registration to
// the first session.
func (s *System) Register(t testing.TB, email string) (Person, Authentication) {
	t.Helper()
	p := Person{Email: email, Password: "correct horse battery " + email[:3], Hub: "Lighthouse"}
	res := s.Call(t, http.MethodPost, "/v1/activation/initiate", "", map[string]any{
		"first_name": "Olli", "last_name": "Kahn", "email": p.Email,
	})
	require.Equal(t, http.StatusCreated, res.Status, "%s", res.Body)

	var opened, finished Authentication
	s.Call(t, http.MethodPost, "/v1/auth/verification/"+s.AwaitLink(t, p.Email), "", nil).Into(t, &opened)
	s.Call(t, http.MethodPut, "/v1/activation/"+opened.Activation+"/finish", opened.Token, map[string]any{
		"name": p.Hub, "password": p.Password, "password_confirmation": p.Password, "terms": true,
	}).Into(t, &finished)
	p.Hash = finished.User.Hash
	return p, finished
}

// LogIn logs a person in through the JSON API.
func (s *System) LogIn(t testing.TB, p Person) Authentication {
	t.Helper()
	var a Authentication
	s.Call(t, http.MethodPost, "/v1/auth", "", map[string]any{"user": p.Email, "password": p.Password}).Into(t, &a)
	return a
}

// Invited adds a new person to the hub of the token's session, who accepts.
func (s *System) Invited(t testing.TB, token, email string) Person {
	t.Helper()
	p := Person{Email: email, Password: "correct horse battery " + email[:3]}
	res := s.Call(t, http.MethodPost, "/v1/user", token, map[string]any{
		"email": email, "first_name": "Uli", "last_name": "Hoeneß", "access": true,
	})
	require.Equal(t, http.StatusCreated, res.Status, "%s", res.Body)
	var opened, finished Authentication
	s.Call(t, http.MethodPost, "/v1/auth/verification/"+s.AwaitLink(t, email), "", nil).Into(t, &opened)
	s.Call(t, http.MethodPut, "/v1/activation/"+opened.Activation+"/finish", opened.Token, map[string]any{
		"password": p.Password, "password_confirmation": p.Password, "terms": true,
	}).Into(t, &finished)
	p.Hash = finished.User.Hash
	return p
}
