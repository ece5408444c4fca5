package rest

import (
	"net/http"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/envelope"
)

// endpoint answers one kind of request. It writes headers at most; the body is
// the envelope's, unless the reply is sent.
type endpoint func(w http.ResponseWriter, r *http.Request) (reply, error)

// reply is what an endpoint answers if all goes well.
type reply struct {
	status int
	data   any
	meta   *envelope.Meta // of a list
}

// sent is the reply of an endpoint that has written its body itself.
var sent = reply{}

func ok(data any) reply { return reply{status: http.StatusOK, data: data} }

func created(data any) reply { return reply{status: http.StatusCreated, data: data} }

// list replies with a page of so many items in all. A page without any is an
// empty list, never null.
func list[T any](items []T, p api.Page, total int) reply {
	if items == nil {
		items = []T{}
	}
	return reply{status: http.StatusOK, data: items, meta: envelope.PageOf(p, total)}
}

// each makes a document of each item.
func each[T, D any](items []T, document func(T) D) []D {
	documents := make([]D, 0, len(items))
	for _, item := range items {
		documents = append(documents, document(item))
	}
	return documents
}

// actor is the caller as the services know who does something.
func actor(caller edge.Caller) api.Actor { return caller.Actor() }

// ref reads the wildcard of a path that names an object, by its number or by
// its hash. NotFound if it can name none.
func ref(r *http.Request, wildcard string) (api.Ref, error) {
	if named, ok := api.ParseRef(r.PathValue(wildcard)); ok {
		return named, nil
	}
	return api.Ref{}, fault.New(fault.NotFound, "")
}

// modified makes a conflict with somebody else's change the failed precondition
// of a conditional request.
func modified(r *http.Request, err error) error {
	if envelope.Conditional(r) && fault.Is(err, fault.Conflict) && fault.From(err).Message.ID == "fault.modified" {
		return edge.ErrPreconditionFailed()
	}
	return err
}
