package flow_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/flow"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/gatewaytest"
)

func TestSessionsAreEndedByIDAndByHash(t *testing.T) {
	t.Parallel()
	f := start()
	own, one, two := f.inHub(1), f.inHub(1), f.inHub(1)
	strangers := f.sessions.OpenFor(sessions.CreateRequest{User: 99, UserHash: strings.Repeat("9", 40), Scope: sessions.ScopeFull})
	for named, want := range map[api.Ref]int64{
		{ID: one.Session.ID}: one.Session.ID, {Hash: two.Session.Hash}: two.Session.ID, {Hash: own.Session.Hash}: own.Session.ID,
	} {
		ended, err := f.EndSession(t.Context(), caller(own), named)
		require.NoError(t, err)
		assert.Equal(t, want, ended)
		assert.Contains(t, f.ended, want, "it is forgotten here at once")
	}
	assert.Zero(t, f.sessions.Calls("List"))
	for _, named := range []api.Ref{{Hash: strangers.Session.Hash}, {ID: strangers.Session.ID}, {Hash: strings.Repeat("0", 40)}, {ID: one.Session.ID}} {
		_, err := f.EndSession(t.Context(), caller(own), named)
		assert.True(t, fault.Is(err, fault.NotFound), "%v", named)
	}
	assert.Len(t, f.ended, 3)
}

// older is a sessions service that knows no hashes, and does not tell what has ended.
type older struct{ *gatewaytest.Sessions }

func (o older) End(ctx context.Context, r sessions.EndRequest) (sessions.Ended, error) {
	_, err := o.Sessions.End(ctx, sessions.EndRequest{Session: r.Session, User: r.User})
	return sessions.Ended{}, err
}

func TestSessionsAreEndedAtAnOlderVersion(t *testing.T) {
	t.Parallel()
	f := start()
	f.Flow = flow.New(flow.Deps{
		Accounts: f.accounts, Sessions: older{f.sessions}, OAuth: f.oauth, Cache: f, Logger: slog.New(slog.DiscardHandler),
	})
	own, one, two := f.inHub(1), f.inHub(1), f.inHub(1)
	ended, err := f.EndSession(t.Context(), caller(own), api.Ref{ID: one.Session.ID})
	require.NoError(t, err)
	assert.Equal(t, one.Session.ID, ended)
	ended, err = f.EndSession(t.Context(), caller(own), api.Ref{Hash: two.Session.Hash})
	require.NoError(t, err)
	assert.Equal(t, two.Session.ID, ended)
	_, err = f.EndSession(t.Context(), caller(own), api.Ref{Hash: strings.Repeat("0", 40)})
	assert.True(t, fault.Is(err, fault.NotFound))
	assert.Equal(t, []int64{one.Session.ID, two.Session.ID}, f.ended, "and no other one")
}
