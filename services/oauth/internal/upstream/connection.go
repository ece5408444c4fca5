package upstream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
	"golang.org/x/oauth2"
)

// metadataLife is how long a provider's metadata is believed (OpenID Connect
// Discovery). Its keys are fetched anew whenever a token names an unknown one.
const metadataLife = time.Hour

var (
	// errRefused is an answer that proves nothing.
	errRefused = errors.New("upstream: refused")
	// errForeign is an answer about somebody who is not let in from there.
	errForeign = errors.New("upstream: not one of the domains or tenants")
)

func refused(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{errRefused}, args...)...)
}

// connection is the way to a provider.
type connection struct {
	settings Provider // complete
	kind     kind
	hub      *int64 // that has brought it along; nil: the installation's
	path     string // its name in our addresses
	hosted   string // redirect URI of our own page
	clock    clockwork.Clock
	logger   *slog.Logger
	client   *http.Client

	mu      sync.Mutex
	known   party
	fetched time.Time // or tried
	failure error     // of the last try
}

// party asks for the metadata unless it is known. If asking fails, what was
// known before is better than nothing, and nobody asks again for a while: a
// provider that is down must not make everybody wait for it in turn.
func (c *connection) party(ctx context.Context) (party, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	believed := metadataLife
	if c.failure != nil {
		believed = retryAfter
	}
	if c.fetched.IsZero() || c.clock.Since(c.fetched) >= believed {
		// The first who asks does so for all: that they go away does not end it.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
		defer cancel()
		found, err := c.kind.connect(ctx, c)
		c.fetched, c.failure = c.clock.Now(), err
		if err == nil {
			c.known = found
		}
	}
	if c.known == nil {
		return nil, c.failure
	}
	return c.known, nil
}

// token exchanges the code at the token endpoint.
func (c *connection) token(ctx context.Context, o *oauth2.Config, b begun, code string) (*oauth2.Token, error) {
	ctx = context.WithValue(ctx, oauth2.HTTPClient, c.client)
	token, err := o.Exchange(ctx, code, oauth2.VerifierOption(b.Secrets.Verifier))
	var failure *oauth2.RetrieveError
	if errors.As(err, &failure) && failure.Response != nil && failure.Response.StatusCode < http.StatusInternalServerError {
		// The body may quote the code or the secret; the error's code cannot.
		return nil, refused("the token endpoint answered %d %.64q", failure.Response.StatusCode, failure.ErrorCode)
	}
	if err != nil {
		return nil, errors.New("upstream: the token endpoint gave no usable answer")
	}
	return token, nil
}
