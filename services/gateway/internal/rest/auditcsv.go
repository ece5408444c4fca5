package rest

import (
	"encoding/csv"
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
)

// newest is beyond every event's number.
const newest = math.MaxInt64

// eventColumns name the columns of the export.
var eventColumns = []string{
	"id", "created_time", "kind", "actor", "actor_user", "actor_user_name", "user", "user_name",
	"impersonator", "impersonator_name", "hub", "address", "user_agent", "detail",
}

// writeEvents writes the first events and then all that are older, page by page.
func (a *API) writeEvents(w http.ResponseWriter, r *http.Request, in accounts.ListEventsRequest, events []accounts.Event) {
	table := csv.NewWriter(w)
	table.UseCRLF = true          // RFC 4180
	_ = table.Write(eventColumns) // the writer keeps its error for Flush
	for {
		for _, e := range events {
			_ = table.Write(row(e))
			in.Before = e.ID
		}
		table.Flush()
		if table.Error() != nil {
			return // the client went away; nothing to tell it
		}
		if len(events) < in.Page.Size {
			return
		}
		found, err := a.deps.Accounts.ListEvents(r.Context(), in)
		if err != nil {
			edge.Explain(r.Context(), err) // logs it
			panic(http.ErrAbortHandler)    // half a table must not look like a whole one
		}
		events = found.Events
	}
}

func row(e accounts.Event) []string {
	hub := ""
	if e.Hub != nil {
		hub = strconv.FormatInt(*e.Hub, 10)
	}
	detail, _ := json.Marshal(e.Detail) // it has come as JSON
	if len(e.Detail) == 0 {
		detail = nil
	}
	cells := []string{
		strconv.FormatInt(e.ID, 10), e.CreatedTime.UTC().Format("2006-01-02T15:04:05.000000Z"), e.Kind, e.Actor,
	}
	for _, p := range []*accounts.Person{e.ActorUser, e.User, e.Impersonator} {
		if p == nil {
			p = &accounts.Person{}
		}
		cells = append(cells, p.Hash, strings.TrimSpace(p.FirstName+" "+p.LastName))
	}
	cells = append(cells, hub, e.Address, e.UserAgent, string(detail))
	for i := range cells {
		cells[i] = harmless(cells[i])
	}
	return cells
}

// harmless keeps a spreadsheet from taking a cell for a formula: names and user
// agents are whatever somebody has written.
func harmless(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}
