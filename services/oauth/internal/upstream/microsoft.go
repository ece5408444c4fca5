package upstream

import (
	"regexp"
	"slices"
	"strings"
)

// tenantHole stands for the tenant in the issuer of the metadata that is for all.
const tenantHole = "{tenantid}"

var tenantID = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// microsoft has an issuer per tenant. Administrators of any tenant write what
// they like into its users' addresses; only xms_edov (an optional claim) says that
// the domain is the tenant's.
func microsoft() kind {
	return kind{
		title: "Microsoft", issuer: "https://login.microsoftonline.com/" + tenantHole + "/v2.0", scopes: openIDScopes,
		problem: func(p Provider) string {
			if !strings.Contains(p.Issuer, tenantHole) {
				return "the issuer of microsoft has " + tenantHole + " in the place of the tenant"
			}
			return ""
		},
		connect: openID(dialect{
			metadata: func(p Provider) (at, issuer string) {
				if len(p.Tenants) == 1 {
					only := strings.Replace(p.Issuer, tenantHole, p.Tenants[0], 1)
					return only, only
				}
				return strings.Replace(p.Issuer, tenantHole, "common", 1), p.Issuer
			},
			issuer: func(p Provider, c claims) (string, error) {
				if !tenantID.MatchString(c.Tenant) {
					return "", refused("the tenant is unusable")
				}
				if len(p.Tenants) > 0 && !slices.Contains(p.Tenants, c.Tenant) {
					return "", errForeign
				}
				return strings.Replace(p.Issuer, tenantHole, c.Tenant, 1), nil
			},
			verified: func(c claims) bool {
				return isTrue(c.DomainOwned) || slices.Contains([]string{`1`, `"1"`}, string(c.DomainOwned))
			},
		}),
	}
}
