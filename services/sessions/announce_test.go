package sessions

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions/announce"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/redisdb"
)

func TestGatewaysAreToldAtOnce(t *testing.T) {
	t.Parallel()
	for name, way := range map[string]struct {
		do   func(f *fixture, a, b sessions.Token)
		want func(a, b int64) announce.News
	}{
		"an end": {
			func(f *fixture, a, _ sessions.Token) { f.end(a.Session.ID) },
			func(a, _ int64) announce.News { return announce.News{Ended: []int64{a}} },
		},
		"an end of all": {
			func(f *fixture, _, _ sessions.Token) { f.endAll(sessions.EndAllRequest{User: olli}) },
			func(a, b int64) announce.News { return announce.News{Ended: []int64{a, b}} },
		},
		"a change of the hub": {
			func(f *fixture, a, _ sessions.Token) { f.switchHub(a.Session.ID, nil) },
			func(a, _ int64) announce.News { return announce.News{Changed: []int64{a}} },
		},
		"a step up": {
			func(f *fixture, a, _ sessions.Token) {
				_, err := f.Elevate(f.t.Context(), sessions.ElevateRequest{Session: a.Session.ID, Methods: []sessions.Method{sessions.MethodOTP}})
				require.NoError(f.t, err)
			},
			func(a, _ int64) announce.News { return announce.News{Changed: []int64{a}} },
		},
		"nothing that was rolled back": {
			func(f *fixture, a, b sessions.Token) {
				failed := errors.New("failed")
				err := f.db.Tx(f.t.Context(), func(_ context.Context, tx *db.Tx) error {
					f.changed(tx, a.Session.ID)
					return failed
				})
				require.ErrorIs(f.t, err, failed)
				f.end(b.Session.ID)
			},
			func(_, b int64) announce.News { return announce.News{Ended: []int64{b}} },
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := miniredis.RunT(t)
			onEach(t, func(t *testing.T, f *fixture) {
				client := redisdb.New(redisdb.Options{Address: server.Addr(), Patience: time.Minute})
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				subscription, err := client.Subscribe(ctx, "gatehouse:sessions")
				require.NoError(t, err)
				defer subscription.Close()
				a := f.open(sessions.CreateRequest{User: olli, UserHash: olliHash, Scope: sessions.ScopeFull})
				b := f.open(sessions.CreateRequest{User: olli, UserHash: olliHash, Scope: sessions.ScopeFull})
				stop := f.run()
				defer stop()

				way.do(f, a, b)
				message, err := subscription.Receive()
				require.NoError(t, err, "nothing was told")
				var n announce.News
				require.NoError(t, json.Unmarshal(message, &n))
				slices.Sort(n.Ended)
				assert.Equal(t, way.want(a.Session.ID, b.Session.ID), n)
			}, func(c *Config) { c.Redis.URL = "redis://" + server.Addr() })
		})
	}
}
