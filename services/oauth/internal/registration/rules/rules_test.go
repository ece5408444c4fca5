package rules

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/i18n"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/fetch"
)

const callback = "https://app.example/callback"

// documents are what is at addresses.
type documents map[string]string

func (d documents) Check(address string) error { return fetch.New(nil).Check(address) }

func (d documents) Get(ctx context.Context, address, _ string) (fetch.Document, error) {
	if ctx.Err() != nil {
		return fetch.Document{}, ctx.Err()
	}
	body, ok := d[address]
	if !ok {
		return fetch.Document{}, errors.New("there is nothing")
	}
	return fetch.Document{Body: []byte(body)}, nil
}

func rulesOf(d documents) *Rules {
	return &Rules{
		APIScopes:   []string{"reports"},
		AuthMethods: []string{"none", "client_secret_basic", "client_secret_post", "private_key_jwt", "tls_client_auth"},
		Access:      10 * time.Minute, ID: time.Hour, Refresh: 30 * 24 * time.Hour, Fetcher: d,
	}
}

// web is a client that keeps every rule.
func web() oauth.Client {
	return oauth.Client{ID: "app", Metadata: oauth.Metadata{
		Name: "App", RedirectURIs: []string{callback}, GrantTypes: []string{"authorization_code", "refresh_token"},
		ResponseTypes: []string{ResponseCode}, Scopes: []string{"openid", "phone", "address", "reports"}, AuthMethod: "client_secret_basic",
	}}
}

func public(c *oauth.Client) { c.AuthMethod = "none" }

// a change to a client, and the fields of which rules are then broken.
type change struct {
	change func(*oauth.Client)
	fields []string
}

func try(t *testing.T, changes map[string]change) {
	t.Helper()
	texts, err := i18n.New()
	require.NoError(t, err)
	for name, test := range changes {
		c := web()
		test.change(&c)
		v := rulesOf(nil).Check(&c)
		assert.ElementsMatch(t, test.fields, slices.Collect(maps.Keys(v)), "%s: %v", name, v)
		for _, messages := range v {
			for _, m := range messages {
				assert.True(t, texts.Has(m.ID), "%s: %s", name, m.ID)
				assert.NotContains(t, texts.Text(i18n.German, m.ID, m.Args), "<no value>", "%s: %s", name, m.ID)
			}
		}
	}
}

func TestGoodClients(t *testing.T) {
	t.Parallel()
	week := int64(604800)
	try(t, map[string]change{
		"plain": {func(*oauth.Client) {}, nil},
		"everything": {func(c *oauth.Client) {
			c.ClientURI, c.LogoURI, c.PolicyURI, c.TermsURI = "https://a.example", "https://a.example/l.svg", "https://a.example/p?x=y", "https://a.example/t#1"
			c.Contacts, c.ApplicationType = []string{"ops@example.org"}, Web
			c.ResponseTypes, c.Resources, c.Origins = []string{ResponseCode, ResponseHybrid}, []string{"https://api.example/v1", "urn:api"}, []string{"https://a.example", "http://localhost:3000"}
			c.JWKSURI, c.AuthMethod, c.AuthAlg, c.RequestObjectAlg, c.RequireSignedRequest = "https://a.example/jwks", "private_key_jwt", "PS256", "ES256", true
			c.RequestURIs, c.DefaultMaxAge, c.DefaultACRs = []string{"https://a.example/r", "https://a.example/r#Z1dOaHc"}, &week, []string{oauth.ACRMultiple}
			c.InitiateLoginURI, c.SubjectType, c.IDTokenAlg, c.UserInfoAlg, c.IntrospectionAlg = "https://a.example/i", "pairwise", "EdDSA", "ES256", "RS256"
			c.AccessTokenFormat, c.AccessTokenLifetime, c.IDTokenLifetime, c.RefreshTokenLifetime = "jwt", 60, 3600, week
			c.PostLogoutURIs, c.BackchannelLogoutURI, c.FrontchannelLogoutURI = []string{"https://b.example"}, "https://b.example/bc", "https://app.example/fc"
		}, nil},
		"native": {func(c *oauth.Client) {
			public(c)
			c.ApplicationType, c.RedirectURIs = Native, []string{"com.example.app:/cb", "http://127.0.0.1/cb", "http://localhost:1/cb", callback}
		}, nil},
		"on one's own machine": {func(c *oauth.Client) { c.ApplicationType, c.RedirectURIs = Web, []string{"http://localhost:3000/cb"} }, nil},
		"a machine": {func(c *oauth.Client) {
			c.GrantTypes, c.RedirectURIs, c.ResponseTypes = []string{"client_credentials"}, nil, nil
		}, nil},
		"by certificate": {func(c *oauth.Client) { c.AuthMethod, c.TLSDNS = "tls_client_auth", "app.example" }, nil},
		"by its subject": {func(c *oauth.Client) { c.AuthMethod, c.TLSSubject = "tls_client_auth", `CN=app,O=Example\, Ltd,C=DE` }, nil},
		"privileged": {func(c *oauth.Client) {
			c.FirstParty, c.ResourceServer = true, true
			c.TrustedIssuers = []oauth.TrustedIssuer{{Issuer: "https://k8s.example", JWKSURI: "https://k8s.example/jwks", Subjects: []string{"system:serviceaccount:a:b"}}}
		}, nil},
	})
}

