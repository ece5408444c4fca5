package oauth

import (
	"context"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/rpc"
)

// Logos are the pictures by which people know apps.
type Logos interface {
	// Logo gives the logo of a client, drawn anew. NotFound if it names none, none
	// could be had, or nobody has vetted it; Unavailable if too many are being
	// fetched.
	Logo(context.Context, LogoRequest) (Logo, error)
}

// LogoRequest names a client.
type LogoRequest struct {
	Client string `json:"client"` // its hash
}

// Logo is a picture, at most 256 pixels wide and high.
type Logo struct {
	MIME string `json:"mime"` // image/png or image/jpeg
	Data []byte `json:"data"`
}

// logoTimeout leaves time for a site to be asked for the picture.
const logoTimeout = 10 * time.Second

// What a process has not survived is not passed on to the next one: it is not
// Idempotent.
var logoRoute = rpc.Route[LogoRequest, Logo]{Service: Name, Method: "Logo", Callers: []string{api.Gateway}, Timeout: logoTimeout}

func mountLogos(server *rpc.Server, s Logos) { rpc.Handle(server, logoRoute, s.Logo) }

func (c client) Logo(ctx context.Context, r LogoRequest) (Logo, error) {
	return rpc.Call(ctx, c.conn, logoRoute, r)
}
