package accounts

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/rpc"
)

// PicturePath is where the gateway serves pictures, below its origin and before
// their names.
const PicturePath = "/picture/"

// The routes of [Profiles].
var (
	getProfileRoute    = rpc.Route[MemberRequest, Profile]{Service: Name, Method: "GetProfile", Callers: []string{api.Gateway}, Idempotent: true}
	updateProfileRoute = rpc.Route[UpdateProfileRequest, Profile]{Service: Name, Method: "UpdateProfile", Callers: []string{api.Gateway}}
	pictureRoute       = rpc.Route[PictureRequest, ImageContent]{Service: Name, Method: "Picture", Callers: []string{api.Gateway}, Idempotent: true}
)

func mountProfiles(server *rpc.Server, s Profiles) {
	rpc.Handle(server, getProfileRoute, s.GetProfile)
	rpc.Handle(server, updateProfileRoute, s.UpdateProfile)
	rpc.Handle(server, pictureRoute, s.Picture)
}

func (c client) GetProfile(ctx context.Context, r MemberRequest) (Profile, error) {
	return rpc.Call(ctx, c.conn, getProfileRoute, r)
}

func (c client) UpdateProfile(ctx context.Context, r UpdateProfileRequest) (Profile, error) {
	return rpc.Call(ctx, c.conn, updateProfileRoute, r)
}

func (c client) Picture(ctx context.Context, r PictureRequest) (ImageContent, error) {
	return rpc.Call(ctx, c.conn, pictureRoute, r)
}
