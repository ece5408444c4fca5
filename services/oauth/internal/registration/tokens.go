package registration

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/ids"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/bearer"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/resource"
)

const (
	maxTokenName      = 100
	maxUses           = 1_000_000
	maxTokenResources = 50
)

// good is the condition of a registration token that can still be used; $1 is the
// time.
const good = "(uses IS NULL OR uses > 0) AND (expiration_time IS NULL OR expiration_time > $1)"

// ticket is an initial access token that has been presented.
type ticket struct {
	oauth.RegistrationToken
	hubHash string
}

// CreateToken makes an initial access token, whose text is in the answer and
// nowhere else.
func (r *Registrar) CreateToken(ctx context.Context, request oauth.CreateRegistrationTokenRequest) (oauth.CreatedRegistrationToken, error) {
	var created oauth.CreatedRegistrationToken
	hub, err := r.Gate.Hub(ctx, request.Actor)
	if err != nil {
		return created, err
	}
	now := r.now()
	if err := checkToken(&request, hub, now); err != nil {
		return created, err
	}
	resources, err := json.Marshal(compact(request.Resources))
	if err != nil {
		return created, fmt.Errorf("registration: encode a token: %w", err)
	}
	var issuer *int64
	if request.Actor != nil {
		issuer = &request.Actor.User
	}
	text := bearer.NewInitialToken()
	t := oauth.RegistrationToken{
		Hash: ids.New(), Name: request.Name, Hub: hub, Issuer: issuer, Uses: request.Uses, Resources: request.Resources,
		ExpirationTime: request.ExpirationTime, CreatedTime: now, ModifiedTime: now,
	}
	err = r.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := r.boundTokens(ctx, tx, hub, now); err != nil {
			return err
		}
		err := tx.QueryRow(ctx, `INSERT INTO registration_tokens
				(token_hash, hash, name, hub, uses, expiration_time, created_time, modified_time, issuer, resources)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9) RETURNING id`,
			bearer.Hash(text), t.Hash, t.Name, t.Hub, t.Uses, db.NullMicros(t.ExpirationTime), db.Micros(now), t.Issuer, string(resources)).Scan(&t.ID)
		if err != nil {
			return fmt.Errorf("registration: insert a token: %w", err)
		}
		return r.recordToken(ctx, tx, "registration_token.created", by(request.Actor), t)
	})
	if err != nil {
		return created, err
	}
	return oauth.CreatedRegistrationToken{RegistrationToken: t, Token: text}, nil
}

func checkToken(request *oauth.CreateRegistrationTokenRequest, hub *int64, now time.Time) error {
	var v fault.Violations
	if hub != nil && len(request.Resources) > 0 {
		v.Add("resources", "validation.client_operator")
	}
	if len(request.Resources) > maxTokenResources {
		v.Add("resources", "validation.client_too_many", "Max", maxTokenResources)
	} else if i := slices.IndexFunc(request.Resources, func(s string) bool { return !resource.Valid(s) }); i >= 0 {
		v.Add("resources", "validation.client_resource", "Value", shorten(request.Resources[i]))
	}
	request.Name = strings.TrimSpace(request.Name)
	switch {
	case request.Name == "":
		v.Add("name", "validation.required")
	case !utf8.ValidString(request.Name):
		v.Add("name", "validation.utf8")
	case strings.ContainsFunc(request.Name, unicode.IsControl):
		v.Add("name", "validation.control_characters")
	case utf8.RuneCountInString(request.Name) > maxTokenName:
		v.Add("name", "validation.max_length", "Max", maxTokenName)
	}
	if request.Uses != nil && (*request.Uses < 1 || *request.Uses > maxUses) {
		v.Add("uses", "validation.between", "Min", 1, "Max", maxUses)
	}
	if at := request.ExpirationTime; at != nil {
		if !at.After(now) {
			v.Add("expiration_time", "validation.future")
		}
		exact := at.UTC().Truncate(time.Microsecond)
		request.ExpirationTime = &exact
	}
	return v.Err()
}

// boundTokens is a Conflict if the hub has too many already.
func (r *Registrar) boundTokens(ctx context.Context, tx *db.Tx, hub *int64, now time.Time) error {
	if hub == nil {
		return nil
	}
	var n int
	err := tx.QueryRow(ctx, "SELECT COUNT(*) FROM registration_tokens WHERE "+good+" AND hub = $2", db.Micros(now), *hub).Scan(&n)
	if err != nil {
		return fmt.Errorf("registration: count tokens: %w", err)
	}
	if n >= maxPerHub {
		return fault.New(fault.Conflict, "fault.too_many")
	}
	return nil
}

