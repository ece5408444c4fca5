// Package clients_test signs people in with relying parties that other people
// have built: openid-client and oauth4webapi.
package clients_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/test/internal/node"
	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

func TestMain(m *testing.M) { system.Main(m) }

const (
	redirectURI = "https://app.example.org/callback"
	signedOut   = "https://app.example.org/signed-out"
	resource    = "https://api.example.org/"
)

// metadata of a client; what a flow needs besides is set on top.
type metadata map[string]any

func with(more metadata) metadata {
	m := metadata{
		"client_name": "Test app", "redirect_uris": []string{redirectURI},
		"scopes":      []string{"openid", "profile", "email", "offline_access"},
		"grant_types": []string{"authorization_code", "refresh_token"},
	}
	for name, value := range more {
		m[name] = value
	}
	return m
}

// register registers a client with the operator's command line.
func register(t *testing.T, s *system.System, m metadata) (id, secret string) {
	t.Helper()
	text, err := json.Marshal(m)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "client.json")
	require.NoError(t, os.WriteFile(file, text, 0o600))
	out := s.Operate(t, "client", "create", "--metadata", file)
	var created struct {
		Client struct {
			ID string `json:"client_id"`
		} `json:"client"`
		Secret string `json:"client_secret"`
	}
	require.NoError(t, json.Unmarshal(out, &created), "%s", out)
	return created.Client.ID, created.Secret
}

// key is a client's key: its private JWK, and its public JWK set.
func key(t *testing.T) (private, public json.RawMessage) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	whole := jose.JSONWebKey{Key: k, KeyID: "1", Algorithm: "ES256", Use: "sig"}
	private, err = json.Marshal(whole)
	require.NoError(t, err)
	public, err = json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{whole.Public()}})
	require.NoError(t, err)
	return private, public
}

// line is what a program says.
type line struct {
	Visit   string         `json:"visit"`
	Approve string         `json:"approve"`
	Done    map[string]any `json:"done"`
}

// play runs a program to its end, as the user in front of the browser. It gives
// what the program has found out.
func play(t *testing.T, s *system.System, p system.Person, settings metadata, script, flow string) map[string]any {
	t.Helper()
	settings["issuer"], settings["redirect_uri"] = s.URL, redirectURI
	text, err := json.Marshal(settings)
	require.NoError(t, err)
	program := node.Start(t, []string{"SETTINGS=" + string(text)}, script, flow)
	b := system.NewBrowser(t, "https://app.example.org")
	for {
		var said line
		program.Read(&said)
		switch {
		case said.Visit != "":
			visit(t, b, p, said.Visit)
			program.Write(arrival(b))
		case said.Approve != "":
			approve(t, s, b, p, said.Approve)
			program.Write(map[string]any{})
		default:
			return said.Done
		}
	}
}

// visit goes to the provider and does what its pages ask for.
func visit(t *testing.T, b *system.Browser, p system.Person, address string) {
	t.Helper()
	b.Open(address)
	if b.Arrived == nil && b.Has("/login") {
		b.Submit("/login", url.Values{"user": {p.Email}, "password": {p.Password}})
	}
	if b.Arrived == nil && b.Has("/consent") {
		b.Submit("/consent", url.Values{"decision": {"allow"}})
	}
}

// arrival is where the browser came to the app, and what it posted there.
func arrival(b *system.Browser) map[string]any {
	if b.Arrived != nil {
		return map[string]any{"url": b.Arrived.String()}
	}
	action, fields := b.Posts()
	return map[string]any{"url": action, "form": fields}
}

func approve(t *testing.T, s *system.System, b *system.Browser, p system.Person, code string) {
	t.Helper()
	b.Open(s.URL + "/device?user_code=" + url.QueryEscape(code))
	b.Submit("/device", nil)
	if b.Has("/login") {
		b.Submit("/login", url.Values{"user": {p.Email}, "password": {p.Password}})
	}
	b.Submit("/device", nil) // the code, which has come along
	b.Submit("/device", url.Values{"decision": {"allow"}})
	require.Equal(t, http.StatusOK, b.Status)
	require.False(t, b.Has("/device"), "%s: %s", b.URL, b.Page.Find("main").Text())
}

