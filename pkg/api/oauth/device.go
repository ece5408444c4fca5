package oauth

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
)

// Devices are devices without a browser that wait for a user elsewhere (RFC
// 8628).
type Devices interface {
	// FindDevice shows what a device asks for. NotFound if no device waits with
	// the code, however the user has spelled it.
	FindDevice(context.Context, DeviceRequest) (Device, error)
	// DecideDevice answers a device, once. NotFound as FindDevice; Forbidden if
	// the user must not use its app.
	DecideDevice(context.Context, DecideDeviceRequest) (api.Nothing, error)
}

// DeviceRequest names a waiting device.
type DeviceRequest struct {
	UserCode string `json:"user_code"` // as typed
	// Subject is the hash of the user who is shown it: a device that somebody looks
	// at gives way to no other.
	Subject string `json:"subject,omitempty"`
}

// Device is a device that waits.
type Device struct {
	UserCode string   `json:"user_code"` // as it is shown: two groups of four letters
	Client   Client   `json:"client"`
	Scopes   []string `json:"scopes"`
}

// DecideDeviceRequest answers a device.
type DecideDeviceRequest struct {
	UserCode string `json:"user_code"`
	Login    Login  `json:"login"`
	Allow    bool   `json:"allow"`
}
