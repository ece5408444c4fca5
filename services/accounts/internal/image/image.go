// Package image keeps pictures of users, drawn anew (see package picture).
package image

import (
	"context"
	"errors"
	"time"

	"github.com/jonboulle/clockwork"
	"golang.org/x/sync/semaphore"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/ids"
	"github.com/gatehouse-id/gatehouse/pkg/picture"
	"github.com/gatehouse-id/gatehouse/pkg/places"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/self"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

const (
	// maxMemory is what decoding one may take. The service's limit of memory has to have
	// room for one of these beside its passwords.
	maxMemory = 160 << 20
	// held is how much of what is uploaded waits at a time, or is drawn, in bytes.
	held = 4 * accounts.MaxImage
	// side is how long the longer side is of what is kept, in pixels, at most.
	side = 1024
	// defaultPatience is how long an upload waits for its turn.
	defaultPatience = 2 * time.Second
)

// Options are what Images need.
type Options struct {
	DB    *db.DB
	Clock clockwork.Clock
	// Patience is how long an upload waits for its turn; 0 means two seconds.
	Patience time.Duration
}

// Images are the pictures of users.
type Images struct {
	o Options
	// drawing is for one at a time, so that the memory that decoding takes is there.
	drawing *semaphore.Weighted
	uploads *places.Places
}

// New makes Images.
func New(o Options) *Images {
	if o.Patience == 0 {
		o.Patience = defaultPatience
	}
	return &Images{o, semaphore.NewWeighted(1), places.New(held, o.Patience)}
}

// Set makes a picture the user's.
func (i *Images) Set(ctx context.Context, r accounts.SetImageRequest) (accounts.Image, error) {
	if err := r.Actor.AsSelf(); err != nil {
		return accounts.Image{}, err
	}
	drawn, err := i.drawFor(ctx, r)
	if err != nil {
		return accounts.Image{}, err
	}
	var set accounts.Image
	now := i.o.Clock.Now()
	err = i.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if _, err := self.Active(ctx, tx, r.Actor); err != nil {
			return err
		}
		if set, err = store.SetImage(ctx, tx, r.Actor.User, drawn, now); err != nil {
			return err
		}
		return store.Record(ctx, tx, store.Did(store.UserImageSet, r.Actor, now))
	})
	return set, err
}

// drawFor draws a user's picture anew, if there is a place for it.
func (i *Images) drawFor(ctx context.Context, r accounts.SetImageRequest) (picture.Drawn, error) {
	leave, err := i.uploads.Take(r.Actor.User, int64(len(r.Data)))
	if err != nil {
		return picture.Drawn{}, err
	}
	defer leave()
	if _, err := self.Active(ctx, i.o.DB, r.Actor); err != nil {
		return picture.Drawn{}, err
	}
	return i.draw(ctx, r.Data)
}

// draw draws a picture anew when it is its turn.
func (i *Images) draw(ctx context.Context, data []byte) (picture.Drawn, error) {
	found, err := picture.Recognise(data, picture.Limits{Bytes: accounts.MaxImage, Memory: maxMemory})
	if err != nil {
		return picture.Drawn{}, refused(err)
	}
	waiting, cancel := context.WithTimeout(ctx, i.o.Patience)
	defer cancel()
	if err := i.drawing.Acquire(waiting, 1); err != nil {
		return picture.Drawn{}, fault.New(fault.Unavailable, "").After(i.o.Patience).Because(err)
	}
	defer i.drawing.Release(1)
	drawn, err := found.Redraw(ctx, side)
	return drawn, refused(err)
}

// refused says what is wrong with a file in words for who has uploaded it.
func refused(err error) error {
	switch {
	case errors.Is(err, picture.ErrNone):
		return fault.Field("image", "validation.image")
	case errors.Is(err, picture.ErrTooLarge):
		return fault.Field("image", "validation.image_size", "Max", accounts.MaxImage>>20, "Pixels", picture.MaxPixels/1_000_000)
	case errors.Is(err, picture.ErrTooCostly):
		return fault.Field("image", "validation.image_costly")
	}
	return err
}

// Get gives a picture that the actor may see.
func (i *Images) Get(ctx context.Context, r accounts.ImageRequest) (accounts.ImageContent, error) {
	content, err := store.ImageFor(ctx, i.o.DB, r.Actor, r.Image)
	if errors.Is(err, db.ErrNoRows) {
		return accounts.ImageContent{}, fault.New(fault.NotFound, "")
	}
	return content, err
}

// Public gives a picture by its public name.
func (i *Images) Public(ctx context.Context, r accounts.PictureRequest) (accounts.ImageContent, error) {
	if !ids.Valid(r.Name) {
		return accounts.ImageContent{}, fault.New(fault.NotFound, "")
	}
	content, err := store.PictureByName(ctx, i.o.DB, r.Name)
	if errors.Is(err, db.ErrNoRows) {
		return accounts.ImageContent{}, fault.New(fault.NotFound, "")
	}
	return content, err
}

// Remove removes the user's own picture.
func (i *Images) Remove(ctx context.Context, r accounts.ImageRequest) (api.Nothing, error) {
	if err := r.Actor.AsSelf(); err != nil {
		return api.Nothing{}, err
	}
	return api.Nothing{}, i.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if _, err := self.Active(ctx, tx, r.Actor); err != nil {
			return err
		}
		removed, err := store.RemoveImage(ctx, tx, r.Actor.User, r.Image)
		if err != nil {
			return err
		}
		if !removed {
			return fault.New(fault.NotFound, "")
		}
		now := i.o.Clock.Now()
		if err := store.TouchProfile(ctx, tx, r.Actor.User, now); err != nil {
			return err
		}
		return store.Record(ctx, tx, store.Did(store.UserImageRemoved, r.Actor, now))
	})
}