// TestClients runs every flow of every library.
func TestClients(t *testing.T) {
	s := system.Standalone(t)
	person, _ := s.Register(t, "olli@example.org")
	private, public := key(t)
	keys := metadata{"key": private, "kid": "1"}
	signing := metadata{"token_endpoint_auth_method": "private_key_jwt", "jwks": public}
	device := metadata{"grant_types": []string{"urn:ietf:params:oauth:grant-type:device_code"}, "redirect_uris": []string{}}
	machine := metadata{"grant_types": []string{"client_credentials"}, "redirect_uris": []string{}, "scopes": []string{}}
	both := []string{"openid-client.mjs", "oauth4webapi.mjs"}
	for _, flow := range []struct {
		name     string
		scripts  []string
		metadata metadata
		settings metadata
		machine  bool
	}{
		{name: "code", scripts: both},
		{name: "par", scripts: both[:1], metadata: metadata{"require_pushed_authorization_requests": true}},
		{name: "jar", scripts: both[:1], metadata: metadata{"jwks": public, "require_signed_request_object": true}, settings: keys},
		{name: "form_post", scripts: both[:1]},
		{name: "hybrid", scripts: both[:1], metadata: metadata{"response_types": []string{"code", "code id_token"}}},
		{name: "dpop", scripts: both[:1], metadata: metadata{"dpop_bound_access_tokens": true}},
		{name: "private_key_jwt", scripts: both[:1], metadata: join(signing, metadata{
			"grant_types": []string{"authorization_code", "refresh_token", "client_credentials"},
		}), settings: keys},
		{name: "fapi", scripts: both, metadata: join(signing, metadata{
			"dpop_bound_access_tokens": true, "require_pushed_authorization_requests": true,
		}), settings: keys},
		{name: "client_credentials", scripts: both, metadata: machine, machine: true},
		{name: "device", scripts: both, metadata: device},
		{name: "logout", scripts: both[:1], metadata: metadata{"post_logout_redirect_uris": []string{signedOut}},
			settings: metadata{"post_logout_redirect_uri": signedOut}},
		{name: "signed_introspection", scripts: both[1:]},
		{name: "jwt_access_token", scripts: both[1:], metadata: metadata{
			"access_token_format": "jwt", "resources": []string{resource},
		}, settings: metadata{"resource": resource}},
	} {
		for _, script := range flow.scripts {
			t.Run(flow.name+" "+script, func(t *testing.T) {
				id, secret := register(t, s, with(flow.metadata))
				settings := join(metadata{"client_id": id, "client_secret": secret}, flow.settings)
				found := play(t, s, person, settings, script, flow.name)
				if !flow.machine {
					assert.Equal(t, person.Hash, found["sub"])
				}
			})
		}
	}
}

// TestRegistration lets clients register themselves.
func TestRegistration(t *testing.T) {
	s := system.Standalone(t)
	person, _ := s.Register(t, "olli@example.org")
	var token struct {
		Token string `json:"token"`
	}
	require.NoError(t, json.Unmarshal(s.Operate(t, "client", "registration-token", "create", "--name", "test"), &token))
	for _, script := range []string{"openid-client.mjs", "oauth4webapi.mjs"} {
		t.Run(script, func(t *testing.T) {
			found := play(t, s, person, metadata{"initial_access_token": token.Token}, script, "registration")
			assert.NotEmpty(t, found["client_id"])
		})
	}
}

func join(parts ...metadata) metadata {
	all := metadata{}
	for _, part := range parts {
		for name, value := range part {
			all[name] = value
		}
	}
	return all
}
