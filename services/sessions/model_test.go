package sessions

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// model says by rules of a line or two what must be good after any sequence of
// calls.
type model struct {
	now      time.Time
	sessions map[int64]*modelSession
	tokens   []*modelToken
}

type modelSession struct {
	id, user, hub, parent int64 // hub 0: none, parent 0: none
	remember, ended       bool
	created, expires      time.Time
}

type modelToken struct {
	token   sessions.Token
	session *modelSession
	expires time.Time
	void    bool
}

func (m *model) alive(s *modelSession) bool { return s != nil && !s.ended && s.expires.After(m.now) }

func (m *model) good(t *modelToken) bool {
	return m.alive(t.session) && !t.void && t.expires.After(m.now)
}

func (m *model) endIf(match func(*modelSession) bool) {
	for _, s := range m.sessions {
		if match(s) {
			s.ended = true
		}
	}
	for _, s := range m.sessions {
		if s.parent != 0 && m.sessions[s.parent].ended {
			s.ended = true
		}
	}
}

func (m *model) limit(kept *modelSession, limit int) {
	if limit == 0 {
		return
	}
	var others []*modelSession
	for _, s := range m.sessions {
		if m.alive(s) && s != kept && s.parent == 0 && s.user == kept.user && s.hub == kept.hub {
			others = append(others, s)
		}
	}
	slices.SortFunc(others, func(a, b *modelSession) int { return cmp.Compare(b.id, a.id) })
	surplus := others[min(limit-1, len(others)):]
	m.endIf(func(s *modelSession) bool { return slices.Contains(surplus, s) })
}

func (m *model) extend(s *modelSession) {
	s.expires = m.now.Add(shortLife)
	if s.remember {
		s.expires = m.now.Add(longLife)
	}
	if s.parent != 0 {
		s.expires = earliest(s.expires, m.sessions[s.parent].expires)
	}
}

func (m *model) issued(t sessions.Token, s *modelSession) {
	m.tokens = append(m.tokens, &modelToken{token: t, session: s, expires: s.expires})
}

// player makes random calls and tells the model.
type player struct {
	*fixture
	m   *model
	rnd *rand.Rand
	log []string // for when it goes wrong
}

var (
	modelUsers = []int64{olli, mia, 9}
	modelHubs  = []int64{0, 1, 2}
)

func (p *player) pick(of []int64) int64 { return of[p.rnd.IntN(len(of))] }

// session picks any, open or not; nil if there is none.
func (p *player) session() *modelSession {
	ids := make([]int64, 0, len(p.m.sessions))
	for id := range p.m.sessions {
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return &modelSession{id: 987654, ended: true}
	}
	slices.Sort(ids)
	return p.m.sessions[p.pick(ids)]
}

func hubRef(hub int64) *int64 {
	if hub == 0 {
		return nil
	}
	return &hub
}

// want checks how a call went; it tells whether it should have succeeded.
func (p *player) want(err error, kind fault.Kind, call string, args ...any) bool {
	p.t.Helper()
	p.log = append(p.log, fmt.Sprintf(call, args...)+fmt.Sprintf(" = %v", err))
	if kind == "" {
		require.NoError(p.t, err, "%v", p.log)
		return true
	}
	require.Error(p.t, err, "%v", p.log)
	require.Equal(p.t, kind, fault.From(err).Kind, "%v", p.log)
	return false
}

func (p *player) create() {
	r := login(p.pick(modelUsers), hubRef(p.pick(modelHubs)))
	r.Limit, r.Remember = p.rnd.IntN(4), p.rnd.IntN(3) == 0
	var kind fault.Kind
	var replaced *modelSession
	if p.rnd.IntN(4) == 0 {
		replaced = p.session()
		r.Replaces = &replaced.id
		if !p.m.alive(replaced) || replaced.user != r.User {
			kind = fault.Unauthenticated
		}
	}
	token, err := p.Create(p.t.Context(), r)
	if !p.want(err, kind, "create %d in %v, %d, replaces %v: %d", r.User, r.Hub, r.Limit, replaced, token.Session.ID) {
		return
	}
	s := &modelSession{id: token.Session.ID, user: r.User, remember: r.Remember, created: p.m.now}
	if r.Hub != nil {
		s.hub = *r.Hub
	}
	p.m.sessions[s.id] = s
	p.m.extend(s)
	p.m.issued(token, s)
	p.m.endIf(func(o *modelSession) bool { return o == replaced })
	p.m.limit(s, r.Limit)
}

func (p *player) switchSome() {
	s, hub, limit := p.session(), p.pick(modelHubs), p.rnd.IntN(3)
	var kind fault.Kind
	if !p.m.alive(s) {
		kind = fault.Unauthenticated
	} else if s.parent != 0 {
		kind = fault.Forbidden
	}
	token, err := p.SwitchHub(p.t.Context(), sessions.SwitchHubRequest{Session: s.id, Hub: hubRef(hub), Limit: limit})
	if !p.want(err, kind, "switch %d to %d, %d", s.id, hub, limit) {
		return
	}
	for _, t := range p.m.tokens {
		t.void = t.void || t.session == s
	}
	s.hub = hub
	p.m.extend(s)
	p.m.issued(token, s)
	p.m.endIf(func(o *modelSession) bool { return o.parent == s.id })
	p.m.limit(s, limit)
}

