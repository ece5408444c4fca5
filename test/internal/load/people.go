package load

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// person logs in and out.
type person struct {
	*worker
	system.Person
	open []string // tokens, oldest first
}

// bound is how long a session may still be taken for alive after its logout.
const bound = time.Second

// kept is how many sessions a person leaves open.
const kept = 5

// logIn opens a session, uses it, and ends the one that has been open longest.
func (p *person) logIn(ctx context.Context) error {
	l := p.load.ledger
	a, err := p.call(ctx, http.MethodPost, "/v1/auth", "", map[string]any{"user": p.Email, "password": p.Password, "remember": true})
	if err != nil {
		return err
	}
	token := tokenOf(a)
	if token == "" {
		l.breakf("login of %s: status %d: %s", p.Email, a.status, a.body)
		return nil
	}
	l.with(func() { l.open[token] = time.Now() })
	p.open = append(p.open, token)
	if err := p.use(ctx, token); err != nil || len(p.open) <= kept {
		return err
	}
	oldest := p.open[0]
	p.open = slices.Delete(p.open, 0, 1)
	return p.logOut(ctx, oldest)
}

func (p *person) use(ctx context.Context, token string) error {
	a, err := p.call(ctx, http.MethodGet, "/v1/auth", token, nil)
	if err == nil && a.status != http.StatusOK {
		p.load.ledger.breakf("a session that is open was refused: status %d: %s", a.status, a.body)
	}
	return err
}

// logOut ends a session. If there is no answer nobody knows whether it has ended.
func (p *person) logOut(ctx context.Context, token string) error {
	l := p.load.ledger
	l.with(func() { delete(l.open, token) })
	a, err := p.call(ctx, http.MethodDelete, "/v1/auth", token, nil)
	switch {
	case err != nil:
		return err
	case a.status == http.StatusOK:
		l.with(func() { l.ended[token] = time.Now() })
	default:
		l.breakf("logout: status %d: %s", a.status, a.body)
	}
	return nil
}

func tokenOf(a answer) string {
	var data struct {
		Token string `json:"token"`
	}
	_ = json.Unmarshal(a.Data, &data) // without one it is empty
	if a.status != http.StatusOK {
		return ""
	}
	return data.Token
}

// watch asks who a session is that is open all the time.
func (p *person) watch(token string) func(context.Context) error {
	return func(ctx context.Context) error { return p.use(ctx, token) }
}

// haunt tries a session that was logged out.
func (p *person) haunt(ctx context.Context) error {
	l := p.load.ledger
	var token string
	l.with(func() {
		var tokens []string
		for t, at := range l.ended {
			if time.Since(at) > bound {
				tokens = append(tokens, t)
			}
		}
		if len(tokens) > 0 {
			slices.Sort(tokens)
			token = tokens[rand.IntN(len(tokens))]
		}
	})
	if token == "" {
		return nil
	}
	a, err := p.call(ctx, http.MethodGet, "/v1/auth", token, nil)
	if err == nil && a.status != http.StatusUnauthorized {
		l.breakf("a session that was logged out lives: status %d", a.status)
	}
	return err
}

// register registers somebody new each time. Who had no answer does not come
// back: the address may be registered or not.
func (p *person) register(ctx context.Context) error {
	l := p.load.ledger
	email := fmt.Sprintf("r%d@example.org", p.load.number.Add(1))
	l.with(func() { l.attempted[email] = time.Now() })
	a, err := p.call(ctx, http.MethodPost, "/v1/activation/initiate", "", map[string]any{
		"first_name": "Rita", "last_name": "Rey", "email": email,
	})
	switch {
	case err != nil:
		return err
	case a.status == http.StatusCreated:
		l.with(func() { l.registered[email] = time.Now() })
	default:
		l.breakf("registration: status %d: %s", a.status, a.body)
	}
	return nil
}

// rename changes the name of a hub.
func (p *person) rename(hash string) func(context.Context) error {
	return func(ctx context.Context) error {
		l, name := p.load.ledger, fmt.Sprintf("Harbour %d", p.load.number.Add(1))
		var token string
		l.with(func() {
			token = l.hubs[hash].token
			l.hubs[hash].maybe = append(l.hubs[hash].maybe, name)
		})
		a, err := p.call(ctx, http.MethodPut, "/v1/hub/"+hash, token, map[string]any{"name": name})
		switch {
		case err != nil:
			return err
		case a.status == http.StatusOK:
			l.with(func() { l.hubs[hash].name, l.hubs[hash].maybe = name, nil })
		default:
			l.breakf("change of a hub: status %d: %s", a.status, a.body)
		}
		return nil
	}
}
