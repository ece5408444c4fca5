package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// metadata is what is chosen about a client on the command line: the values of
// flags, over those of --set, over those in a file.
type metadata struct {
	file   string
	set    []string
	public bool
	// fields are flags by the name that the value has in JSON.
	fields map[string]flagField
}

// flagField is a flag and where its value is.
type flagField struct {
	flag  string
	value any
}

func (m *metadata) flags(c *cobra.Command) {
	f := c.Flags()
	m.fields = map[string]flagField{}
	text := func(name, flag, usage string) {
		m.fields[name] = flagField{flag, f.String(flag, "", usage)}
	}
	list := func(name, flag, usage string) {
		m.fields[name] = flagField{flag, f.StringSlice(flag, nil, usage+"; may be repeated")}
	}
	truth := func(name, flag, usage string) {
		m.fields[name] = flagField{flag, f.Bool(flag, false, usage)}
	}
	seconds := func(name, flag, usage string) {
		m.fields[name] = flagField{flag, f.Int64(flag, 0, usage+", in seconds; 0 for the installation's")}
	}
	text("client_name", "name", "what people see on the consent page")
	list("redirect_uris", "redirect-uri", "where answers may be sent")
	list("post_logout_redirect_uris", "post-logout-redirect-uri", "where users may be sent who have signed out")
	list("grant_types", "grant", "authorization_code, refresh_token, client_credentials or another that is offered")
	list("response_types", "response-type", "code, or \"code id_token\" for the hybrid flow")
	list("scopes", "scope", "what it may ask for")
	list("resources", "resource", "an API that tokens may be for")
	list("allowed_origins", "origin", "an origin whose pages may ask for tokens; any if none is given")
	list("contacts", "contact", "an email address of who is responsible")
	text("application_type", "type", "web or native")
	text("token_endpoint_auth_method", "auth-method", "client_secret_basic, client_secret_post, private_key_jwt, tls_client_auth or none")
	text("jwks_uri", "jwks-uri", "where its public keys are")
	text("subject_type", "subject-type", "public, or pairwise for names of users of its own")
	text("sector_identifier_uri", "sector-uri", "which redirect URIs share the names of users")
	text("id_token_signed_response_alg", "id-token-alg", "RS256, ES256 or EdDSA")
	text("access_token_format", "access-token", "opaque or jwt")
	text("backchannel_logout_uri", "backchannel-logout-uri", "where it is told that a session has ended")
	text("frontchannel_logout_uri", "frontchannel-logout-uri", "what is loaded in the browser when a session ends")
	seconds("access_token_lifetime", "access-token-lifetime", "how long access tokens are good")
	seconds("id_token_lifetime", "id-token-lifetime", "how long ID tokens are good")
	seconds("refresh_token_lifetime", "refresh-token-lifetime", "how long refresh tokens may lie unused")
	truth("first_party", "first-party", "our own app: do not ask for consent; not for public apps without https, which anybody can imitate")
	truth("resource_server", "resource-server", "an API: may introspect the access tokens of every client")
	truth("impersonation", "impersonation", "may get tokens of users with an administrator's token")
	truth("pkce_optional", "pkce-optional", "an old confidential app that cannot do PKCE")
	truth("require_pushed_authorization_requests", "require-par", "authorization requests have to be pushed")
	truth("dpop_bound_access_tokens", "dpop-bound", "access tokens are bound to a key of the app's")
	truth("tls_client_certificate_bound_access_tokens", "certificate-bound", "access tokens are bound to the app's certificate")
	f.BoolVar(&m.public, "public", false, "a single-page, native or command-line app, which can keep no secret")
	f.StringVar(&m.file, "metadata", "", "a file with a JSON object of metadata")
	f.StringArrayVar(&m.set, "set", nil, "NAME=JSON for any of the metadata, such as default_max_age=3600; may be repeated")
}

// object is what was chosen, by the names in JSON.
func (m *metadata) object(c *cobra.Command) (map[string]json.RawMessage, error) {
	object := map[string]json.RawMessage{}
	if m.file != "" {
		text, err := os.ReadFile(m.file)
		if err != nil {
			return nil, usageError{fmt.Errorf("reading --metadata: %w", err)}
		}
		if err := json.Unmarshal(text, &object); err != nil || object == nil {
			return nil, usageError{fmt.Errorf("%s does not hold a JSON object", m.file)}
		}
	}
	for _, pair := range m.set {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" || !json.Valid([]byte(value)) {
			return nil, usageError{fmt.Errorf(`--set needs NAME=JSON, such as client_uri='"https://app.example.org"', not %q`, pair)}
		}
		object[name] = json.RawMessage(value)
	}
	for name, field := range m.fields {
		if !c.Flags().Changed(field.flag) {
			continue
		}
		value, err := json.Marshal(field.value)
		if err != nil {
			return nil, usageError{err}
		}
		object[name] = value
	}
	return object, m.withPublic(object)
}

func (m *metadata) withPublic(object map[string]json.RawMessage) error {
	const method = "token_endpoint_auth_method"
	if !m.public {
		return nil
	}
	if given, there := object[method]; there && string(given) != `"none"` {
		return usageError{errors.New("--public contradicts the method of authentication")}
	}
	object[method] = json.RawMessage(`"none"`)
	return nil
}
