package property_test

import (
	"fmt"
	"net/http"

	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// A call is one thing that somebody may try, on whatever the dice choose.
type call struct {
	name string
	try  func(w *world, p *person) system.Response
	// enters tells that success brings the caller into a hub.
	enters bool
	// tellsPast tells that the answer is about the caller's own past.
	tellsPast bool
}

// anyUser is the number or hash of somebody who is often in the caller's hub.
func (w *world) anyUser(p *person) string {
	chosen := oneOf(w, w.people)
	if who := w.callers(p); w.dice.IntN(2) == 0 {
		hub := who[len(who)-1].hub
		s := w.dbs.read(w.t)
		for range 10 {
			if hub == "" || s.listed(hub, chosen.id) && chosen != p {
				break
			}
			chosen = oneOf(w, w.people)
		}
	}
	if w.dice.IntN(2) == 0 {
		return chosen.id
	}
	return chosen.Hash
}

// anyRow is a number or a hash of any row of a table.
func (w *world) anyRow(table string) string {
	var all []row
	for _, r := range w.dbs.read(w.t)[table] {
		all = append(all, r)
	}
	if len(all) == 0 {
		return "1"
	}
	r := oneOf(w, all)
	if w.dice.IntN(2) == 0 {
		return r["id"]
	}
	return r["hash"]
}

func get(path func(w *world, p *person) string) func(*world, *person) system.Response {
	return func(w *world, p *person) system.Response { return w.call(p, http.MethodGet, path(w, p), nil) }
}

func always(path string) func(*world, *person) string {
	return func(*world, *person) string { return path }
}

func send(method string, path func(w *world, p *person) string, body func(w *world, p *person) any) func(*world, *person) system.Response {
	return func(w *world, p *person) system.Response {
		var b any
		if body != nil {
			b = body(w, p)
		}
		return w.call(p, method, path(w, p), b)
	}
}

func user(suffix string) func(*world, *person) string { return someone("/v1/user/", suffix) }

func someone(path, suffix string) func(*world, *person) string {
	return func(w *world, p *person) string { return path + w.anyUser(p) + suffix }
}

func of(path, table, suffix string) func(*world, *person) string {
	return func(w *world, _ *person) string { return path + w.anyRow(table) + suffix }
}

// calls are tried about as often as they stand here.
var calls = []call{
	{name: "log in", try: func(w *world, p *person) system.Response { return w.logIn(p) }, enters: true},
	{name: "log in", try: func(w *world, p *person) system.Response { return w.logIn(p) }, enters: true},
	{name: "current", try: get(always("/v1/auth"))},
	{name: "refresh", try: send(http.MethodPut, always("/v1/auth"), nil)},
	{name: "log out", try: send(http.MethodDelete, always("/v1/auth"), nil)},
	{name: "enter hub", try: send(http.MethodPost, of("/v1/auth/hub/", "hubs", ""), nil), enters: true},
	{name: "enter hub", try: send(http.MethodPost, of("/v1/auth/hub/", "hubs", ""), nil), enters: true},
	{name: "leave hub", try: send(http.MethodDelete, always("/v1/auth/hub"), nil)},
	{name: "impersonate", try: send(http.MethodPost, someone("/v1/auth/impersonation/", ""), nil)},
	{name: "impersonate", try: send(http.MethodPost, someone("/v1/auth/impersonation/", ""), nil)},
	{name: "stop impersonating", try: send(http.MethodDelete, always("/v1/auth/impersonation"), nil)},

	{name: "members", try: get(always("/v1/user"))},
	{name: "member", try: get(user(""))},
	{name: "add member", try: send(http.MethodPost, always("/v1/user"), func(w *world, _ *person) any {
		return map[string]any{"email": oneOf(w, w.people).Email, "role": w.dice.IntN(6), "access": w.dice.IntN(2) == 0}
	})},
	{name: "change role", try: send(http.MethodPut, user(""), func(w *world, _ *person) any {
		return map[string]any{"role": w.dice.IntN(6)}
	})},
	{name: "change role", try: send(http.MethodPut, user(""), func(w *world, _ *person) any {
		return map[string]any{"role": w.dice.IntN(6)}
	})},
	{name: "grant", try: send(http.MethodPut, user(""), func(w *world, _ *person) any {
		return map[string]any{"impersonation": w.dice.IntN(2) == 0}
	})},
	{name: "rename", try: send(http.MethodPut, user(""), func(w *world, _ *person) any {
		return map[string]any{"first_name": fmt.Sprintf("N%d", w.dice.IntN(1000))}
	})},
	{name: "remove member", try: send(http.MethodDelete, user(""), nil)},
	{name: "invite", try: send(http.MethodPost, user("/invitation"), nil)},
	{name: "withdraw", try: send(http.MethodDelete, user("/invitation"), nil)},
	{name: "accept", try: func(w *world, p *person) system.Response {
		w.accept(p)
		return w.call(p, http.MethodGet, "/v1/auth", nil)
	}},

	{name: "hubs", try: get(always("/v1/hub"))},
	{name: "hub", try: get(of("/v1/hub/", "hubs", ""))},
	{name: "create hub", try: send(http.MethodPost, always("/v1/hub"), func(w *world, _ *person) any {
		return map[string]any{"name": fmt.Sprintf("Hub %d", w.dice.IntN(1000))}
	})},
	{name: "update hub", try: send(http.MethodPut, of("/v1/hub/", "hubs", ""), func(w *world, _ *person) any {
		return map[string]any{"name": fmt.Sprintf("Hub %d", w.dice.IntN(1000))}
	})},
	{name: "limit sessions", try: send(http.MethodPut, of("/v1/hub/", "hubs", ""), func(w *world, _ *person) any {
		return map[string]any{"session_limit": 1 + w.dice.IntN(4)}
	})},

	{name: "sessions", try: get(always("/v1/session"))},
	{name: "end session", try: send(http.MethodDelete, of("/v1/session/", "sessions", ""), nil)},
	{name: "end others", try: send(http.MethodDelete, always("/v1/session"), nil)},
	{name: "tokens", try: get(always("/v1/token"))},
	{name: "create token", try: func(w *world, p *person) system.Response {
		res := w.call(p, http.MethodPost, "/v1/token", map[string]any{"name": "script", "scopes": []string{oneOf(w, []string{"*", "read"})}})
		var created struct{ Token string }
		if res.Success {
			res.Into(w.t, &created)
			p.pats = append(p.pats, created.Token)
		}
		return res
	}},
	{name: "log in by token", try: func(w *world, p *person) system.Response {
		if len(p.pats) == 0 {
			return w.call(p, http.MethodGet, "/v1/token", nil)
		}
		return w.callWith(p, "", http.MethodPost, "/v1/auth", map[string]any{"token": oneOf(w, p.pats)})
	}},
	{name: "delete token", try: send(http.MethodDelete, of("/v1/token/", "access_tokens", ""), nil)},
	{name: "events", try: get(func(w *world, _ *person) string { return oneOf(w, []string{"/v1/audit?own=true", "/v1/audit"}) }), tellsPast: true},
	{name: "factors", try: get(always("/v1/mfa"))},
	{name: "recoveries", try: get(always("/v1/recovery"))},
	{name: "image", try: get(of("/v1/image/", "images", ""))},
	{name: "export", try: get(always("/v1/account/export")), tellsPast: true},
	{name: "used link", try: func(w *world, p *person) system.Response {
		if len(p.links) == 0 {
			return w.call(p, http.MethodGet, "/v1/auth", nil)
		}
		res := w.callWith(p, "", http.MethodPost, "/v1/auth/verification/"+oneOf(w, p.links), nil)
		if res.Status != http.StatusGone && res.Status != http.StatusNotFound {
			w.t.Fatalf("a link worked twice: %d\n%s", res.Status, w.history())
		}
		return res
	}},
}