func TestBrokenRules(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", maxText)
	negative, century := int64(-1), int64(1)<<40
	try(t, map[string]change{
		"nothing":            {func(c *oauth.Client) { *c = oauth.Client{} }, []string{"client_id", "client_name"}},
		"id":                 {func(c *oauth.Client) { c.ID = "ä b" }, []string{"client_id"}},
		"id of a user":       {func(c *oauth.Client) { c.ID = strings.Repeat("8d", 20) }, []string{"client_id"}},
		"long id":            {func(c *oauth.Client) { c.ID = long }, []string{"client_id"}},
		"name":               {func(c *oauth.Client) { c.Name = strings.Repeat("ä", 101) }, []string{"client_name"}},
		"name's direction":   {func(c *oauth.Client) { c.Name = "a\u202eb" }, []string{"client_name"}},
		"not UTF-8":          {func(c *oauth.Client) { c.Name, c.SoftwareID, c.Contacts = "\xff", "\xff", []string{"\xff"} }, []string{"client_name", "software_id", "contacts"}},
		"control characters": {func(c *oauth.Client) { c.ClientURI, c.Scopes = "https://a\x00", []string{"a\nb"} }, []string{"client_uri", "scopes"}},
		"long":               {func(c *oauth.Client) { c.JWKSURI, c.SoftwareBuild = "https://a/"+long, long }, []string{"jwks_uri", "software_version"}},
		"empty items":        {func(c *oauth.Client) { c.Resources, c.RequestURIs = []string{""}, []string{""} }, []string{"resources", "request_uris"}},
		"long lists":         {func(c *oauth.Client) { c.Contacts = slices.Repeat([]string{"a@example.org"}, maxItems+1) }, []string{"contacts"}},
		"contacts":           {func(c *oauth.Client) { c.Contacts = []string{"A <a@example.org>"} }, []string{"contacts"}},
		"pages by http": {func(c *oauth.Client) {
			c.ClientURI, c.LogoURI, c.InitiateLoginURI = "http://a.example", "javascript:1", "/x"
		}, []string{"client_uri", "logo_uri", "initiate_login_uri"}},
		"page with a user": {func(c *oauth.Client) { c.PolicyURI, c.TermsURI = "https://u@a.example", "https://" }, []string{"policy_uri", "tos_uri"}},
		"what we fetch": {func(c *oauth.Client) {
			c.JWKSURI, c.BackchannelLogoutURI, c.RequestURIs = "http://a.example", "https://a.example/#x", []string{"ftp://a"}
		}, []string{"jwks_uri", "backchannel_logout_uri", "request_uris"}},
		"broken fragment":     {func(c *oauth.Client) { c.RequestURIs = []string{"https://a.example/#a b"} }, []string{"request_uris"}},
		"two fragments":       {func(c *oauth.Client) { c.RequestURIs = []string{"https://a.example/#a#b"} }, []string{"request_uris"}},
		"long fragment":       {func(c *oauth.Client) { c.RequestURIs = []string{"https://a.example/#" + long} }, []string{"request_uris"}},
		"no redirect URI":     {func(c *oauth.Client) { c.RedirectURIs = nil }, []string{"redirect_uris"}},
		"redirect URI":        {func(c *oauth.Client) { c.RedirectURIs = []string{"http://app.example/"} }, []string{"redirect_uris"}},
		"redirect's wildcard": {func(c *oauth.Client) { c.RedirectURIs = []string{"https://*.example/"} }, []string{"redirect_uris"}},
		"confidential scheme": {func(c *oauth.Client) { c.RedirectURIs = []string{"com.example.app:/cb"} }, []string{"redirect_uris"}},
		"after logout":        {func(c *oauth.Client) { c.PostLogoutURIs = []string{"https://a/#x", "http://a"} }, []string{"post_logout_redirect_uris"}},
		"a web app's scheme": {func(c *oauth.Client) {
			public(c)
			c.ApplicationType, c.RedirectURIs = Web, []string{"com.example.app:/cb"}
		}, []string{"redirect_uris"}},
		"application type":   {func(c *oauth.Client) { c.ApplicationType = "Web" }, []string{"application_type"}},
		"grant types":        {func(c *oauth.Client) { c.GrantTypes = []string{"authorization_code", "password"} }, []string{"grant_types"}},
		"public machine":     {func(c *oauth.Client) { public(c); c.GrantTypes = []string{"authorization_code", "client_credentials"} }, []string{"grant_types"}},
		"only refresh":       {func(c *oauth.Client) { c.GrantTypes, c.ResponseTypes = []string{"refresh_token"}, nil }, []string{"grant_types"}},
		"response types":     {func(c *oauth.Client) { c.ResponseTypes = []string{"token"} }, []string{"response_types"}},
		"response, no grant": {func(c *oauth.Client) { c.GrantTypes = []string{"client_credentials"} }, []string{"response_types"}},
		"no PKCE, public":    {func(c *oauth.Client) { public(c); c.PKCEOptional = true }, []string{"pkce_optional"}},
		"scopes":             {func(c *oauth.Client) { c.Scopes = []string{"Openid", "root"} }, []string{"scopes"}},
		"resources":          {func(c *oauth.Client) { c.Resources = []string{"api", "https://a/#x"} }, []string{"resources"}},
		"origins": {func(c *oauth.Client) {
			c.Origins = []string{"https://A.example", "https://a.example/", "https://a.example:443", "http://a.example", "null"}
		}, []string{"allowed_origins"}},
		"auth method":          {func(c *oauth.Client) { c.AuthMethod, c.AuthAlg = "client_secret_jwt", "HS256" }, []string{"token_endpoint_auth_method", "token_endpoint_auth_signing_alg"}},
		"no keys":              {func(c *oauth.Client) { c.AuthMethod = "private_key_jwt" }, []string{"jwks"}},
		"no keys for requests": {func(c *oauth.Client) { c.RequireSignedRequest = true }, []string{"jwks"}},
		"request alg":          {func(c *oauth.Client) { c.RequestObjectAlg, c.JWKSURI = "none", "https://a.example" }, []string{"request_object_signing_alg"}},
		"no certificate":       {func(c *oauth.Client) { c.AuthMethod = "tls_client_auth" }, []string{"token_endpoint_auth_method"}},
		"two certificates":     {func(c *oauth.Client) { c.AuthMethod, c.TLSDNS, c.TLSIP = "tls_client_auth", "a.example", "::1" }, []string{"token_endpoint_auth_method"}},
		"a certificate's name": {func(c *oauth.Client) { c.AuthMethod, c.TLSIP = "tls_client_auth", "a.example" }, []string{"tls_client_auth_san_ip"}},
		"a subject of slashes": {func(c *oauth.Client) { c.AuthMethod, c.TLSSubject = "tls_client_auth", "/CN=app/O=Example" }, []string{"tls_client_auth_subject_dn"}},
		"a subject unescaped":  {func(c *oauth.Client) { c.AuthMethod, c.TLSSubject = "tls_client_auth", "CN=app,O=Example, Ltd" }, []string{"tls_client_auth_subject_dn"}},
		"a zone of one host":   {func(c *oauth.Client) { c.AuthMethod, c.TLSIP = "tls_client_auth", "fe80::1%eth0" }, []string{"tls_client_auth_san_ip"}},
		"a URI in capitals":    {func(c *oauth.Client) { c.AuthMethod, c.TLSURI = "tls_client_auth", "SPIFFE://example/app" }, []string{"tls_client_auth_san_uri"}},
		"a name too many":      {func(c *oauth.Client) { c.TLSSubject = "CN=a" }, []string{"tls_client_auth_subject_dn"}},
		"max age":              {func(c *oauth.Client) { c.DefaultMaxAge = &negative }, []string{"default_max_age"}},
		"age of centuries":     {func(c *oauth.Client) { c.DefaultMaxAge = &century }, []string{"default_max_age"}},
		"acr":                  {func(c *oauth.Client) { c.DefaultACRs = []string{"1"} }, []string{"default_acr_values"}},
		"subjects":             {func(c *oauth.Client) { c.SubjectType = "Pairwise" }, []string{"subject_type"}},
		"no sector": {func(c *oauth.Client) {
			c.SubjectType, c.RedirectURIs = "pairwise", []string{callback, "https://b.example"}
		}, []string{"sector_identifier_uri"}},
		"algorithms":       {func(c *oauth.Client) { c.IDTokenAlg, c.UserInfoAlg, c.IntrospectionAlg = "none", "HS256", "rs256" }, []string{"id_token_signed_response_alg", "userinfo_signed_response_alg", "introspection_signed_response_alg"}},
		"format":           {func(c *oauth.Client) { c.AccessTokenFormat = "JWT" }, []string{"access_token_format"}},
		"short lives":      {func(c *oauth.Client) { c.AccessTokenLifetime, c.IDTokenLifetime, c.RefreshTokenLifetime = 59, -1, 1 }, []string{"access_token_lifetime", "id_token_lifetime", "refresh_token_lifetime"}},
		"long life":        {func(c *oauth.Client) { c.AccessTokenLifetime = 601 }, []string{"access_token_lifetime"}},
		"frame of another": {func(c *oauth.Client) { c.FrontchannelLogoutURI = "https://app.example:8443/fc" }, []string{"frontchannel_logout_uri"}},
		"frame by http":    {func(c *oauth.Client) { c.FrontchannelLogoutURI = "http://app.example/fc" }, []string{"frontchannel_logout_uri"}},
		"first-party scheme": {func(c *oauth.Client) {
			public(c)
			c.FirstParty, c.RedirectURIs = true, []string{callback, "http://127.0.0.1/cb"}
		}, []string{"first_party"}},
		"public API":    {func(c *oauth.Client) { public(c); c.ResourceServer = true }, []string{"resource_server"}},
		"impersonation": {func(c *oauth.Client) { c.Impersonation = true }, []string{"impersonation"}},
		"bearer of nobody's": {func(c *oauth.Client) {
			c.GrantTypes = []string{"urn:ietf:params:oauth:grant-type:jwt-bearer"}
			c.ResponseTypes = nil
		}, []string{"grant_types"}},
		"issuers": {func(c *oauth.Client) {
			c.TrustedIssuers = []oauth.TrustedIssuer{{Issuer: "a", Users: true}, {Issuer: "a", JWKSURI: "https://a"}, {JWKSURI: "http://a", Users: true}}
		}, []string{"trusted_issuers"}},
	})
}

