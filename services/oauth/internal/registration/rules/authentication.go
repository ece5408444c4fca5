package rules

import (
	"net/mail"
	"net/netip"
	"net/url"
	"regexp"
	"slices"

	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
)

func (k *check) authentication() {
	k.oneOf("token_endpoint_auth_method", k.c.AuthMethod, k.AuthMethods...)
	k.oneOf("token_endpoint_auth_signing_alg", k.c.AuthAlg, keyAlgorithms()...)
	if k.c.AuthMethod == client.AuthJWT && !k.hasKeys() {
		k.add("jwks", "validation.client_keys_needed", "Value", client.AuthJWT)
	}
	if k.c.FAPI() && k.c.AuthMethod != client.AuthJWT && k.c.AuthMethod != client.AuthTLS {
		k.add("token_endpoint_auth_method", "validation.client_fapi_auth", "Values", client.AuthJWT+", "+client.AuthTLS)
	}
	k.certificate()
}

const fieldTLSSubject = "tls_client_auth_subject_dn"

// certificate looks at the name that is in the certificate of a client which
// authenticates with one: exactly one of the five (RFC 8705 section 2.1.2).
func (k *check) certificate() {
	names := map[string]string{
		fieldTLSSubject: k.c.TLSSubject, "tls_client_auth_san_dns": k.c.TLSDNS,
		"tls_client_auth_san_uri": k.c.TLSURI, "tls_client_auth_san_ip": k.c.TLSIP, "tls_client_auth_san_email": k.c.TLSEmail,
	}
	var given []string
	for field, name := range names {
		if name == "" {
			continue
		}
		given = append(given, field)
		switch {
		case !k.fine(field) || certified(field, name):
		case field == fieldTLSSubject:
			k.add(field, "validation.client_tls_subject", "Value", shown(name))
		default:
			k.add(field, "validation.client_tls_name", "Value", shown(name))
		}
	}
	slices.Sort(given)
	switch {
	case k.c.AuthMethod == client.AuthTLS && len(given) != 1:
		k.add("token_endpoint_auth_method", "validation.client_tls_names")
	case k.c.AuthMethod != client.AuthTLS && len(given) > 0:
		k.add(given[0], "validation.client_only_with", "Value", "token_endpoint_auth_method = "+client.AuthTLS)
	}
}

var dnsName = regexp.MustCompile(`^([A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?\.)*[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?$`)

// certified tells whether the name is one that a certificate can have there. One
// that none could be compared with would be found out only when every
// authentication fails.
func certified(field, name string) bool {
	switch field {
	case "tls_client_auth_san_dns":
		return len(name) < 254 && dnsName.MatchString(name)
	case "tls_client_auth_san_uri":
		u, err := url.Parse(name)
		return err == nil && u.IsAbs() && u.String() == name
	case "tls_client_auth_san_ip":
		ip, err := netip.ParseAddr(name)
		return err == nil && ip.Zone() == ""
	case "tls_client_auth_san_email":
		a, err := mail.ParseAddress(name)
		return err == nil && a.Address == name
	default:
		return client.ValidSubject(name)
	}
}
