package accounts

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
)

// SetImage implements the API.
func (s *Service) SetImage(ctx context.Context, r accounts.SetImageRequest) (accounts.Image, error) {
	return s.records.images.Set(ctx, r)
}

// GetImage implements the API.
func (s *Service) GetImage(ctx context.Context, r accounts.ImageRequest) (accounts.ImageContent, error) {
	return s.records.images.Get(ctx, r)
}

// RemoveImage implements the API.
func (s *Service) RemoveImage(ctx context.Context, r accounts.ImageRequest) (api.Nothing, error) {
	return s.records.images.Remove(ctx, r)
}

// Picture implements the API.
func (s *Service) Picture(ctx context.Context, r accounts.PictureRequest) (accounts.ImageContent, error) {
	return s.records.images.Public(ctx, r)
}
