// Package image keeps pictures of users. What is uploaded is decoded, scaled
// down and drawn anew, so that nothing is left of the file but its pixels:
// neither where a photograph was taken nor what else somebody has put into it.
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
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/ids"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/self"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

const (
	// places is how many pictures are drawn at once.
	places = 2
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
	// drawing bounds the memory for pixels: a picture may need ten bytes for
	// each, and a large one takes all places.
	drawing *semaphore.Weighted
}

// New makes Images.
func New(o Options) *Images {
	if o.Patience == 0 {
		o.Patience = defaultPatience
	}
	return &Images{o, semaphore.NewWeighted(places)}
}

// Set makes a picture the user's.
func (i *Images) Set(ctx context.Context, r accounts.SetImageRequest) (accounts.Image, error) {
	if err := r.Actor.AsSelf(); err != nil {
		return accounts.Image{}, err
	}
	if _, err := self.Active(ctx, i.o.DB, r.Actor); err != nil {
		return accounts.Image{}, err
	}
	picture, err := i.draw(ctx, r.Data)
	if err != nil {
		return accounts.Image{}, err
	}
	var set accounts.Image
	now := i.o.Clock.Now()
	err = i.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if _, err := self.Active(ctx, tx, r.Actor); err != nil {
			return err
		}
		if set, err = store.SetImage(ctx, tx, r.Actor.User, picture, now); err != nil {
			return err
		}
		return store.Record(ctx, tx, store.Did(store.UserImageSet, r.Actor, now))
	})
	return set, err
}

// draw draws a picture anew when it is its turn.
func (i *Images) draw(ctx context.Context, data []byte) (store.Picture, error) {
	found, err := recognise(data)
	if err != nil {
		return store.Picture{}, err
	}
	weight := int64(1)
	if found.large() {
		weight = places
	}
	waiting, cancel := context.WithTimeout(ctx, i.o.Patience)
	defer cancel()
	if err := i.drawing.Acquire(waiting, weight); err != nil {
		return store.Picture{}, fault.New(fault.Unavailable, "").After(i.o.Patience).Because(err)
	}
	defer i.drawing.Release(weight)
	return found.redraw()
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
