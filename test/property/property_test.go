// Package property_test tries random sequences of calls by several people in
// several hubs, and judges each by the rules alone: what the databases say
// before a call decides what its caller may see and change.
package property_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

func TestMain(m *testing.M) { system.Main(m) }

// A run makes so many calls, and more until each of essential has worked: a run
// in which nothing succeeds would prove nothing.
const (
	steps    = 800
	maxSteps = 20 * steps
)

var essential = []string{
	"log in", "log in by token", "enter hub", "impersonate", "members", "change role", "remove member", "accept", "update hub", "create token",
}

// TestNobodyReachesWhatIsNotTheirs makes one call after the other.
func TestNobodyReachesWhatIsNotTheirs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.dbs.read(t)
	done := map[string]int{}
	for n := 0; n < steps || n < maxSteps && !all(done, essential); n++ {
		p, c := oneOf(w, w.people), oneOf(w, calls)
		who := w.callers(p)
		res := c.try(w, p)
		after := w.dbs.read(t)
		w.judgeAnswer(p, c, who, before, after, res)
		w.judgeChanges(c.name, p, who, before, after)
		w.judgeInvariants(c.name, after)
		if c.enters {
			w.judgeLimit(p, after, res)
		}
		if res.Status < http.StatusBadRequest {
			done[c.name]++
		}
		before = after
	}
	for _, name := range essential {
		require.Positive(t, done[name], "%s never worked: %v", name, done)
	}
	t.Logf("what worked: %v", done)
}

func all(done map[string]int, names []string) bool {
	for _, name := range names {
		if done[name] == 0 {
			return false
		}
	}
	return true
}

// TestInvariantsHoldAgainstManyAtOnce lets everybody call at the same time. Who
// may see what is no question then; the invariants are.
func TestInvariantsHoldAgainstManyAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 25 {
		var group sync.WaitGroup
		for _, p := range w.people {
			// Dice and history are the world's, so each has a world of their own.
			mine := &world{t: t, s: w.s, dbs: w.dbs, people: w.people, dice: newDice(w.dice.Uint64())}
			group.Go(func() {
				for range 4 {
					oneOf(mine, calls).try(mine, p)
				}
			})
		}
		group.Wait()
		w.judgeInvariants("many at once", w.dbs.read(t))
	}
}

// caller is on whose behalf one of the person's tokens speaks.
type caller struct {
	session, user, hub string
	// impersonator is who acts as the user.
	impersonator string
}

// callers are whom the person's tokens may be taken for: the calls choose one of
// them.
func (w *world) callers(p *person) []caller {
	all := []caller{{user: p.id}}
	sessions := w.dbs.read(w.t)["sessions"]
	for _, token := range p.tokens {
		payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
		require.NoError(w.t, err)
		var claims struct {
			Session int64  `json:"ses"`
			Hub     *int64 `json:"hub"`
		}
		require.NoError(w.t, json.Unmarshal(payload, &claims))
		session := sessions[strconv.FormatInt(claims.Session, 10)]
		c := caller{session: session["id"], user: session["user_id"], hub: session["hub_id"]}
		if c.user != p.id {
			c.impersonator = p.id
		}
		all = append(all, c)
	}
	return all
}

var hashes = regexp.MustCompile(`\b[0-9a-f]{40}\b`)

// judgeAnswer makes sure that an answer names nothing that its reader has no
// business with. What a call has created or entered counts as its reader's.
func (w *world) judgeAnswer(p *person, c call, who []caller, before, after state, res system.Response) {
	w.t.Helper()
	if res.Status >= http.StatusBadRequest {
		require.Empty(w.t, hashes.FindAllString(string(res.Body), -1), "a refusal names something\n%s", w.history())
		return
	}
	who = append(who, w.callers(p)...)
	body := res.Data
	if !res.Success {
		body = res.Body // an export, which has no envelope
	}
	for _, hash := range hashes.FindAllString(string(body), -1) {
		table, r := find(after, hash)
		if table == "" {
			table, r = find(before, hash)
		}
		visible := table == "" || // names nothing that belongs to somebody
			c.tellsPast && table == "users" // whoever did something to the reader is named to them
		for _, someone := range who {
			visible = visible || mayRead(before, someone, table, r) || mayRead(after, someone, table, r)
		}
		at := bytes.Index(body, []byte(hash))
		require.True(w.t, visible, "%s has no business with %s %v\n%s\nin …%s…", p.Email, table, r, w.history(),
			body[max(0, at-600):min(len(body), at+200)])
	}
}

