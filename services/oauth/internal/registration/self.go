package registration

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/bearer"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/registration/rules"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/scope"
)

// Why a client may not register or manage itself.
var (
	// ErrToken says that the token is unknown, used up, expired or another
	// client's.
	ErrToken = errors.New("registration: the token is not good")
	// ErrFull says that too many have registered themselves.
	ErrFull = errors.New("registration: there are too many clients")
)

// Self says how clients may register themselves.
type Self struct {
	// Open is whether they may without an initial access token.
	Open bool
	// Limit is how many there can be that did, about: two at once may both be the
	// last one.
	Limit int
	// Unused is how long one of those is kept that no user has allowed anything.
	Unused time.Duration
	// PKCEOptional exempts confidential clients that register themselves from
	// sending a PKCE challenge.
	PKCEOptional bool
}

// Registered is a client as it gets to know itself.
type Registered struct {
	Client oauth.Client
	Secret string // only if it is new
	Token  string // to manage itself with; only if it is new
}

// MayRegister is [ErrToken] if nobody may register a client so.
func (r *Registrar) MayRegister(ctx context.Context, initial string) error {
	if initial == "" {
		if r.Self.Open {
			return nil
		}
		return ErrToken
	}
	_, err := r.findToken(ctx, initial)
	return err
}

// Register registers a client that asks for it, with an initial access token or
// without ("").
func (r *Registrar) Register(ctx context.Context, initial string, m oauth.Metadata) (Registered, error) {
	c := &client.Client{
		Client: withDefaults(oauth.CreateClientRequest{Metadata: r.chosen(m)}), Registration: client.Open, AnySecret: m.AuthMethod == "",
	}
	var ticket *ticket
	var itself author
	switch {
	case initial != "":
		var err error
		if ticket, err = r.findToken(ctx, initial); err != nil {
			return Registered{}, err
		}
		c.Registration, c.Hub, c.HubHash = client.ByToken, ticket.Hub, ticket.hubHash
		itself.resources = ticket.Resources
	case !r.Self.Open:
		return Registered{}, ErrToken
	}
	nameItself(&c.Client)
	if err := r.check(ctx, nil, c, itself); err != nil {
		return Registered{}, err
	}
	secret, err := r.begin(ctx, c)
	if err != nil {
		return Registered{}, err
	}
	token := bearer.NewManagementToken()
	c.RegistrationHash = bearer.Hash(token)
	err = r.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		detail := map[string]any{"registration": c.Registration}
		if ticket == nil {
			if err := r.boundOpen(ctx, tx); err != nil {
				return err
			}
		} else {
			detail["registration_token"] = ticket.ID
			if err := r.use(ctx, tx, ticket.ID); err != nil {
				return err
			}
		}
		return r.insert(ctx, tx, c, itself, detail)
	})
	if err != nil {
		return Registered{}, err
	}
	return Registered{Client: c.Client, Secret: secret, Token: token}, nil
}

// chosen is the metadata with the defaults of OpenID Connect Dynamic Client
// Registration 1.0 section 2, which are not those of the operator's clients.
func (r *Registrar) chosen(m oauth.Metadata) oauth.Metadata {
	if len(m.GrantTypes) == 0 {
		m.GrantTypes = []string{client.AuthorizationCode}
	}
	if slices.Contains(spelled(m.ResponseTypes), rules.ResponseHybrid) { // OpenID Connect names it so; it means no more
		m.GrantTypes = slices.DeleteFunc(slices.Clone(m.GrantTypes), func(s string) bool { return s == "implicit" })
	}
	if m.ApplicationType == "" {
		m.ApplicationType = rules.Web
		if slices.ContainsFunc(m.RedirectURIs, func(uri string) bool { return !strings.HasPrefix(uri, "http") }) {
			m.ApplicationType = rules.Native
		}
	}
	if m.SubjectType == "" {
		m.SubjectType = rules.Public
	}
	if m.IDTokenAlg == "" {
		m.IDTokenAlg = "RS256"
	}
	if len(m.Scopes) == 0 && withUsers(m.GrantTypes) {
		m.Scopes = scope.User()
		if !slices.Contains(m.GrantTypes, client.RefreshToken) {
			m.Scopes = slices.DeleteFunc(m.Scopes, func(s string) bool { return s == scope.OfflineAccess })
		}
	}
	m.PKCEOptional = r.Self.PKCEOptional && !m.Public()
	return m
}

