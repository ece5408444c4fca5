package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
)

// ProfileOf is what a user says of themselves, with the public name of their
// picture in Picture and without what follows from their account. Who says
// nothing has an empty one.
func ProfileOf(ctx context.Context, q db.Queryer, user int64) (accounts.Profile, error) {
	var p accounts.Profile
	var image sql.NullInt64
	var picture sql.NullString
	var modified int64
	a := &p.Address
	err := q.QueryRow(ctx, `SELECT COALESCE(profiles.middle_name, ''), COALESCE(profiles.nickname, ''), COALESCE(profiles.profile, ''),
			COALESCE(profiles.website, ''), COALESCE(profiles.gender, ''), COALESCE(profiles.birthdate, ''),
			COALESCE(profiles.zoneinfo, ''), COALESCE(profiles.locale, ''), COALESCE(profiles.phone_number, ''),
			COALESCE(profiles.formatted, ''), COALESCE(profiles.street_address, ''), COALESCE(profiles.locality, ''),
			COALESCE(profiles.region, ''), COALESCE(profiles.postal_code, ''), COALESCE(profiles.country, ''),
			images.id, images.public_name, COALESCE(profiles.modified_time, 0)
		FROM users LEFT JOIN profiles ON profiles.user_id = users.id LEFT JOIN images ON images.user_id = users.id
		WHERE users.id = $1`, user).Scan(
		&p.MiddleName, &p.Nickname, &p.Profile, &p.Website, &p.Gender, &p.Birthdate, &p.Zoneinfo, &p.Locale, &p.PhoneNumber,
		&a.Formatted, &a.StreetAddress, &a.Locality, &a.Region, &a.PostalCode, &a.Country, &image, &picture, &modified)
	if errors.Is(err, db.ErrNoRows) { // deleted a moment ago
		return accounts.Profile{}, nil
	}
	if err == nil && image.Valid && !picture.Valid {
		picture.String, err = namePicture(ctx, q, image.Int64)
	}
	p.Picture, p.ModifiedTime = picture.String, db.FromMicros(modified)
	return p, err
}

// SaveProfile writes what a user says of themselves. The user must be locked.
func SaveProfile(ctx context.Context, tx *db.Tx, user int64, p accounts.Profile, now time.Time) error {
	a := p.Address
	_, err := tx.Exec(ctx, `INSERT INTO profiles (user_id, middle_name, nickname, profile, website, gender, birthdate,
			zoneinfo, locale, phone_number, formatted, street_address, locality, region, postal_code, country, created_time, modified_time)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $17)
		ON CONFLICT (user_id) DO UPDATE SET middle_name = excluded.middle_name, nickname = excluded.nickname,
			profile = excluded.profile, website = excluded.website, gender = excluded.gender, birthdate = excluded.birthdate,
			zoneinfo = excluded.zoneinfo, locale = excluded.locale, phone_number = excluded.phone_number,
			formatted = excluded.formatted, street_address = excluded.street_address, locality = excluded.locality,
			region = excluded.region, postal_code = excluded.postal_code, country = excluded.country,
			modified_time = excluded.modified_time`,
		user, p.MiddleName, p.Nickname, p.Profile, p.Website, p.Gender, p.Birthdate, p.Zoneinfo, p.Locale, p.PhoneNumber,
		a.Formatted, a.StreetAddress, a.Locality, a.Region, a.PostalCode, a.Country, db.Micros(now))
	return err
}

// TouchProfile notes that something that is claimed of the user has changed.
func TouchProfile(ctx context.Context, tx *db.Tx, user int64, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO profiles (user_id, created_time, modified_time) VALUES ($1, $2, $2)
		ON CONFLICT (user_id) DO UPDATE SET modified_time = CASE WHEN profiles.modified_time < excluded.modified_time
			THEN excluded.modified_time ELSE profiles.modified_time + 1 END`, user, db.Micros(now))
	return err
}