func find(s state, hash string) (table string, r row) {
	for name, rows := range s {
		for _, r := range rows {
			if r["hash"] == hash && name != "memberships" {
				return name, r
			}
		}
	}
	return "", nil
}

// mayRead is the rule of who sees what.
func mayRead(s state, c caller, table string, r row) bool {
	switch table {
	case "users":
		return r["id"] == c.user || r["id"] == c.impersonator || c.hub != "" && s.listed(c.hub, r["id"]) && s.role(c.hub, c.user) >= roleUser
	case "hubs":
		return s.joined(r["id"], c.user)
	case "images":
		return r["user_id"] == c.user || c.hub != "" && s.role(c.hub, r["user_id"]) > 0 && s.role(c.hub, c.user) >= roleUser
	default: // sessions, tokens, factors
		return r["user_id"] == c.user
	}
}

// judgeChanges makes sure that a call has changed nothing that its caller has no
// right to.
func (w *world) judgeChanges(name string, p *person, who []caller, before, after state) {
	w.t.Helper()
	for _, c := range changes(before, after) {
		allowed := false
		for _, someone := range append(who, w.callers(p)...) {
			allowed = allowed || mayChange(before, after, someone, c)
		}
		// Of what a member may do no more, the sessions end, soon after the call.
		allowed = allowed || c.table == "sessions" && c.after["ended_time"] != "" && w.shaken[c.of("user_id")]
		if c.table == "memberships" {
			w.shaken[c.of("user_id")] = true
		}
		require.True(w.t, allowed, "%q by %s changed %s %s from %v to %v\n%s", name, p.Email, c.table, c.key, c.before, c.after, w.history())
	}
}

// mayChange is the rule of who changes what.
func mayChange(before, after state, c caller, what change) bool {
	role := before.role(c.hub, c.user)
	switch what.table {
	case "hubs":
		return before.role(what.key, c.user) >= roleAdministrator || what.before == nil && after.role(what.key, c.user) == roleOwner
	case "memberships":
		hub, member := what.of("hub_id"), what.of("user_id")
		if member == c.user || member == c.impersonator { // joins, leaves, founds
			return what.after == nil || what.before == nil && after.role(hub, member) == roleOwner && before["hubs"][hub] == nil ||
				what.before != nil && what.before["joined_time"] == "" ||
				what.before["role"] >= what.after["role"]
		}
		highest := strconv.Itoa(role)
		return hub == c.hub && role >= roleAdministrator &&
			(what.before == nil || what.before["role"] <= highest) && (what.after == nil || what.after["role"] <= highest)
	case "users":
		return what.key == c.user || what.before == nil || role >= roleTechnical && before.role(c.hub, what.key) > 0
	case "sessions":
		owner, hub := what.of("user_id"), what.of("hub_id")
		return owner == c.user || owner == c.impersonator ||
			what.of("parent_id") != "" || // within a session of the caller's, or ended by the user's own
			hub != "" && before.role(hub, owner) < roleUser || // follows from a change that another call has made
			hub == c.hub && role >= roleAdministrator || before["users"][owner]["status"] != after["users"][owner]["status"]
	default: // credentials, images, factors, tokens
		return what.of("user_id") == c.user
	}
}

// judgeInvariants makes sure of what always holds.
func (w *world) judgeInvariants(name string, s state) {
	w.t.Helper()
	for id, hub := range s["hubs"] {
		require.Positive(w.t, s.owners(id), "after %q nobody owns %v\n%s", name, hub, w.history())
	}
}

// judgeLimit makes sure that whoever has just come into a hub has no more
// sessions there than it allows. A limit that is lowered ends nothing by itself.
func (w *world) judgeLimit(p *person, s state, res system.Response) {
	w.t.Helper()
	var entered struct {
		Hub   *struct{ ID int64 } `json:"hub"`
		Token string              `json:"token"`
	}
	if !res.Success || json.Unmarshal(res.Data, &entered) != nil || entered.Hub == nil || entered.Token == "" {
		return
	}
	hub := strconv.FormatInt(entered.Hub.ID, 10)
	limit, err := strconv.Atoi(s["hubs"][hub]["session_limit"])
	require.NoError(w.t, err)
	require.LessOrEqual(w.t, s.open(p.id, hub), limit, "%s has too many sessions\n%s", p.Email, w.history())
}