func (p *player) impersonateSome() {
	parent, user, hub := p.session(), p.pick(modelUsers), p.pick(modelHubs)
	var kind fault.Kind
	if !p.m.alive(parent) {
		kind = fault.Unauthenticated
	} else if parent.parent != 0 || hub == 0 || parent.hub != hub || parent.user == user {
		kind = fault.Forbidden
	}
	token, err := p.Impersonate(p.t.Context(), asMember(parent.id, user, hub))
	if !p.want(err, kind, "impersonate %d from %d in %d: %d", user, parent.id, hub, token.Session.ID) {
		return
	}
	s := &modelSession{id: token.Session.ID, user: user, hub: hub, parent: parent.id, created: p.m.now}
	p.m.sessions[s.id] = s
	p.m.extend(s)
	p.m.issued(token, s)
}

func (p *player) stopSome() {
	s := p.session()
	var kind fault.Kind
	if !p.m.alive(s) {
		kind = fault.Unauthenticated
	} else if s.parent == 0 {
		kind = fault.Forbidden
	}
	token, err := p.StopImpersonation(p.t.Context(), sessions.StopImpersonationRequest{Session: s.id})
	if !p.want(err, kind, "stop %d", s.id) {
		return
	}
	s.ended = true
	parent := p.m.sessions[s.parent]
	p.m.extend(parent)
	p.m.issued(token, parent)
}

func (p *player) endSome() {
	s := p.session()
	r := sessions.EndRequest{Session: s.id}
	var kind fault.Kind
	if p.rnd.IntN(2) == 0 {
		r.User = p.pick(modelUsers)
		if !p.m.alive(s) || s.user != r.User {
			kind = fault.NotFound
		}
	}
	_, err := p.End(p.t.Context(), r)
	if p.want(err, kind, "end %d of %d", s.id, r.User) {
		p.m.endIf(func(o *modelSession) bool { return o == s })
	}
}

func (p *player) endMany() {
	user, hub, before := p.pick(modelUsers), p.pick(modelHubs), p.m.now.Add(time.Hour)
	r := sessions.EndAllRequest{User: user, Hub: hubRef(hub)}
	var except int64
	if p.rnd.IntN(2) == 0 {
		except = p.session().id
		r.Except = &except
	}
	if p.rnd.IntN(2) == 0 {
		before = p.m.now.Add(-time.Duration(p.rnd.IntN(20)) * time.Minute)
		r.Before = before
	}
	_, err := p.EndAll(p.t.Context(), r)
	p.want(err, "", "end all of %d in %d but %d before %s", user, hub, except, before)
	p.m.endIf(func(s *modelSession) bool {
		within := s.parent != 0 && s.parent == except && p.m.sessions[s.parent].user == user
		return (s.user == user && s.id != except || within) && s.created.Before(before) && (hub == 0 || s.hub == hub)
	})
}

func (p *player) refreshSome() {
	if len(p.m.tokens) == 0 {
		return
	}
	t := p.m.tokens[p.rnd.IntN(len(p.m.tokens))]
	var kind fault.Kind
	if !p.m.good(t) {
		kind = fault.Unauthenticated
	}
	token, err := p.Refresh(p.t.Context(), sessions.RefreshRequest{Token: t.token.Token})
	if p.want(err, kind, "refresh %d", t.session.id) {
		p.m.extend(t.session)
		p.m.issued(token, t.session)
	}
}

// check compares all tokens, the lists and the feed with the model.
func (p *player) check(since time.Time, before map[int64]bool) {
	p.t.Helper()
	for i, t := range p.m.tokens {
		got, err := p.resolve(t.token.Token)
		require.Equal(p.t, p.m.good(t), err == nil, "token %d of %+v: %v, %v", i, t.session, err, p.log)
		if err == nil {
			require.Equal(p.t, hubRef(t.session.hub), got.Session.Hub, "%v", p.log)
			require.True(p.t, t.session.expires.Equal(got.Session.ExpirationTime), "%+v: %v", t.session, p.log)
		}
	}
	feed := p.revoked(since)
	open := 0
	for id, s := range p.m.sessions {
		if s.ended && !before[id] {
			require.Contains(p.t, feed.Sessions, id, "%v", p.log)
		}
		if p.m.alive(s) {
			open++
		}
	}
	listed := 0
	for _, user := range modelUsers {
		list, err := p.List(p.t.Context(), sessions.ListRequest{User: user})
		require.NoError(p.t, err)
		listed += list.Total
	}
	require.Equal(p.t, open, listed, "%v", p.log)
}

func TestRandomSequencesKeepToTheModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			onEach(t, func(t *testing.T, f *fixture) {
				p := &player{
					fixture: f, rnd: rand.New(rand.NewPCG(seed, 1)),
					m: &model{now: f.clock.Now(), sessions: map[int64]*modelSession{}},
				}
				calls := []func(){
					p.create, p.create, p.create, p.switchSome, p.switchSome, p.impersonateSome, p.impersonateSome,
					p.impersonateSome, p.stopSome, p.endSome, p.endMany, p.refreshSome, p.refreshSome,
				}
				for range 80 {
					before := map[int64]bool{}
					for id, s := range p.m.sessions {
						before[id] = s.ended
					}
					since := p.m.now
					calls[p.rnd.IntN(len(calls))]()
					p.check(since, before)
					f.clock.Advance(time.Duration(p.rnd.IntN(3)) * 2 * time.Minute)
					p.m.now = f.clock.Now()
				}
			}, func(c *Config) { c.Leeway = 0 })
		})
	}
}
