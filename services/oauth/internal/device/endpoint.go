// Package device lets devices without a browser wait for a user elsewhere (RFC
// 8628).
//
//	device ── Endpoint ──▶ waiting ◀── Desk ── user, with the user code
//	  │                      │
//	  └──── Store.Poll ◀─────┴─▶ allowed (a grant) or denied
//
// The grant is there as soon as the user allows it; the device redeems it at the
// token endpoint (package token), once, by the UPDATE that redeems authorization
// codes. Nothing is stored under the device code itself.
package device

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/bearer"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/evidence"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/metrics"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/resource"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/scope"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/wire"
)

var (
	errCode     = fosite.ErrInvalidGrant.WithDescription("The device code is not valid.").WithHint("")
	errPending  = fosite.ErrAuthorizationPending.WithDescription("The user has not answered yet.").WithHint("")
	errSlowDown = fosite.ErrSlowDown.WithDescription("The device asks too often. Please wait five seconds more from now on.").WithHint("")
	errExpired  = fosite.ErrDeviceExpiredToken.WithDescription("The device code has expired.").WithHint("")
	errDenied   = &fosite.RFC6749Error{
		ErrorField: fosite.ErrAccessDenied.ErrorField, DescriptionField: "The user denied the request.",
		CodeField: http.StatusBadRequest, // RFC 6749 section 5.2, where fosite has 403
	}
	errUnauthorized = fosite.ErrUnauthorizedClient.WithDescription("The client may not use this grant type.").WithHint("")
)

// Endpoint serves POST /oauth2/device_authorization.
type Endpoint struct {
	Devices      *Store
	Authenticate func(context.Context, *http.Request, url.Values) (fosite.Client, error)
	Page         string // where users enter the code
	Clock        clockwork.Clock
	Metrics      *metrics.Metrics
	Logger       *slog.Logger
}

// answer is RFC 8628 section 3.2.
type answer struct {
	DeviceCode   string `json:"device_code"`
	UserCode     string `json:"user_code"`
	Page         string `json:"verification_uri"`
	PageWithCode string `json:"verification_uri_complete"`
	ExpiresIn    int64  `json:"expires_in"`
	Interval     int64  `json:"interval"`
}

func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a, err := e.answer(w, r)
	if err != nil {
		wire.Log(r.Context(), e.Logger, "device_authorization", err)
		failure := wire.FailureOf(err)
		e.Metrics.Device(failure.Code)
		wire.Fail(w, failure)
		return
	}
	e.Metrics.Device("started")
	wire.JSON(w, http.StatusOK, a)
}

func (e *Endpoint) answer(w http.ResponseWriter, r *http.Request) (answer, error) {
	form, err := wire.ReadForm(w, r, resource.Parameter)
	if err != nil {
		return answer{}, err
	}
	found, err := e.Authenticate(r.Context(), r, form)
	if err != nil {
		return answer{}, err
	}
	request, err := read(client.Of(found), form)
	if err != nil {
		return answer{}, err
	}
	return e.start(r.Context(), request)
}

// read is what the device asks for. Offline access means nothing to a client that
// cannot refresh, and is left out.
func read(c *client.Client, form url.Values) (Request, error) {
	if !c.May(client.DeviceCode) {
		return Request{}, errUnauthorized
	}
	scopes := scope.Parse(form.Get("scope"))
	if !c.May(client.RefreshToken) {
		scopes = slices.DeleteFunc(scopes, func(s string) bool { return s == scope.OfflineAccess })
	}
	switch {
	case len(scopes) == 0:
		return Request{}, fosite.ErrInvalidScope.WithHint("The request asks for no scope.")
	case scope.Missing(scopes, c.Scopes) != "":
		return Request{}, fosite.ErrInvalidScope.WithHint("The client may not have that scope.")
	}
	resources, err := resource.Asked(form, c.Resources)
	return Request{Client: c.ID, Scopes: scopes, Resources: resources}, err
}

// attempts is how often a free user code is looked for. With ten thousand
// devices waiting, one attempt in 2.5 million fails.
const attempts = 5

func (e *Endpoint) start(ctx context.Context, r Request) (answer, error) {
	now := e.Clock.Now()
	if err := e.Devices.room(ctx, r.Client, now); err != nil {
		return answer{}, err
	}
	r.Expires = now.Add(lifetime)
	var deviceCode string
	deviceCode, r.CodeHash = bearer.NewDeviceCode()
	var userCode UserCode
	err := errTaken
	for n := 0; n < attempts && errors.Is(err, errTaken); n++ {
		userCode = NewUserCode()
		err = evidence.Commit(ctx, e.Devices.DB, func(ctx context.Context, q db.Queryer) error {
			return e.Devices.insert(ctx, q, r, userCode)
		})
	}
	if err != nil {
		return answer{}, err
	}
	return answer{
		DeviceCode: deviceCode, UserCode: userCode.String(),
		Page: e.Page, PageWithCode: e.Page + "?" + url.Values{"user_code": {userCode.String()}}.Encode(),
		ExpiresIn: int64(lifetime / time.Second), Interval: int64(interval / time.Second),
	}, nil
}
