package rules

import (
	"net/url"
	"slices"
	"time"

	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/keys"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/subject"
)

// Public is the subject_type of clients to whom users have the same name.
const Public = "public"

// leastLifetime bounds the lifetimes that a client chooses.
const leastLifetime = time.Minute

func (k *check) tokens() {
	for field, alg := range map[string]string{
		"id_token_signed_response_alg": k.c.IDTokenAlg, "userinfo_signed_response_alg": k.c.UserInfoAlg,
		"introspection_signed_response_alg": k.c.IntrospectionAlg,
	} {
		k.oneOf(field, alg, keys.Algorithms()...)
	}
	k.oneOf("access_token_format", k.c.AccessTokenFormat, client.Opaque, client.JWT)
}

func (k *check) lifetimes() {
	lifetime := func(field string, seconds int64, most time.Duration) {
		least, most64 := int64(leastLifetime/time.Second), int64(most/time.Second)
		if seconds != 0 && (seconds < least || seconds > most64) {
			k.add(field, "validation.between", "Min", least, "Max", most64)
		}
	}
	lifetime("access_token_lifetime", k.c.AccessTokenLifetime, k.Access)
	lifetime("id_token_lifetime", k.c.IDTokenLifetime, k.ID)
	lifetime("refresh_token_lifetime", k.c.RefreshTokenLifetime, k.Refresh)
}

// subjects looks at how users are named to the client (OpenID Connect Core 1.0
// section 8.1).
func (k *check) subjects() {
	k.oneOf("subject_type", k.c.SubjectType, Public, subject.Pairwise)
	if k.c.SectorURI != "" && len(k.c.RedirectURIs) == 0 { // by which the sector shows that the client is one of it
		k.add("sector_identifier_uri", "validation.client_only_with", "Value", "redirect_uris")
	}
	if k.c.SubjectType == subject.Pairwise && k.c.SectorURI == "" && len(hosts(k.c.RedirectURIs)) > 1 {
		k.add("sector_identifier_uri", "validation.client_sector_needed")
	}
}

// hosts are the hosts of the addresses; a private scheme counts as one.
func hosts(addresses []string) []string {
	var names []string
	for _, address := range addresses {
		u, err := url.Parse(address)
		if err != nil {
			continue
		}
		if name := u.Hostname(); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
