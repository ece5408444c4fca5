// Package logo has the logos of clients (logo_uri of OpenID Connect Dynamic Client
// Registration 1.0 section 2), to be shown where people decide about an app. The
// browser never asks the app's site: it would tell it who is about to decide, and
// the page could not forbid pictures from elsewhere. Logos are fetched here, drawn
// anew, kept, and shown from our own origin.
//
// A logo makes people trust an app, so only apps have one that somebody vouches
// for: the operator, a hub's administrators or whoever gave them a registration
// token.
package logo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/ory/fosite"
	"golang.org/x/sync/semaphore"
	"golang.org/x/sync/singleflight"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/picture"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/fetch"
)

const (
	// MaxBytes bounds what is fetched.
	MaxBytes = 1 << 20
	// maxSide is how wide and high a logo is at most, in pixels: enough for what is
	// shown at a third of it.
	maxSide = 256
	// maxMemory is what decoding one may take. One is drawn at a time.
	maxMemory = 64 << 20
	// freshFor is when a logo is looked for again, missedFor when it is where there
	// was none, and movedFor when it is at another address than at the last try.
	freshFor  = 24 * time.Hour
	missedFor = time.Hour
	movedFor  = time.Minute
	// places is how many are fetched at a time.
	places = 8
	// pollEvery is how often a process looks for what another one fetches, and leeway
	// is for what is left of the difference of their clocks.
	pollEvery = 200 * time.Millisecond
	leeway    = 5 * time.Second
	// defaultPatience is for the fetcher's time, and to draw.
	defaultPatience = fetch.Timeout + time.Second
)

// Options are what Logos need; all but Patience are required.
type Options struct {
	DB      *db.DB
	Clients *client.Store
	// Fetcher is one that reaches the public network alone: a logo is shown to whoever
	// named it, and would show what is elsewhere.
	Fetcher *fetch.Fetcher
	// Clock is that of the database, which all processes go by.
	Clock  clockwork.Clock
	Logger *slog.Logger
	// Patience is how long one takes in all; 0 means six seconds.
	Patience time.Duration
}

// Logos are the logos of clients.
type Logos struct {
	o        Options
	fetching singleflight.Group
	places   *semaphore.Weighted
	drawing  *semaphore.Weighted
}

// New makes Logos.
func New(o Options) *Logos {
	if o.Patience == 0 {
		o.Patience = defaultPatience
	}
	return &Logos{o: o, places: semaphore.NewWeighted(places), drawing: semaphore.NewWeighted(1)}
}

var errNone = fault.New(fault.NotFound, "")

// Of is the logo of the client with the hash. NotFound if there is none to be
// shown, Unavailable if too many are being fetched.
func (l *Logos) Of(ctx context.Context, hash string) (oauth.Logo, error) {
	named, ok := api.ParseRef(hash)
	if !ok || named.Hash == "" {
		return oauth.Logo{}, errNone
	}
	found, err := l.o.Clients.Find(ctx, named)
	if errors.Is(err, fosite.ErrNotFound) {
		return oauth.Logo{}, errNone
	}
	if err != nil {
		return oauth.Logo{}, err
	}
	c := client.Of(found)
	if c.SelfMade() || c.LogoURI == "" {
		return oauth.Logo{}, errNone
	}
	kept, err := l.kept(ctx, c)
	if err != nil {
		return oauth.Logo{}, err
	}
	if len(kept.Data) > 0 && !kept.due(l.o.Clock.Now()) {
		return kept.shown()
	}
	// Where there is none, it may be on its way.
	shared, err, _ := l.fetching.Do(c.ID+" "+c.LogoURI, func() (any, error) { return l.renew(context.WithoutCancel(ctx), c) })
	if err != nil {
		return oauth.Logo{}, err
	}
	fetched, _ := shared.(row)
	return fetched.shown()
}

// renew fetches the logo once more if it is time. Whoever asked may leave meanwhile:
// others wait for the same. The try is written down first, so that what never ends, or ends
// the process, is not tried again at once, here or by another process.
func (l *Logos) renew(ctx context.Context, c *client.Client) (row, error) {
	kept, err := l.kept(ctx, c)
	now := l.o.Clock.Now()
	switch {
	case err != nil:
		return row{}, err
	case kept.awaited(now, l.o.Patience):
		return l.await(ctx, c, now)
	case !kept.due(now):
		return kept, nil
	}
	fetched, ours, err := l.try(ctx, c, kept, now)
	if err == nil && !ours && len(kept.Data) == 0 {
		return l.await(ctx, c, now)
	}
	return fetched, err
}

// try fetches the logo, unless somebody else does.
func (l *Logos) try(ctx context.Context, c *client.Client, kept row, now time.Time) (fetched row, ours bool, _ error) {
	if !l.places.TryAcquire(1) {
		return row{}, false, fault.New(fault.Unavailable, "").After(l.o.Patience)
	}
	defer l.places.Release(1)
	ours, err := l.claim(ctx, c, kept, now)
	if err != nil || !ours {
		return kept, false, err
	}
	drawn, err := l.fetch(ctx, c.LogoURI)
	if err != nil {
		l.o.Logger.InfoContext(ctx, "the logo of a client cannot be shown",
			slog.String("client", c.ID), slog.String("logo_uri", c.LogoURI), slog.String("reason", err.Error()))
		return kept, true, l.missed(ctx, c, now) // what there was is better than nothing
	}
	logo := oauth.Logo{MIME: drawn.MIME, Data: drawn.Data}
	return row{Logo: logo}, true, l.keep(ctx, c, logo, now)
}

// await waits for what another process fetches, as a page that was shown by this one
// names it already; not for long, as the other one may not survive it.
func (l *Logos) await(ctx context.Context, c *client.Client, since time.Time) (row, error) {
	for {
		kept, err := l.kept(ctx, c)
		now := l.o.Clock.Now()
		if err != nil || !kept.awaited(now, l.o.Patience) || now.Sub(since) >= l.o.Patience {
			return kept, err
		}
		<-l.o.Clock.After(pollEvery)
	}
}

// fetch reads and draws what is at the address. What the site says it is does not
// matter: it is a picture that can be drawn, or nothing.
func (l *Logos) fetch(ctx context.Context, address string) (picture.Drawn, error) {
	ctx, cancel := context.WithTimeout(ctx, l.o.Patience)
	defer cancel()
	document, err := l.o.Fetcher.GetUpTo(ctx, address, "image/png, image/jpeg, image/webp, image/gif", MaxBytes)
	if err != nil {
		return picture.Drawn{}, err
	}
	found, err := picture.Recognise(document.Body, picture.Limits{Bytes: MaxBytes, Memory: maxMemory})
	if err != nil {
		return picture.Drawn{}, err
	}
	if err := l.drawing.Acquire(ctx, 1); err != nil {
		return picture.Drawn{}, fmt.Errorf("logo: waiting to be drawn: %w", err)
	}
	defer l.drawing.Release(1)
	drawn, err := found.Redraw(ctx, maxSide)
	if err != nil {
		return picture.Drawn{}, fmt.Errorf("logo: %w", err)
	}
	return drawn, nil
}
