package logout

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/ids"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/fetch"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/keys"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/metrics"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/subject"
)

const (
	// topicBackchannel of the outbox's messages that are notices to apps.
	topicBackchannel = "backchannel_logout"
	// event is what a logout token tells of.
	event = "http://schemas.openid.net/event/backchannel-logout"
	// tokenLifetime is short: a token is made anew for every attempt.
	tokenLifetime = 2 * time.Minute
)

// notice tells an app that a session has ended from which it was signed in.
type notice struct {
	Client  string `json:"client"`
	Subject string `json:"subject"` // the user's hash
	Session string `json:"session"`
}

// queue queues a notice. Its key is the jti of its token, in every attempt, so
// that an app can tell a repetition.
func (s *Sessions) queue(ctx context.Context, tx *db.Tx, n notice) error {
	payload, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("logout: encode a notice: %w", err)
	}
	return s.Outbox.Add(ctx, tx, outbox.Message{
		Topic: topicBackchannel, Key: ids.New(), Payload: payload, Lane: n.Client,
	})
}

// logoutToken are the claims of a logout token (Back-Channel Logout 1.0 section
// 2.4). There is never a nonce, by which it could pass for an ID token.
type logoutToken struct {
	Issuer   string              `json:"iss"`
	Subject  string              `json:"sub"`
	Audience string              `json:"aud"`
	Issued   int64               `json:"iat"`
	Expires  int64               `json:"exp"`
	ID       string              `json:"jti"`
	Events   map[string]struct{} `json:"events"`
	Session  string              `json:"sid"`
}

// Backchannel delivers notices to the apps.
type Backchannel struct {
	Clients *client.Store
	Signer  *keys.Signer
	Names   *subject.Names
	Fetcher *fetch.Fetcher
	Metrics *metrics.Metrics
	Clock   clockwork.Clock
}

// Handlers are for the outbox.
func (b *Backchannel) Handlers() map[string]outbox.Handler {
	return map[string]outbox.Handler{topicBackchannel: b.deliver}
}

// deliver makes one attempt.
func (b *Backchannel) deliver(ctx context.Context, d outbox.Delivery) error {
	var n notice
	if err := json.Unmarshal(d.Payload, &n); err != nil {
		return outbox.Permanent(fmt.Errorf("logout: decode a notice: %w", err))
	}
	c, err := find(ctx, b.Clients, n.Client)
	if err != nil {
		return err
	}
	if c == nil || c.BackchannelLogoutURI == "" {
		return nil // it has gone since, or does not want to hear of it
	}
	token, err := b.token(ctx, c, n, d.Key)
	if err != nil {
		return err
	}
	status, err := b.Fetcher.PostForm(ctx, c.BackchannelLogoutURI, url.Values{"logout_token": {token}})
	outcome, err := judge(c, status, err)
	b.Metrics.BackchannelLogout(outcome)
	return err
}

// judge reads the answer (Back-Channel Logout 1.0 section 2.8): 400 is the app's
// last word on the token, anything unexpected may pass.
func judge(c *client.Client, status int, err error) (outcome string, _ error) {
	switch {
	case errors.Is(err, fetch.ErrAddress):
		return "refused", outbox.Permanent(fmt.Errorf("logout: tell %s: %w", c.ID, err))
	case err != nil:
		return "failed", fmt.Errorf("logout: tell %s: %w", c.ID, err)
	case status == http.StatusOK || status == http.StatusNoContent:
		return "ok", nil
	case status == http.StatusBadRequest:
		return "refused", outbox.Permanent(fmt.Errorf("logout: %s refuses the logout token", c.ID))
	}
	return "failed", fmt.Errorf("logout: tell %s: the answer has status %d", c.ID, status)
}

func (b *Backchannel) token(ctx context.Context, c *client.Client, n notice, id string) (string, error) {
	now := b.Clock.Now()
	token, err := b.Signer.Sign(ctx, c.IDTokenAlg, keys.TypeLogoutToken, logoutToken{
		Issuer: b.Signer.Issuer, Subject: b.Names.Of(c, n.Subject), Audience: c.ID, Session: b.Names.Session(c, n.Session), ID: id,
		Issued: now.Unix(), Expires: now.Add(tokenLifetime).Unix(), Events: map[string]struct{}{event: {}},
	})
	if err != nil {
		return "", fmt.Errorf("logout: %w", err)
	}
	return token, nil
}

// find is nil if the client is gone.
func find(ctx context.Context, clients *client.Store, id string) (*client.Client, error) {
	c, err := clients.GetClient(ctx, id)
	if errors.Is(err, fosite.ErrNotFound) {
		return nil, nil //nolint:nilnil // documented
	}
	if err != nil {
		return nil, fmt.Errorf("logout: %w", err)
	}
	return client.Of(c), nil
}