func TestErrorsAreShort(t *testing.T) {
	t.Parallel()
	c := web()
	c.RedirectURIs = nil
	for range maxItems {
		c.RedirectURIs = append(c.RedirectURIs, "http://app.example/"+strings.Repeat("ä", 900))
	}
	text, err := json.Marshal(fault.From(rulesOf(nil).Check(&c).Err()))
	require.NoError(t, err)
	assert.Less(t, len(text), 2048)
}

func TestSectors(t *testing.T) {
	t.Parallel()
	at := "https://sector.example/uris"
	c := web()
	c.SubjectType, c.SectorURI, c.RedirectURIs = "pairwise", at, []string{callback, "https://b.example"}
	require.Empty(t, rulesOf(nil).Check(&c))
	for body, good := range map[string]bool{
		`["https://b.example","` + callback + `","https://c.example"]`: true,
		`["` + callback + `"]`: false, `[]`: false, `{}`: false, `x`: false, ``: false, `[1]`: false, `["https://B.example","` + callback + `"]`: false,
	} {
		err := rulesOf(documents{at: body}).CheckSector(t.Context(), nil, &c)
		assert.Equal(t, good, err == nil, "%s: %v", body, err)
		if !good {
			assert.Contains(t, fault.From(err).Fields, "sector_identifier_uri", body)
		}
	}
	require.Error(t, rulesOf(nil).CheckSector(t.Context(), nil, &c), "there is nothing")
	before := c
	require.NoError(t, rulesOf(nil).CheckSector(t.Context(), &before, &c), "nothing has changed")
	before.RedirectURIs = []string{callback}
	require.Error(t, rulesOf(nil).CheckSector(t.Context(), &before, &c))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.True(t, fault.Is(rulesOf(nil).CheckSector(ctx, nil, &c), fault.Unavailable))
}

