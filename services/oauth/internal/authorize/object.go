package authorize

import (
	"context"
	"net/url"

	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/resource"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/wire"
)

// unwrap gives the parameters of the request object that a request brings along
// or refers to; no others count from then on (RFC 9101 section 6.3). What is
// wrong with the object belongs to the client only if the request says outside
// of it where to, and that is the client's: the Request is nil otherwise.
func (p *Parser) unwrap(ctx context.Context, form url.Values) (*Request, url.Values, error) {
	r, err := p.ask(ctx, pick(form))
	if r.Client == nil {
		return nil, nil, nobody(form, err)
	}
	c, sender := r.Client, r
	if form.Get("redirect_uri") == "" || r.prove(form) != nil {
		sender = nil
	}
	inner, err := p.object(ctx, c, form)
	return sender, inner, err
}

func (p *Parser) object(ctx context.Context, c *client.Client, form url.Values) (inner url.Values, err error) {
	text, reference := form.Get("request"), form.Get("request_uri")
	switch {
	case wire.Repeated(form, resource.Parameter) != "":
		return nil, fosite.ErrInvalidRequest.WithHint("A parameter is repeated.")
	case text != "" && reference != "":
		return nil, fosite.ErrInvalidRequest.WithHint("There is a request beside the request_uri.")
	case text == "":
		if text, err = p.Objects.Fetch(ctx, c, reference); err != nil {
			return nil, err
		}
	}
	inner, err = p.Objects.Read(ctx, c, text, append([]string{"id_token_hint"}, names...))
	if err != nil {
		return nil, err
	}
	outside := form.Get("response_type")
	switch {
	case tooLarge(inner) || !wire.Text(inner):
		return nil, fosite.ErrInvalidRequestObject.WithHint("It is too large, or not UTF-8.")
	case outside != "" && outside != inner.Get("response_type"):
		return nil, fosite.ErrInvalidRequestObject.WithHint("The response_type is another one than outside of it.")
	}
	inner.Set("client_id", c.ID)
	return inner, nil
}