// nameItself names a client that has no name after where it is.
func nameItself(c *oauth.Client) {
	if c.Name != "" {
		return
	}
	c.Name = c.ID
	for _, uri := range c.RedirectURIs {
		if u, err := url.Parse(uri); err == nil && u.Hostname() != "" && len(u.Hostname()) <= 100 {
			c.Name = u.Hostname()
			return
		}
	}
}

func (r *Registrar) boundOpen(ctx context.Context, tx *db.Tx) error {
	var n int
	if err := tx.QueryRow(ctx, "SELECT COUNT(*) FROM clients WHERE registration = 'open'").Scan(&n); err != nil {
		return fmt.Errorf("registration: count: %w", err)
	}
	if n >= r.Self.Limit {
		return ErrFull
	}
	return nil
}

// Itself is the client of that id, if the token is the one that it manages itself
// with. A client that the operator has given privileges manages itself no longer:
// whoever holds the token could send what they are worth to other addresses.
func (r *Registrar) Itself(ctx context.Context, id, token string) (*client.Client, error) {
	found, err := r.Store.GetClient(ctx, id)
	if errors.Is(err, fosite.ErrNotFound) {
		return nil, ErrToken
	}
	if err != nil {
		return nil, err
	}
	c := client.Of(found)
	if len(c.RegistrationHash) == 0 || subtle.ConstantTimeCompare(c.RegistrationHash, bearer.Hash(token)) != 1 {
		return nil, ErrToken
	}
	if len(privilegesOf(c.Privileges)) > 0 {
		return nil, ErrToken
	}
	return c, nil
}

// Replace changes all that the client has chosen about itself; what it does not
// name gets its default again.
func (r *Registrar) Replace(ctx context.Context, c *client.Client, m oauth.Metadata) (Registered, error) {
	after := *c
	after.Metadata = r.chosen(m)
	if m.AuthMethod != c.AuthMethod { // what it was told is no choice when it comes back
		after.AnySecret = m.AuthMethod == ""
	}
	complete(&after.Client)
	nameItself(&after.Client)
	var secret string
	if client.KeepsSecret(after.AuthMethod) && len(c.SecretHash) == 0 {
		secret = bearer.NewSecret()
	}
	done, err := r.change(ctx, c, &after, author{}, changedNames(c.Metadata, after.Metadata))
	if err != nil {
		return Registered{}, err
	}
	if !done {
		return Registered{}, fault.New(fault.Conflict, "fault.modified")
	}
	if secret == "" {
		return Registered{Client: after.Client}, nil
	}
	rotated, err := r.rotate(ctx, c.ID, secret, nil, author{}, nil)
	if err != nil {
		return Registered{}, err
	}
	return Registered{Client: rotated.Client, Secret: secret}, nil
}

// RemoveItself deletes a client that asks for it.
func (r *Registrar) RemoveItself(ctx context.Context, c *client.Client) error {
	return r.remove(ctx, c.ID, author{})
}

// Knows tells whether the secret is the client's present one.
func (r *Registrar) Knows(ctx context.Context, c *client.Client, secret string) bool {
	return r.Secrets.Compare(ctx, c.SecretHash, []byte(secret)) == nil
}

// batch is how many rows a sweep deletes at a time.
const batch = 500

// Sweep deletes registration tokens that are not good any more, and clients that
// have registered themselves without one and that nobody uses.
func (r *Registrar) Sweep(ctx context.Context) (int64, error) {
	now := r.now()
	tokens, err := db.DeleteInBatches(ctx, r.DB, "registration_tokens", "id", "expiration_time <= $1 OR uses <= 0", batch, db.Micros(now))
	clients, err2 := db.DeleteInBatches(ctx, r.DB, "clients", "id", `registration = 'open' AND created_time <= $1
		AND NOT EXISTS (SELECT 1 FROM grants WHERE grants.client_id = clients.id)
		AND NOT EXISTS (SELECT 1 FROM consents WHERE consents.client_id = clients.id)`, batch, db.Micros(now.Add(-r.Self.Unused)))
	return tokens + clients, errors.Join(err, err2)
}
