package rest

import (
	"net/http"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/compose"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/query"
)

// events is GET /v1/audit.
func (a *API) events(_ http.ResponseWriter, r *http.Request) (reply, error) {
	q := query.Read(r)
	page := q.Page()
	in, err := eventsRequest(r, q)
	if err != nil {
		return reply{}, err
	}
	in.Page = page
	found, err := a.deps.Accounts.ListEvents(r.Context(), in)
	if err != nil {
		return reply{}, err
	}
	return list(each(found.Events, compose.EventOf), in.Page, found.Total), nil
}

// eventsRequest reads which events are asked for. Those of a hub are there only
// for who is in it.
func eventsRequest(r *http.Request, q *query.Values) (accounts.ListEventsRequest, error) {
	own := q.Bool("own", false)
	inside := edge.HubSession
	if own {
		inside = edge.FullSession
	}
	caller, err := inside(r.Context())
	if err != nil {
		return accounts.ListEventsRequest{}, err
	}
	in := accounts.ListEventsRequest{
		Actor: actor(caller), Own: own, Kind: q.Text("kind"), User: q.Ref("user"), From: q.Time("from"), To: q.Time("to"),
	}
	return in, q.Err()
}

// exportPage is how many events are asked for at once.
var exportPage = api.Page{Number: 1, Size: api.MaxPageSize}

// exportEvents is GET /v1/audit/export. What is not allowed is refused before
// the first byte; afterwards a failure can only cut the answer off.
func (a *API) exportEvents(w http.ResponseWriter, r *http.Request) (reply, error) {
	in, err := eventsRequest(r, query.Read(r))
	if err != nil {
		return reply{}, err
	}
	in.Page, in.Before = exportPage, newest
	found, err := a.deps.Accounts.ListEvents(r.Context(), in)
	if err != nil {
		return reply{}, err
	}
	attach(w.Header(), "text/csv; charset=utf-8; header=present", "audit-"+a.today()+".csv")
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return sent, nil
	}
	a.writeEvents(w, r, in, found.Events)
	return sent, nil
}

// today is the date for names of files.
func (a *API) today() string { return a.deps.Clock.Now().UTC().Format("2006-01-02") }
