package sessions

import (
	"cmp"
	"context"
	"slices"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/services/sessions/internal/store"
)

// List lists the open full sessions of a user, those included in which somebody
// else acts as the user; the last used one first.
func (s *Service) List(ctx context.Context, r sessions.ListRequest) (sessions.SessionList, error) {
	uses, err := store.LastUses(ctx, s.db, r.User, s.now())
	if err != nil {
		return sessions.SessionList{}, err
	}
	for i := range uses {
		uses[i].Time = s.uses.latest(uses[i].Session, uses[i].Time)
	}
	slices.SortFunc(uses, func(a, b store.LastUse) int {
		return cmp.Or(b.Time.Compare(a.Time), cmp.Compare(b.Session, a.Session))
	})
	list := sessions.SessionList{Sessions: []sessions.Opened{}, Total: len(uses)}
	page := uses[min(offset(r.Page), len(uses)):]
	page = page[:min(size(r.Page), len(page))]
	list.Sessions, err = s.opened(ctx, page)
	return list, err
}

// opened reads the sessions of a page, in its order. One that was deleted
// meanwhile is missing.
func (s *Service) opened(ctx context.Context, page []store.LastUse) ([]sessions.Opened, error) {
	ids := make([]int64, len(page))
	for i, use := range page {
		ids[i] = use.Session
	}
	records, err := store.FindAll(ctx, s.db, ids)
	if err != nil {
		return nil, err
	}
	byID := make(map[int64]store.Record, len(records))
	for _, r := range records {
		byID[r.ID] = r
	}
	opened := []sessions.Opened{}
	for _, use := range page {
		if r, ok := byID[use.Session]; ok {
			opened = append(opened, sessions.Opened{
				Session: r.Session, Address: r.Address, UserAgent: r.UserAgent, LastUsedTime: use.Time,
			})
		}
	}
	return opened, nil
}

// size is how many items are on the page.
func size(p api.Page) int {
	if p.Size < 1 {
		return api.DefaultPageSize
	}
	return min(p.Size, api.MaxPageSize)
}

// farthest is beyond the end of any list, and far from overflowing.
const farthest = 1 << 40

// offset is how many items come before the page.
func offset(p api.Page) int {
	if p.Number < 1 {
		return 0
	}
	return (min(p.Number, farthest/api.MaxPageSize) - 1) * size(p)
}
