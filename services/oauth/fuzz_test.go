package oauth

import (
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

// FuzzAuthorize: whatever a browser brings, it is answered, and it is sent to
// nobody but the client, told who it comes from.
func FuzzAuthorize(f *testing.F) {
	h := newHarness(f, testkit.OpenDB(f, db.SQLite, oauth.Name, Migrations))
	c := h.relying()
	h.alter(c.CreatedClient, func(m *oauth.Client) { m.ResponseTypes = []string{"code", "code id_token"} })
	good := form(c.CreatedClient)
	f.Add(good.Encode(), "")
	f.Add(form(c.CreatedClient, "response_type", "code id_token", "response_mode", "form_post", "prompt", "login").Encode(), "")
	f.Add(form(c.CreatedClient, "claims", essential(acr2), "acr_values", acr1, "max_age", "0", "dpop_jkt", challengeOf(verifier)).Encode(), "")
	f.Add(opens(c.CreatedClient, urn+"x").Encode(), "")
	f.Add(c.brings("x.y.z").Encode(), "")
	f.Add(url.Values{"client_id": {c.Client.ID}}.Encode(), `{"iss":"`+c.Client.ID+`","aud":"`+testOrigin+`","max_age":1e3,"resource":["a"]}`)
	f.Fuzz(func(t *testing.T, query, claims string) {
		values, err := url.ParseQuery(query)
		if err != nil {
			return // it does not arrive
		}
		if claims != "" {
			signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: c.keys[jose.ES256]}, nil)
			if err != nil {
				t.Fatal(err)
			}
			object, err := signer.Sign([]byte(claims))
			if err != nil {
				t.Fatal(err)
			}
			text, err := object.CompactSerialize()
			if err != nil {
				t.Fatal(err)
			}
			values.Set("request", text)
		}
		for _, login := range []*oauth.Login{nil, h.login()} {
			a, err := h.service.Authorize(t.Context(), oauth.AuthorizeRequest{Form: values, Login: login})
			if err != nil {
				t.Fatal(err)
			}
			checkAnswer(t, a)
		}
	})
}

func checkAnswer(t *testing.T, a oauth.Authorization) {
	t.Helper()
	answers := 0
	for _, set := range []bool{a.Redirect != "", a.Post != nil, a.Login != nil, a.Consent != nil, a.Problem != nil} {
		if set {
			answers++
		}
	}
	if answers != 1 {
		t.Fatalf("%d answers: %+v", answers, a)
	}
	if a.Redirect != "" && !strings.HasPrefix(a.Redirect, callback+"?") && !strings.HasPrefix(a.Redirect, callback+"#") ||
		a.Post != nil && a.Post.Action != callback {
		t.Fatalf("sent elsewhere: %+v", a)
	}
	if (a.Redirect != "" || a.Post != nil) && redirected(t, a).Get("iss") != testOrigin {
		t.Fatalf("does not say where it comes from: %+v", a)
	}
}
