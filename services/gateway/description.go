package gateway

import "github.com/gatehouse-id/gatehouse/services/gateway/internal/apidoc"

// Document is the OpenAPI document that the gateway serves at /v1/openapi.json.
// Do not change it.
func Document() []byte { return apidoc.JSON() }
