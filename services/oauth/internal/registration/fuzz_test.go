package registration

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/fetch"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/registration/rules"
)

// FuzzReadMetadata feeds anything to what reads registrations: it is refused as
// Invalid, or can be checked, stored and read again.
func FuzzReadMetadata(f *testing.F) {
	f.Add([]byte(`{"redirect_uris":["https://app.example/cb"],"client_name":"App","scope":"openid email"}`))
	f.Add([]byte(`{"jwks":{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]},"default_max_age":-1}`))
	f.Add([]byte(`{"redirect_uris":null,"grant_types":[""],"contacts":["\u0000"],"a":{"b":[{"c":1,"c":2}]}}`))
	f.Add([]byte("{\"client_name\":\"\xff\"}"))
	r := &rules.Rules{AuthMethods: []string{"none"}, Access: time.Hour, ID: time.Hour, Refresh: time.Hour, Fetcher: fetch.New(nil)}
	f.Fuzz(func(t *testing.T, body []byte) {
		m, members, err := ReadMetadata(body)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatalf("it is not Invalid: %v", err)
			}
			return
		}
		if members == nil {
			t.Fatal("it has no members")
		}
		c := withDefaults(oauth.CreateClientRequest{Metadata: (&Registrar{}).chosen(m)})
		nameItself(&c)
		if len(r.Check(&c)) > 0 {
			return
		}
		text, err := json.Marshal(c.Metadata)
		if err != nil {
			t.Fatalf("what was accepted cannot be stored: %v", err)
		}
		var again oauth.Metadata
		if err := json.Unmarshal(text, &again); err != nil {
			t.Fatalf("what was stored cannot be read: %v", err)
		}
		if again.Name != c.Name || len(again.RedirectURIs) != len(c.RedirectURIs) {
			t.Fatalf("%q became %q", c.Name, again.Name)
		}
	})
}
