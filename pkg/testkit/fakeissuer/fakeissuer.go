// Package fakeissuer is a test double of an OpenID provider: metadata, keys and
// a token endpoint that checks client, code and PKCE, and lies when told to.
package fakeissuer

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/jonboulle/clockwork"
)

// The client that the issuer knows.
const (
	ClientID     = "gatehouse"
	ClientSecret = "the secret of gatehouse"
)

// Issuer is a provider on loopback.
type Issuer struct {
	URL string
	// Claims are changed or removed (nil) in every ID token.
	Claims map[string]any
	// Status, if not 0, is what the token endpoint answers.
	Status int
	// ForeignKey signs with a key that is not published; Unsigned does not sign.
	ForeignKey, Unsigned bool
	// WithSecret signs with the client secret (HS256).
	WithSecret bool
	// NoIDToken leaves it out.
	NoIDToken bool
	// Secret, if not nil, judges the client secret.
	Secret func(secret string) bool
	// Metadata are changed or removed (nil) in the metadata.
	Metadata map[string]any
	// UserInfo, if not nil, is what the UserInfo endpoint answers.
	UserInfo map[string]any
	// Instead, if not nil, answers what the path names.
	Instead map[string]http.HandlerFunc

	clock  clockwork.Clock
	server *httptest.Server
	key    *ecdsa.PrivateKey
	kid    string

	mu    sync.Mutex
	codes map[string]url.Values // authorization requests
}

// New starts an issuer that ends with the test.
func New(tb testing.TB, clock clockwork.Clock) *Issuer {
	tb.Helper()
	i := &Issuer{clock: clock, kid: "1", key: newKey(tb), codes: map[string]url.Values{}, Claims: map[string]any{}, Metadata: map[string]any{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", i.metadata)
	mux.HandleFunc("GET /jwks", i.keys)
	mux.HandleFunc("POST /token", i.Token)
	mux.HandleFunc("GET /userinfo", i.userInfo)
	i.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if instead := i.Instead[r.URL.Path]; instead != nil {
			instead(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	tb.Cleanup(i.server.Close)
	i.URL = i.server.URL
	return i
}

// Stop makes the issuer unreachable.
func (i *Issuer) Stop() { i.server.Close() }

// Rotate gives the issuer another key, and that another name.
func (i *Issuer) Rotate(tb testing.TB) {
	tb.Helper()
	i.key, i.kid = newKey(tb), i.kid+"x"
}

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

// Authorize stands for a user who agrees at the authorization endpoint: it takes
// the authorization request and gives a code for it.
func (i *Issuer) Authorize(tb testing.TB, request string) (code string) {
	tb.Helper()
	u, err := url.Parse(request)
	if err != nil {
		tb.Fatal(err)
	}
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	code = hex.EncodeToString(b)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.codes[code] = u.Query()
	return code
}

// Agree is an authorization endpoint for browsers, whose user agrees at once. It
// is for [Issuer.Instead].
func (i *Issuer) Agree(w http.ResponseWriter, r *http.Request) {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	code := hex.EncodeToString(b)
	i.mu.Lock()
	i.codes[code] = r.URL.Query()
	i.mu.Unlock()
	answer := url.Values{"code": {code}, "state": {r.URL.Query().Get("state")}, "iss": {i.URL}}
	http.Redirect(w, r, r.URL.Query().Get("redirect_uri")+"?"+answer.Encode(), http.StatusSeeOther)
}

// Request is an authorization request as a client builds it that knows no more
// than state and challenge.
func (i *Issuer) Request(state, challenge, redirectURI string) string {
	return i.URL + "/authorize?" + url.Values{
		"response_type": {"code"}, "client_id": {ClientID}, "scope": {"openid"}, "redirect_uri": {redirectURI},
		"state": {state}, "code_challenge": {challenge}, "code_challenge_method": {"S256"},
	}.Encode()
}

func (i *Issuer) metadata(w http.ResponseWriter, _ *http.Request) {
	metadata := map[string]any{
		"issuer": i.URL, "authorization_endpoint": i.URL + "/authorize", "token_endpoint": i.URL + "/token", "jwks_uri": i.URL + "/jwks",
		"id_token_signing_alg_values_supported": []string{"ES256"}, "code_challenge_methods_supported": []string{"S256"},
	}
	if i.UserInfo != nil {
		metadata["userinfo_endpoint"] = i.URL + "/userinfo"
	}
	answer(w, http.StatusOK, changed(metadata, i.Metadata))
}

func changed(what, by map[string]any) map[string]any {
	for name, value := range by {
		what[name] = value
		if value == nil {
			delete(what, name)
		}
	}
	return what
}

func (i *Issuer) userInfo(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer upstream" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	answer(w, http.StatusOK, i.UserInfo)
}

func (i *Issuer) keys(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: i.key.Public(), KeyID: i.kid, Algorithm: "ES256", Use: "sig"}}})
}

// Token is the token endpoint, for whom it has another path.
func (i *Issuer) Token(w http.ResponseWriter, r *http.Request) {
	if i.Status != 0 {
		answer(w, i.Status, map[string]string{"error": "invalid_grant"})
		return
	}
	id, secret, _ := r.BasicAuth()
	if id == "" {
		id, secret = r.FormValue("client_id"), r.FormValue("client_secret")
	}
	if unescaped, err := url.QueryUnescape(secret); err == nil {
		secret = unescaped
	}
	i.mu.Lock()
	request, ok := i.codes[r.FormValue("code")]
	delete(i.codes, r.FormValue("code"))
	i.mu.Unlock()
	sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	challenge := base64.RawURLEncoding.EncodeToString(sum[:])
	right := secret == ClientSecret
	if i.Secret != nil {
		right = i.Secret(secret)
	}
	if id != ClientID || !right || !ok ||
		request.Get("code_challenge") != challenge || request.Get("redirect_uri") != r.FormValue("redirect_uri") {
		answer(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant"})
		return
	}
	body := map[string]any{"access_token": "upstream", "token_type": "Bearer", "expires_in": 60}
	if !i.NoIDToken {
		body["id_token"] = i.idToken(request.Get("nonce"))
	}
	answer(w, http.StatusOK, body)
}

func (i *Issuer) idToken(nonce string) string {
	now := i.clock.Now()
	claims := map[string]any{
		"iss": i.URL, "aud": ClientID, "sub": "upstream-subject", "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
		"email": "robin@example.org", "email_verified": true, "name": "Robin Example",
	}
	if nonce != "" {
		claims["nonce"] = nonce
	}
	payload, _ := json.Marshal(changed(claims, i.Claims)) // plain values
	if i.Unsigned {
		encode := base64.RawURLEncoding.EncodeToString
		return encode([]byte(`{"alg":"none"}`)) + "." + encode(payload) + "."
	}
	key := i.key
	if i.ForeignKey {
		key, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	with := jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: i.kid}}
	if i.WithSecret {
		with = jose.SigningKey{Algorithm: jose.HS256, Key: append([]byte(ClientSecret), make([]byte, 32)...)}
	}
	signer, err := jose.NewSigner(with, nil)
	if err != nil {
		panic(err) // the key is of the right type
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		panic(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return text
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client went away
}
