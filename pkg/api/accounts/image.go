package accounts

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
)

// MaxImage is how large an uploaded picture may be, in bytes.
const MaxImage = 5 << 20

// Images are the pictures of users.
type Images interface {
	// SetImage makes a picture the user's. What is stored is drawn anew from its
	// pixels, so that nothing else of the file is left. Invalid if it is no JPEG,
	// PNG, GIF or WebP image, or too large.
	SetImage(context.Context, SetImageRequest) (Image, error)
	// GetImage gives a picture with its bytes: one's own, or of somebody in the
	// actor's hub. NotFound otherwise.
	GetImage(context.Context, ImageRequest) (ImageContent, error)
	// RemoveImage removes the user's own picture. NotFound if it is not.
	RemoveImage(context.Context, ImageRequest) (api.Nothing, error)
}

// SetImageRequest uploads a picture.
type SetImageRequest struct {
	Actor api.Actor `json:"actor"`
	Data  []byte    `json:"data"`
}

// ImageRequest names a picture.
type ImageRequest struct {
	Actor api.Actor `json:"actor"`
	Image api.Ref   `json:"image"`
}

// ImageContent is a picture.
type ImageContent struct {
	Image Image  `json:"image"`
	Data  []byte `json:"data"`
}
