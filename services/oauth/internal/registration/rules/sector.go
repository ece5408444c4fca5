package rules

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// CheckSector reads the sector identifier of a client whose other rules are kept:
// all its redirect URIs have to be in that list (OpenID Connect Dynamic Client
// Registration 1.0 section 5). What has not changed since before, which may be
// nil, is not asked again.
func (r *Rules) CheckSector(ctx context.Context, before, c *oauth.Client) error {
	if c.SectorURI == "" || before != nil && before.SectorURI == c.SectorURI && slices.Equal(before.RedirectURIs, c.RedirectURIs) {
		return nil
	}
	var uris []string
	document, err := r.Fetcher.Get(ctx, c.SectorURI, "application/json")
	if err == nil {
		err = json.Unmarshal(document.Body, &uris)
	}
	if ctx.Err() != nil {
		return fault.New(fault.Unavailable, "").Because(ctx.Err())
	}
	if err != nil {
		return fault.Field("sector_identifier_uri", "validation.client_sector_unread", "Value", shown(c.SectorURI))
	}
	for _, uri := range c.RedirectURIs {
		if !contains(uris, uri) {
			return fault.Field("sector_identifier_uri", "validation.client_sector_without", "Value", shown(uri))
		}
	}
	return nil
}
