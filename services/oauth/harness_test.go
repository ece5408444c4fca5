package oauth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/keyring"
	"github.com/gatehouse-id/gatehouse/pkg/obs"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/keys"
)

func TestMain(m *testing.M) { testkit.Main(m) }

const (
	alice      = "8db560a23013ff54838d45e59a3f3f39f6720c86"
	bob        = "1f3870be274f6c49b3e31a0c6728957f0a1b2c3d"
	callback   = "https://app.example/callback"
	testScope  = "reports"
	testOrigin = "https://id.example"
)

// harness is a service on a fresh database, with everything around it within
// the test's reach.
type harness struct {
	t        testing.TB
	db       *db.DB
	clock    *clockwork.FakeClock
	ring     *keyring.Ring
	accounts *fakeAccounts
	config   Config
	logosAt  []netip.Prefix
	service  *Service
	obs      *obs.Obs
	log      *testkit.Log
	spans    *tracetest.InMemoryExporter
	issuer   string
}

// each runs the test on both databases.
func each(t *testing.T, test func(t *testing.T, h *harness)) {
	t.Helper()
	testkit.EachDB(t, oauth.Name, Migrations, func(t *testing.T, d *db.DB) {
		test(t, newHarness(t, d))
	})
}

func newHarness(tb testing.TB, d *db.DB) *harness {
	tb.Helper()
	h := &harness{
		t: tb, db: d, clock: testkit.Clock(), ring: sharedRing(tb), accounts: newFakeAccounts(),
		log: &testkit.Log{}, spans: tracetest.NewInMemoryExporter(), issuer: testOrigin,
		config: Config{
			AccessLifetime: 10 * time.Minute, IDLifetime: time.Hour, CodeLifetime: time.Minute,
			RefreshLifetime: 30 * 24 * time.Hour, GrantLifetime: 365 * 24 * time.Hour, RefreshGrace: 10 * time.Second,
			Scopes: []string{testScope, "reports.read"}, KeyRotation: 30 * 24 * time.Hour, KeyRetirement: 30 * 24 * time.Hour,
			PendingLimit: 10000, Registration: "token", RegistrationLimit: 1000, RegistrationUnused: 7 * 24 * time.Hour,
		},
	}
	h.obs = obs.Nop()
	h.obs.Logger = slog.New(slog.NewJSONHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	h.obs.Tracer = sdktrace.NewTracerProvider(sdktrace.WithSyncer(h.spans))
	seedKeys(tb, d)
	h.restart()
	return h
}

// restart makes the service anew, with the settings as they are now.
func (h *harness) restart() {
	h.t.Helper()
	h.config.PublicURL = h.issuer
	s, err := New(h.t.Context(), h.config, Deps{
		Obs: h.obs, Clock: h.clock, DB: h.db, Ring: h.ring, Accounts: h.accounts, LogoNetworks: h.logosAt,
	})
	require.NoError(h.t, err)
	h.service = s
}

// Making an RSA key takes long, so all tests share the keys, and the root key
// they are sealed under.
var testRoot = func() []byte {
	root := make([]byte, keyring.RootSize)
	_, _ = rand.Read(root)
	return root
}()

func sharedRing(tb testing.TB) *keyring.Ring {
	tb.Helper()
	ring, err := keyring.NewRing(testRoot)
	require.NoError(tb, err)
	return ring
}

// keyRow is a row of signing_keys.
type keyRow struct {
	id, name, alg         string
	generation, signsFrom int64
	sealed                []byte
}

var keyRows struct {
	sync.Mutex
	all []keyRow
}

// seedKeys puts the shared keys into a database, and makes them in the first one.
func seedKeys(tb testing.TB, d *db.DB) {
	tb.Helper()
	keyRows.Lock()
	defer keyRows.Unlock()
	if keyRows.all == nil {
		_, err := keys.New(tb.Context(), keys.Options{
			DB: d, Ring: sharedRing(tb), Clock: testkit.Clock(), Rotate: time.Hour, Retire: time.Hour,
		})
		require.NoError(tb, err)
		keyRows.all = readKeys(tb, d)
		return
	}
	for _, k := range keyRows.all {
		_, err := d.Exec(tb.Context(), `INSERT INTO signing_keys (id, name, generation, alg, sealed, signs_from) VALUES ($1, $2, $3, $4, $5, $6)`,
			k.id, k.name, k.generation, k.alg, k.sealed, k.signsFrom)
		require.NoError(tb, err)
	}
}

func readKeys(tb testing.TB, d *db.DB) []keyRow {
	tb.Helper()
	rows, err := d.Query(tb.Context(), "SELECT id, name, generation, alg, sealed, signs_from FROM signing_keys")
	require.NoError(tb, err)
	defer func() { require.NoError(tb, rows.Close()) }()
	var all []keyRow
	for rows.Next() {
		var k keyRow
		require.NoError(tb, rows.Scan(&k.id, &k.name, &k.generation, &k.alg, &k.sealed, &k.signsFrom))
		all = append(all, k)
	}
	require.NoError(tb, rows.Err())
	return all
}

// web is a confidential client with everything on.
func (h *harness) web(change ...func(*oauth.CreateClientRequest)) oauth.CreatedClient {
	h.t.Helper()
	r := oauth.CreateClientRequest{
		Metadata: oauth.Metadata{
			Name: "Web app", RedirectURIs: []string{callback},
			GrantTypes: []string{"authorization_code", "refresh_token", "client_credentials"},
			Scopes:     []string{"openid", "profile", "email", "hub", "offline_access", testScope},
		},
		Privileges: oauth.Privileges{FirstParty: true},
	}
	for _, f := range change {
		f(&r)
	}
	created, err := h.service.CreateClient(h.t.Context(), r)
	require.NoError(h.t, err)
	return created
}

func public(r *oauth.CreateClientRequest) {
	r.AuthMethod, r.GrantTypes = "none", []string{"authorization_code", "refresh_token"}
}

func thirdParty(r *oauth.CreateClientRequest) { r.FirstParty = false }

// login is Alice's session, opened a minute ago.
func (h *harness) login() *oauth.Login {
	hub := int64(7)
	return &oauth.Login{
		Subject: alice, Session: "5e55" + strings.Repeat("0", 36), Hub: &hub, Methods: []string{"pwd"},
		AuthenticatedTime: h.clock.Now().Add(-time.Minute),
	}
}

const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // of RFC 7636, appendix B

func challengeOf(v string) string {
	sum := sha256.Sum256([]byte(v))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// form is a good authorization request of the client.
func form(c oauth.CreatedClient, change ...string) url.Values {
	f := url.Values{
		"client_id": {c.Client.ID}, "redirect_uri": {callback}, "response_type": {"code"},
		"scope": {"openid profile email hub offline_access"}, "state": {"af0ifjsldkj"}, "nonce": {"n-0S6_WzA2Mj"},
		"code_challenge": {challengeOf(verifier)}, "code_challenge_method": {"S256"},
	}
	return set(f, change...)
}

// set changes parameters, pair by pair; an empty value takes one out.
func set(f url.Values, change ...string) url.Values {
	for i := 0; i+1 < len(change); i += 2 {
		f.Set(change[i], change[i+1])
		if change[i+1] == "" {
			f.Del(change[i])
		}
	}
	return f
}

func (h *harness) authorize(f url.Values, login *oauth.Login) oauth.Authorization {
	h.t.Helper()
	a, err := h.service.Authorize(h.t.Context(), oauth.AuthorizeRequest{Form: f, Login: login})
	require.NoError(h.t, err)
	return a
}

// redirected are the parameters that the browser brings to the client, whichever
// way.
func redirected(tb testing.TB, a oauth.Authorization) url.Values {
	tb.Helper()
	if a.Post != nil {
		posted := url.Values{}
		for name, value := range a.Post.Fields {
			posted.Set(name, value)
		}
		return posted
	}
	require.NotEmpty(tb, a.Redirect, "%+v %+v", a, a.Problem)
	u, err := url.Parse(a.Redirect)
	require.NoError(tb, err)
	if u.Fragment != "" {
		parameters, err := url.ParseQuery(u.EscapedFragment())
		require.NoError(tb, err)
		return parameters
	}
	return u.Query()
}

// code gets an authorization code for the client.
func (h *harness) code(c oauth.CreatedClient, change ...string) string {
	h.t.Helper()
	q := redirected(h.t, h.authorize(form(c, change...), h.login()))
	require.NotEmpty(h.t, q.Get("code"), "%v", q)
	return q.Get("code")
}

// answer is what an endpoint answered.
type answer struct {
	status int
	header http.Header
	body   string
	json   map[string]any
}

func (a answer) text(name string) string {
	s, _ := a.json[name].(string)
	return s
}

// do sends a request to the public endpoints.
func (h *harness) do(r *http.Request) answer {
	h.t.Helper()
	ctx, span := h.obs.Tracer.Tracer("test").Start(r.Context(), "request")
	defer span.End()
	w := httptest.NewRecorder()
	h.service.Public().ServeHTTP(w, r.WithContext(ctx))
	a := answer{status: w.Code, header: w.Header(), body: w.Body.String()}
	_ = json.Unmarshal(w.Body.Bytes(), &a.json)
	return a
}

func post(path string, f url.Values) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(f.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// as authenticates the request as the client, the way it is registered.
func as(c oauth.CreatedClient, path string, f url.Values) *http.Request {
	switch c.Client.AuthMethod {
	case "none":
		set(f, "client_id", c.Client.ID)
	case "client_secret_post":
		set(f, "client_id", c.Client.ID, "client_secret", c.Secret)
	}
	r := post(path, f)
	if c.Client.AuthMethod == "client_secret_basic" {
		r.SetBasicAuth(url.QueryEscape(c.Client.ID), url.QueryEscape(c.Secret))
	}
	return r
}

func codeForm(code string, change ...string) url.Values {
	return set(url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {verifier},
	}, change...)
}

func (h *harness) redeem(c oauth.CreatedClient, code string, change ...string) answer {
	h.t.Helper()
	return h.do(as(c, "/oauth2/token", codeForm(code, change...)))
}

func (h *harness) refresh(c oauth.CreatedClient, token string, change ...string) answer {
	h.t.Helper()
	return h.do(as(c, "/oauth2/token", set(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}, change...)))
}

// tokens goes all the way to the client's first tokens.
func (h *harness) tokens(c oauth.CreatedClient, change ...string) answer {
	h.t.Helper()
	a := h.redeem(c, h.code(c, change...))
	require.Equal(h.t, http.StatusOK, a.status, a.body)
	return a
}

func (h *harness) introspect(c oauth.CreatedClient, token string) answer {
	h.t.Helper()
	return h.do(as(c, "/oauth2/introspect", url.Values{"token": {token}}))
}

func (h *harness) userinfo(token string) answer {
	h.t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/oauth2/userinfo", http.NoBody)
	r.Header.Set("Authorization", "Bearer "+token)
	return h.do(r)
}

// active asks the client whether a token is good.
func (h *harness) active(c oauth.CreatedClient, token string) bool {
	h.t.Helper()
	a := h.introspect(c, token)
	require.Equal(h.t, http.StatusOK, a.status, a.body)
	return a.json["active"] == true
}

func requireError(tb testing.TB, a answer, status int, code string) {
	tb.Helper()
	require.Equal(tb, status, a.status, a.body)
	require.Equal(tb, code, a.text("error"), a.body)
}

func canceled(tb testing.TB) context.Context {
	tb.Helper()
	ctx, cancel := context.WithCancel(tb.Context())
	cancel()
	return ctx
}