// ListTokens lists those that are still good, by id.
func (r *Registrar) ListTokens(ctx context.Context, request oauth.ListRegistrationTokensRequest) (oauth.RegistrationTokenList, error) {
	list := oauth.RegistrationTokenList{Tokens: []oauth.RegistrationToken{}}
	hub, err := r.Gate.Hub(ctx, request.Actor)
	if err != nil {
		return list, err
	}
	from, args := " FROM registration_tokens WHERE "+good, []any{db.Micros(r.now())}
	if hub != nil {
		from, args = from+" AND hub = $2", append(args, *hub)
	}
	if err := r.DB.QueryRow(ctx, "SELECT COUNT(*)"+from, args...).Scan(&list.Total); err != nil {
		return list, fmt.Errorf("registration: count tokens: %w", err)
	}
	rows, err := r.DB.Query(ctx, "SELECT "+tokenColumns+from+" ORDER BY id"+limit(hub, request.Page), args...)
	if err != nil {
		return list, fmt.Errorf("registration: list tokens: %w", err)
	}
	defer func() { _ = rows.Close() }() // an error while reading is in Err
	for rows.Next() {
		t, err := scanToken(rows)
		if err != nil {
			return list, fmt.Errorf("registration: list tokens: %w", err)
		}
		list.Tokens = append(list.Tokens, t.RegistrationToken)
	}
	if err := rows.Err(); err != nil {
		return list, fmt.Errorf("registration: list tokens: %w", err)
	}
	return list, nil
}

// DeleteToken revokes a token. The clients that it has registered stay.
func (r *Registrar) DeleteToken(ctx context.Context, request oauth.RegistrationTokenRequest) error {
	hub, err := r.Gate.Hub(ctx, request.Actor)
	if err != nil {
		return err
	}
	query, args := "DELETE FROM registration_tokens WHERE id = $1", []any{request.ID}
	if request.Hash != "" {
		query, args = "DELETE FROM registration_tokens WHERE hash = $1", []any{request.Hash}
	}
	if hub != nil {
		query, args = query+" AND hub = $2", append(args, *hub)
	}
	return r.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		t, err := scanToken(tx.QueryRow(ctx, query+" RETURNING "+tokenColumns, args...))
		if errors.Is(err, db.ErrNoRows) {
			return fault.New(fault.NotFound, "")
		}
		if err != nil {
			return fmt.Errorf("registration: delete a token: %w", err)
		}
		return r.recordToken(ctx, tx, "registration_token.deleted", by(request.Actor), t.RegistrationToken)
	})
}

const tokenColumns = "id, hash, name, hub, uses, expiration_time, created_time, modified_time, issuer, resources" //nolint:gosec // names of columns

func scanToken(row db.Scanner) (t ticket, err error) {
	var expiration sql.NullInt64
	var created, modified int64
	var resources string
	err = row.Scan(&t.ID, &t.Hash, &t.Name, &t.Hub, &t.Uses, &expiration, &created, &modified, &t.Issuer, &resources)
	if err != nil {
		return t, err
	}
	if err := json.Unmarshal([]byte(resources), &t.Resources); err != nil {
		return t, fmt.Errorf("decode resources: %w", err)
	}
	if len(t.Resources) == 0 {
		t.Resources = nil
	}
	t.ExpirationTime, t.CreatedTime, t.ModifiedTime = db.FromNullMicros(expiration), db.FromMicros(created), db.FromMicros(modified)
	return t, nil
}

// findToken is the initial access token of that text, if it is still good; [ErrToken]
// otherwise.
func (r *Registrar) findToken(ctx context.Context, text string) (*ticket, error) {
	t, err := scanToken(r.DB.QueryRow(ctx, "SELECT "+tokenColumns+" FROM registration_tokens WHERE "+good+" AND token_hash = $2",
		db.Micros(r.now()), bearer.Hash(text)))
	if errors.Is(err, db.ErrNoRows) {
		return nil, ErrToken
	}
	if err != nil {
		return nil, fmt.Errorf("registration: find a token: %w", err)
	}
	return &t, r.vouch(ctx, &t)
}

// vouch finds the hub's name of a hub's token, which is good for as long as who made
// it may make one: they could otherwise keep for themselves what they were sent away
// from.
func (r *Registrar) vouch(ctx context.Context, t *ticket) error {
	if t.Hub == nil {
		return nil
	}
	if t.Issuer == nil {
		return ErrToken
	}
	hub, err := r.Gate.Administrator(ctx, api.Actor{User: *t.Issuer, Hub: t.Hub})
	if fault.Is(err, fault.Forbidden) || fault.Is(err, fault.Unauthenticated) {
		return ErrToken
	}
	t.hubHash = hub.Hash
	return err
}

// use takes one of the token's uses: two at once cannot take the last one.
func (r *Registrar) use(ctx context.Context, tx *db.Tx, id int64) error {
	n, err := tx.Exec(ctx, "UPDATE registration_tokens SET uses = uses - 1, modified_time = $1 WHERE "+good+" AND id = $2", db.Micros(r.now()), id)
	if err != nil {
		return fmt.Errorf("registration: use a token: %w", err)
	}
	if n == 0 {
		return ErrToken
	}
	return nil
}

func (r *Registrar) recordToken(ctx context.Context, tx *db.Tx, kind string, who author, t oauth.RegistrationToken) error {
	return r.queue(ctx, tx, kind, who, t.Hub, map[string]any{"registration_token": t.ID, "name": t.Name})
}
