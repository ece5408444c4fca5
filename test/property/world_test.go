package property_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// person is somebody who uses the API, and what they hold by now: tokens, some
// of them void, and links that were mailed to them.
type person struct {
	system.Person
	id     string
	tokens []string
	links  []string // used ones
	pats   []string // personal access tokens, some of them deleted
}

// world is a Gatehouse with several people in several hubs, and the dice.
type world struct {
	t      *testing.T
	s      *system.System
	dbs    databases
	dice   *rand.Rand
	people []*person
	shaken map[string]bool // whose rights have changed
	log    []string        // what has been done, for when something is wrong
}

// seed comes from the environment to repeat a run.
func seed(t *testing.T) uint64 {
	t.Helper()
	value := uint64(time.Now().UnixNano())
	if text := os.Getenv("PROPERTY_SEED"); text != "" {
		var err error
		value, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err)
	}
	t.Logf("PROPERTY_SEED=%d repeats this run", value)
	return value
}

func newWorld(t *testing.T) *world {
	t.Helper()
	s := system.StandaloneWith(t, system.StandaloneOptions{Quiet: true, Environ: []string{
		"GATEHOUSE_UNUSUAL_LOGIN=off",
		"GATEHOUSE_ARGON2_MEMORY=7168", "GATEHOUSE_ARGON2_PASSES=5",
	}})
	w := &world{t: t, s: s, shaken: map[string]bool{}, dbs: openDatabases(t, s), dice: rand.New(rand.NewPCG(seed(t), 1))}
	for _, email := range []string{"anna@example.org", "bert@example.org", "cleo@example.org", "dora@example.org", "emil@example.org"} {
		p, login := s.Register(t, email)
		w.people = append(w.people, &person{
			Person: p, id: strconv.FormatInt(login.User.ID, 10), tokens: []string{login.Token}, links: []string{s.AwaitLink(t, email)},
		})
	}
	// Everybody is invited to the hub of the next, in different roles, so that the
	// dice begin with something to break.
	for i, p := range w.people {
		host := w.people[(i+1)%len(w.people)]
		res := w.call(host, http.MethodPost, "/v1/user", map[string]any{"email": p.Email, "role": 1 + i%5, "access": true})
		require.Equal(t, http.StatusCreated, res.Status, "%s", res.Body)
	}
	for _, p := range w.people {
		system.Eventually(t, "the invitation of "+p.Email, func() bool { return !slices.Contains(p.links, w.newestLink(p)) })
		w.accept(p)
	}
	return w
}

// oneOf throws the dice.
func oneOf[T any](w *world, from []T) T { return from[w.dice.IntN(len(from))] }

// call makes a request with one of the person's tokens and notes it.
func (w *world) call(p *person, method, path string, body any) system.Response {
	w.t.Helper()
	token := p.tokens[len(p.tokens)-1]
	if w.dice.IntN(4) == 0 { // an older one, which may be void
		token = oneOf(w, p.tokens)
	}
	return w.callWith(p, token, method, path, body)
}

func (w *world) callWith(p *person, token, method, path string, body any) system.Response {
	w.t.Helper()
	res := w.s.Call(w.t, method, path, token, body)
	text, _ := json.Marshal(body)
	w.log = append(w.log, fmt.Sprintf("%s %s %s %s → %d %.1500s", p.Email, method, path, text, res.Status, res.Body))
	require.Less(w.t, res.Status, http.StatusInternalServerError, "%s", w.history())
	w.keep(p, res)
	return res
}

// keep remembers the token of an answer. The last few are enough, of which most
// will be void.
func (w *world) keep(p *person, res system.Response) {
	var a system.Authentication
	if !res.Success || json.Unmarshal(res.Data, &a) != nil || a.Token == "" || a.Session.ID == 0 {
		return
	}
	p.tokens = append(p.tokens, a.Token)
	if len(p.tokens) > 4 {
		p.tokens = p.tokens[1:]
	}
}

// history is the end of what was done.
func (w *world) history() string {
	text := ""
	for _, line := range w.log[max(0, len(w.log)-12):] {
		text += line + "\n"
	}
	return text
}

// logIn gives the person a full session.
func (w *world) logIn(p *person) system.Response {
	w.t.Helper()
	return w.callWith(p, "", http.MethodPost, "/v1/auth", map[string]any{
		"user": p.Email, "password": p.Password, "hub": w.dice.IntN(4) > 0, "remember": w.dice.IntN(2) == 0,
	})
}

// accept opens the newest link in the person's mail and accepts the invitation,
// if it is one.
func (w *world) accept(p *person) {
	w.t.Helper()
	link := w.newestLink(p)
	if link == "" {
		return
	}
	var opened system.Authentication
	res := w.callWith(p, "", http.MethodPost, "/v1/auth/verification/"+link, nil)
	if !res.Success {
		return
	}
	p.links = append(p.links, link)
	res.Into(w.t, &opened)
	w.callWith(p, opened.Token, http.MethodPut, "/v1/activation/"+opened.Activation+"/finish", map[string]any{"password": p.Password})
}

// newestLink is the link of the person's newest mail that has one, which may be
// used already; empty if there is none.
func (w *world) newestLink(p *person) string {
	w.t.Helper()
	for _, m := range w.s.Mails(w.t, p.Email) {
		if link := system.Link(m); link != "" {
			return link
		}
	}
	return ""
}

func newDice(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 2)) }