// FAPI 2.0 Security Profile section 5.3.2.1.
func TestFAPIClients(t *testing.T) {
	t.Parallel()
	held := func(method string, change func(*oauth.Client)) []string {
		c := web()
		c.AuthMethod, c.RequirePAR, c.JWKSURI = method, true, "https://app.example/jwks"
		change(&c)
		if method == "tls_client_auth" {
			c.TLSDNS = "app.example"
		}
		return slices.Sorted(maps.Keys(rulesOf(nil).Check(&c)))
	}
	for name, bind := range map[string]func(*oauth.Client){
		"dpop": func(c *oauth.Client) { c.DPoPBound = true }, "tls": func(c *oauth.Client) { c.TLSBound = true },
	} {
		for _, method := range []string{"client_secret_basic", "client_secret_post"} {
			assert.Equal(t, []string{"token_endpoint_auth_method"}, held(method, bind), "%s %s", name, method)
			assert.Empty(t, held(method, func(*oauth.Client) {}), "bearers are not held to it")
			assert.Empty(t, held(method, func(c *oauth.Client) { bind(c); c.RequirePAR = false }))
		}
		for _, method := range []string{"private_key_jwt", "tls_client_auth", "none"} {
			assert.Empty(t, held(method, bind), "%s %s", name, method)
		}
	}
}
