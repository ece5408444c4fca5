package authorize

import (
	"context"
	"net/url"
	"strings"

	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/dpop"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/evidence"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/replay"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/wire"
)

// pushedURN begins the request_uri of a pushed request (RFC 9126 section 2.2).
const pushedURN = "urn:ietf:params:oauth:request_uri:"

var errPushed = fosite.ErrInvalidRequestURI.WithDescription(
	"The request_uri is not known, has expired, has been answered, or is another client's.").WithHint("")

// Push stores a request that its client has sent directly, and gives the
// request_uri that its browser has to come with within [PushedFor] (RFC 9126).
// The request is as good as one that arrives with a browser, or is refused with
// the error that the browser would have brought back.
func (f *Flow) Push(ctx context.Context, c *client.Client, form url.Values) (string, error) {
	uri, err := f.push(ctx, c, form)
	if err != nil {
		f.Metrics.Authorization(wire.FailureOf(err).Code)
		return "", err
	}
	f.Metrics.Authorization("pushed")
	return uri, nil
}

func (f *Flow) push(ctx context.Context, c *client.Client, form url.Values) (string, error) {
	r, err := f.Parser.parsePushed(ctx, c, form)
	if err != nil {
		return "", err
	}
	if e := evidence.From(ctx); e.KeyThumbprint != "" && !c.Signs(e.KeyAlgorithm) {
		return "", dpop.ErrAlgorithm
	}
	if err := r.bind(evidence.From(ctx).KeyThumbprint); err != nil {
		return "", err
	}
	if err := f.Requests.room(ctx, c.ID, true, r.vouched()); err != nil {
		return "", err
	}
	var id string
	err = f.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		if err := replay.Spend(ctx, tx, evidence.From(ctx).Spends); err != nil {
			return err
		}
		id, err = f.Requests.push(ctx, tx, r, f.Clock.Now())
		return err
	})
	return pushedURN + id, evidence.Refusal(err)
}

// open takes a pushed request that a browser has come with. What else came with
// it does not count (RFC 9126 section 4). Until the request is answered it may
// be opened again: people reload pages.
func (f *Flow) open(ctx context.Context, form url.Values, login *oauth.Login) (oauth.Authorization, error) {
	if tooLarge(form) || !wire.Text(form) {
		return f.refuse(nil, errLarge)
	}
	switch {
	case len(form["client_id"]) != 1 || len(form["request_uri"]) != 1:
		return f.refuse(nil, fosite.ErrInvalidRequest.WithHint("The client_id is missing, or a parameter is repeated."))
	case form.Get("request") != "":
		return f.refuse(nil, fosite.ErrInvalidRequest.WithHint("There is a request beside the request_uri."))
	}
	answer, err := f.goOn(ctx, strings.TrimPrefix(form.Get("request_uri"), pushedURN), form.Get("client_id"), login)
	if fault.Is(err, fault.Gone) {
		return f.refuse(nil, errPushed)
	}
	return answer, err
}

func (f *Flow) goOn(ctx context.Context, id, clientID string, login *oauth.Login) (oauth.Authorization, error) {
	w, err := f.Requests.pushed(ctx, id, clientID, f.Clock.Now())
	if err != nil {
		return oauth.Authorization{}, err
	}
	r, err := f.Parser.again(ctx, w)
	if err := f.meet(ctx, r, login); err != nil {
		return oauth.Authorization{}, err
	}
	if err != nil {
		return f.end(ctx, id, r, err)
	}
	t := f.turn(r, login, id, &w)
	if w.unopened {
		t.waited, t.created = false, f.Clock.Now()
	}
	return f.decide(ctx, t)
}
