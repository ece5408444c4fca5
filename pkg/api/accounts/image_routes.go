package accounts

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/rpc"
)

// The routes of [Images].
var (
	// A picture that a process has not survived is not passed on to the next one.
	setImageRoute    = rpc.Route[SetImageRequest, Image]{Service: Name, Method: "SetImage", Callers: []string{api.Gateway}}
	getImageRoute    = rpc.Route[ImageRequest, ImageContent]{Service: Name, Method: "GetImage", Callers: []string{api.Gateway}, Idempotent: true}
	removeImageRoute = rpc.Route[ImageRequest, api.Nothing]{Service: Name, Method: "RemoveImage", Callers: []string{api.Gateway}}
)

func mountImages(server *rpc.Server, s Images) {
	rpc.Handle(server, setImageRoute, s.SetImage)
	rpc.Handle(server, getImageRoute, s.GetImage)
	rpc.Handle(server, removeImageRoute, s.RemoveImage)
}

func (c client) SetImage(ctx context.Context, r SetImageRequest) (Image, error) {
	return rpc.Call(ctx, c.conn, setImageRoute, r)
}

func (c client) GetImage(ctx context.Context, r ImageRequest) (ImageContent, error) {
	return rpc.Call(ctx, c.conn, getImageRoute, r)
}

func (c client) RemoveImage(ctx context.Context, r ImageRequest) (api.Nothing, error) {
	return rpc.Call(ctx, c.conn, removeImageRoute, r)
}
