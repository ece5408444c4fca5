package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/gatehouse-id/gatehouse/pkg/db"
)

// Section is a kind of data that is held about a user, as an export shows it.
type Section struct {
	Name    string // in the export
	Table   string // that it comes from
	One     bool   // there is one row, not a list
	columns []column
	from    string // what follows SELECT and its columns; $1 is the user
}

// column is a column of a section. The key in the export is its last name.
type column struct {
	name string
	kind columnKind
}

type columnKind int

const (
	text columnKind = iota
	number
	yes
	moment
	object // JSON
)

func (c column) key() string { return c.name[strings.LastIndexAny(c.name, ". ")+1:] }

// Sections are the kinds of data that are held about a user and can be shown as
// they are; a test says which tables are left out, and why.
func Sections() []Section {
	return []Section{
		{Name: "account", Table: "users", One: true, from: `FROM users WHERE id = $1`, columns: []column{
			{"id", number}, {"hash", text}, {"first_name", text}, {"last_name", text}, {"email", text}, {"email_verified", yes},
			{"alias", text}, {"status", number}, {"language", number}, {"locale", number}, {"statefulness", yes},
			{"login_confirmation", yes}, {"password_type", number}, {"password_modified_time", moment}, {"registration_time", moment},
			{"terms_accepted_time", moment}, {"deletion_time", moment}, {"created_time", moment}, {"modified_time", moment},
		}},
		{Name: "profile", Table: "profiles", One: true, from: `FROM profiles WHERE user_id = $1`, columns: []column{
			{"middle_name", text}, {"nickname", text}, {"profile", text}, {"website", text}, {"gender", text}, {"birthdate", text},
			{"zoneinfo", text}, {"locale", text}, {"phone_number", text}, {"formatted", text}, {"street_address", text},
			{"locality", text}, {"region", text}, {"postal_code", text}, {"country", text},
			{"created_time", moment}, {"modified_time", moment},
		}},
		{
			Name: "memberships", Table: "memberships",
			from: `FROM memberships JOIN hubs ON hubs.id = memberships.hub_id
				WHERE memberships.user_id = $1 AND memberships.joined_time IS NOT NULL ORDER BY hubs.id`,
			columns: []column{
				{"hubs.hash AS hub", text}, {"hubs.name AS hub_name", text}, {"memberships.role", number}, {"memberships.impersonation", yes},
				{"memberships.joined_time", moment}, {"memberships.created_time", moment}, {"memberships.modified_time", moment},
			},
		},
		{
			Name: "invitations", Table: "activations",
			from: `FROM activations LEFT JOIN hubs ON hubs.id = activations.hub_id WHERE activations.user_id = $1 ORDER BY activations.id`,
			columns: []column{
				{"activations.kind", text}, {"hubs.name AS hub_name", text}, {"activations.first_name", text}, {"activations.last_name", text},
				{"activations.created_time", moment}, {"activations.expiration_time", moment}, {"activations.opened_time", moment},
				{"activations.finished_time", moment}, {"activations.revoked_time", moment},
			},
		},
		{Name: "devices", Table: "known_places", from: `FROM known_places WHERE user_id = $1 ORDER BY id`, columns: []column{
			{"kind", text}, {"value", text}, {"seen_time", moment},
		}},
		{Name: "recovery_codes", Table: "recovery_codes", from: `FROM recovery_codes WHERE user_id = $1 ORDER BY id`, columns: []column{
			{"created_time", moment}, {"used_time", moment},
		}},
		{Name: "recoveries", Table: "recoveries", from: `FROM recoveries WHERE user_id = $1 ORDER BY id`, columns: []column{
			{"state", text}, {"address", text}, {"user_agent", text}, {"created_time", moment}, {"confirmed_time", moment}, {"used_time", moment},
		}},
		{Name: "passkeys", Table: "passkeys", from: `FROM passkeys WHERE user_id = $1 ORDER BY id`, columns: []column{
			{"hash", text}, {"name", text}, {"synced", yes}, {"last_used_time", moment}, {"created_time", moment}, {"modified_time", moment},
		}},
		{Name: "identities", Table: "identities", from: `FROM identities WHERE user_id = $1 ORDER BY id`, columns: []column{
			{"provider", text}, {"issuer", text}, {"subject", text}, {"email", text}, {"name", text}, {"assigned", yes},
			{"recognised", yes}, {"last_used_time", moment}, {"created_time", moment}, {"modified_time", moment},
		}},
		{Name: "assigned_identities", Table: "assigned_identities", from: `FROM assigned_identities
			JOIN hubs ON hubs.id = assigned_identities.hub_id WHERE assigned_identities.user_id = $1 ORDER BY hubs.id, provider`, columns: []column{
			{"hubs.name AS hub_name", text}, {"assigned_identities.provider", text}, {"assigned_identities.email", text},
			{"assigned_identities.created_time", moment},
		}},
		{Name: "image", Table: "images", One: true, from: `FROM images WHERE user_id = $1`, columns: []column{
			{"hash", text}, {"mime", text}, {"size", number}, {"created_time", moment}, {"modified_time", moment},
		}},
		{Name: "events", Table: "audit", from: `FROM audit WHERE user_id = $1 ORDER BY id`, columns: []column{
			{"kind", text}, {"actor", text}, {"address", text}, {"user_agent", text}, {"detail", object}, {"created_time", moment},
		}},
	}
}

// Export reads a section about a user: a list, or an object, which is nil if
// there is none.
func (s Section) Export(ctx context.Context, q db.Queryer, user int64) (any, error) {
	names := make([]string, len(s.columns))
	for i, c := range s.columns {
		names[i] = c.name
	}
	rows, err := q.Query(ctx, `SELECT `+strings.Join(names, ", ")+` `+s.from, user)
	all, err := collect(rows, err, s.scan)
	if err != nil {
		return nil, fmt.Errorf("exporting %s: %w", s.Name, err)
	}
	switch {
	case !s.One && all == nil:
		return []map[string]any{}, nil
	case !s.One:
		return all, nil
	case len(all) == 0:
		return nil, nil
	default:
		return all[0], nil
	}
}

func (s Section) scan(row db.Scanner) (map[string]any, error) {
	targets := make([]any, len(s.columns))
	for i, c := range s.columns {
		switch c.kind {
		case number, moment:
			targets[i] = &sql.NullInt64{}
		case yes:
			targets[i] = &sql.NullBool{}
		case text, object:
			targets[i] = &sql.NullString{}
		}
	}
	if err := row.Scan(targets...); err != nil {
		return nil, err
	}
	item := map[string]any{}
	for i, c := range s.columns {
		item[c.key()] = c.shown(targets[i])
	}
	return item, nil
}

// shown is a column's value as the export has it; nil if it is NULL.
func (c column) shown(value any) any {
	switch v := value.(type) {
	case *sql.NullInt64:
		if v.Valid && c.kind == moment {
			return db.FromMicros(v.Int64)
		}
		if v.Valid {
			return v.Int64
		}
	case *sql.NullBool:
		if v.Valid {
			return v.Bool
		}
	case *sql.NullString:
		if v.Valid && c.kind == object {
			return json.RawMessage(v.String)
		}
		if v.Valid {
			return v.String
		}
	}
	return nil
}
