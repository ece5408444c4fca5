package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/ids"
	"github.com/gatehouse-id/gatehouse/pkg/picture"
)

const imageColumns = `images.id, images.hash, images.extension, images.mime, images.size,
	images.created_time, images.modified_time, images.modified_user_time`

// nullImage is the picture of a user who may have none.
type nullImage struct {
	id, size, created, modified, modifiedUser sql.NullInt64
	hash, extension, mime                     sql.NullString
}

// targets are where imageColumns go.
func (n *nullImage) targets() []any {
	return []any{&n.id, &n.hash, &n.extension, &n.mime, &n.size, &n.created, &n.modified, &n.modifiedUser}
}

func (n *nullImage) image() *accounts.Image {
	if !n.id.Valid {
		return nil
	}
	return &accounts.Image{
		ID: n.id.Int64, Hash: n.hash.String, Extension: n.extension.String, MIME: n.mime.String, Size: n.size.Int64,
		CreatedTime: db.FromMicros(n.created.Int64), ModifiedTime: db.FromMicros(n.modified.Int64),
		ModifiedUserTime: db.FromMicros(n.modifiedUser.Int64),
	}
}

// SetImage makes a picture the user's, in the place of an earlier one.
func SetImage(ctx context.Context, tx *db.Tx, user int64, p picture.Drawn, now time.Time) (accounts.Image, error) {
	var n nullImage
	err := tx.QueryRow(ctx, `INSERT INTO images
		(hash, user_id, extension, mime, size, created_time, modified_time, modified_user_time, data, public_name)
		VALUES ($1, $2, $3, $4, $5, $6, $6, $6, $7, $8)
		ON CONFLICT (user_id) DO UPDATE SET extension = excluded.extension, mime = excluded.mime, size = excluded.size,
			public_name = excluded.public_name,
			modified_time = CASE WHEN images.modified_time < excluded.modified_time
				THEN excluded.modified_time ELSE images.modified_time + 1 END,
			modified_user_time = excluded.modified_user_time, data = excluded.data
		RETURNING id, hash, extension, mime, size, created_time, modified_time, modified_user_time`,
		ids.New(), user, p.Extension, p.MIME, len(p.Data), db.Micros(now), p.Data, ids.New()).Scan(n.targets()...)
	if err != nil {
		return accounts.Image{}, err
	}
	return *n.image(), nil
}

// ImageFor is a picture as the actor may see it: the own one, or that of
// somebody in the actor's hub; else [db.ErrNoRows].
func ImageFor(ctx context.Context, q db.Queryer, a api.Actor, image api.Ref) (accounts.ImageContent, error) {
	var n nullImage
	var data []byte
	err := q.QueryRow(ctx, `SELECT `+imageColumns+`, images.data FROM images
		WHERE (images.id = $1 OR images.hash = $2) AND (images.user_id = $3 OR EXISTS (
			SELECT 1 FROM memberships theirs JOIN memberships own ON own.hub_id = theirs.hub_id
			WHERE theirs.hub_id = $4 AND theirs.user_id = images.user_id AND theirs.joined_time IS NOT NULL
				AND own.user_id = $3 AND own.joined_time IS NOT NULL AND own.role > $5))`,
		image.ID, image.Hash, a.User, nullID(a.Hub), accounts.RolePassive).Scan(append(n.targets(), &data)...)
	if err != nil {
		return accounts.ImageContent{}, err
	}
	return accounts.ImageContent{Image: *n.image(), Data: data}, nil
}

// RemoveImage removes the user's picture. It is false if the user has not that
// one.
func RemoveImage(ctx context.Context, tx *db.Tx, user int64, image api.Ref) (bool, error) {
	n, err := tx.Exec(ctx, `DELETE FROM images WHERE user_id = $1 AND (id = $2 OR hash = $3)`, user, image.ID, image.Hash)
	return n == 1, err
}

// PictureByName is a picture of an active user by its public name; else
// [db.ErrNoRows].
func PictureByName(ctx context.Context, q db.Queryer, name string) (accounts.ImageContent, error) {
	var n nullImage
	var data []byte
	err := q.QueryRow(ctx, `SELECT `+imageColumns+`, images.data FROM images JOIN users ON users.id = images.user_id
		WHERE images.public_name = $1 AND users.status = $2`, name, accounts.Active).Scan(append(n.targets(), &data)...)
	if err != nil {
		return accounts.ImageContent{}, err
	}
	return accounts.ImageContent{Image: *n.image(), Data: data}, nil
}

// namePicture gives a picture from before there were public names one, once; of two
// at a time both get that of the first. "" if the picture has been removed.
func namePicture(ctx context.Context, q db.Queryer, image int64) (string, error) {
	_, err := q.Exec(ctx, `UPDATE images SET public_name = $2 WHERE id = $1 AND public_name IS NULL`, image, ids.New())
	if err != nil {
		return "", err
	}
	var name string
	err = q.QueryRow(ctx, `SELECT public_name FROM images WHERE id = $1`, image).Scan(&name)
	if errors.Is(err, db.ErrNoRows) {
		return "", nil
	}
	return name, err
}
