package load

import (
	"context"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// Grace is how long a replaced refresh token may be sent again; it is the
// default of GATEHOUSE_OAUTH_REFRESH_GRACE.
const Grace = 10 * time.Second

// visitor signs in to the app, with a browser of their own.
type visitor struct {
	*worker
	system.Person
	app    *system.App
	family *family // of a worker that refreshes
	served int
}

// sign signs in and gives a new family of refresh tokens.
func (v *visitor) sign(ctx context.Context) (*family, error) {
	request := v.app.Start()
	var arrived *url.URL
	err := try(ctx, v.load.t, func(tb testing.TB) {
		tb.Helper()
		b := system.BrowserOf(tb, v.client, system.AppOrigin)
		b.Open(request.URL)
		if b.Arrived == nil && b.Has("/login") {
			b.Submit("/login", url.Values{"user": {v.Email}, "password": {v.Password}})
		}
		if b.Arrived == nil && b.Has("/consent") {
			b.Submit("/consent", url.Values{"decision": {"allow"}})
		}
		if arrived = b.Arrived; arrived == nil && b.Status < http.StatusInternalServerError {
			v.load.ledger.breakf("a sign-in ended at %s with status %d: %.200s", b.URL.Path, b.Status, b.Page.Find("main").Text())
		}
	})
	if err != nil {
		return nil, &outage{err: err}
	}
	if arrived == nil || arrived.Query().Get("code") == "" {
		return nil, &outage{err: errNotArrived}
	}
	token, err := v.app.Config.Exchange(v.context(ctx), arrived.Query().Get("code"), oauth2.VerifierOption(request.Verifier))
	if code := refused(err); code != "" {
		v.load.ledger.breakf("the exchange of a fresh code: %v", err)
	}
	if err != nil {
		return nil, outageOf(err) // a code is for one try: the next sign-in is another one
	}
	return &family{newest: token.RefreshToken, granted: time.Now()}, nil
}

// context carries the worker's client to the library.
func (v *visitor) context(ctx context.Context) context.Context {
	return oidc.ClientContext(ctx, v.client)
}

// visit signs in, and leaves the tokens as they are.
func (v *visitor) visit(ctx context.Context) error {
	f, err := v.sign(ctx)
	if err != nil {
		return err
	}
	f.idle = true
	v.load.ledger.add(f)
	return nil
}

// refresh refreshes the tokens of one family, and signs in anew when it has
// ended.
func (v *visitor) refresh(ctx context.Context) error {
	if v.family == nil || v.family.gone {
		f, err := v.sign(ctx)
		if err != nil {
			return err
		}
		v.load.ledger.add(f)
		v.family = f
		return nil
	}
	if err := v.rotate(ctx, v.family); err != nil || v.family.gone {
		return err
	}
	if v.served++; v.served%5 == 0 {
		return v.repeat(ctx, v.family)
	}
	return nil
}

// rotate presents the newest token of a family; after an outage the same again.
func (v *visitor) rotate(ctx context.Context, f *family) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	began := time.Now()
	token, err := v.present(ctx, f.newest)
	switch {
	case err == nil:
		f.before, f.newest, f.tried = append(f.before, f.newest), token, time.Time{}
		return nil
	case refused(err) == "":
		if f.tried.IsZero() {
			f.tried = began
		}
		return outageOf(err)
	}
	f.gone = true
	l := v.load.ledger
	if !f.tried.IsZero() && time.Since(f.tried) >= Grace {
		l.with(func() { l.lost++ })
		return nil
	}
	l.breakf("the newest token of a family was refused, first sent %v before: %v", time.Since(f.tried), err)
	return nil
}

// repeat presents the token before the newest, as a client whose answer was lost:
// it has to be answered with the newest.
func (v *visitor) repeat(ctx context.Context, f *family) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.before) == 0 {
		return nil
	}
	token, err := v.present(ctx, f.before[len(f.before)-1])
	switch {
	case err == nil && token != f.newest:
		v.load.ledger.breakf("a family was split: a repeated token has another successor")
	case err != nil && refused(err) != "":
		f.gone = true
		v.load.ledger.breakf("a token that was repeated at once was refused: %v", err)
	case err != nil:
		return outageOf(err)
	}
	return nil
}

func (v *visitor) present(ctx context.Context, refresh string) (string, error) {
	token, err := v.app.Config.TokenSource(v.context(ctx), &oauth2.Token{RefreshToken: refresh}).Token()
	if err != nil {
		return "", err
	}
	return token.RefreshToken, nil
}
