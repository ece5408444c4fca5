package oauth

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/rpc"
)

// The routes of [Devices].
var (
	findDeviceRoute   = rpc.Route[DeviceRequest, Device]{Service: Name, Method: "FindDevice", Callers: []string{api.Gateway}, Idempotent: true}
	decideDeviceRoute = rpc.Route[DecideDeviceRequest, api.Nothing]{Service: Name, Method: "DecideDevice", Callers: []string{api.Gateway}}
)

func mountDevices(server *rpc.Server, s Devices) {
	rpc.Handle(server, findDeviceRoute, s.FindDevice)
	rpc.Handle(server, decideDeviceRoute, s.DecideDevice)
}

func (c client) FindDevice(ctx context.Context, r DeviceRequest) (Device, error) {
	return rpc.Call(ctx, c.conn, findDeviceRoute, r)
}

func (c client) DecideDevice(ctx context.Context, r DecideDeviceRequest) (api.Nothing, error) {
	return rpc.Call(ctx, c.conn, decideDeviceRoute, r)
}
