package oauth

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
)

const big = 9 << 10

func TestAuthorizeRefusesInRedirects(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		tests := map[string]struct {
			change func(url.Values)
			code   string
		}{
			"response_type missing":    {one("response_type", ""), "invalid_request"},
			"response_type token":      {one("response_type", "token"), "unsupported_response_type"},
			"response_type hybrid":     {one("response_type", "code id_token"), "unsupported_response_type"},
			"response_type wrong case": {one("response_type", "Code"), "unsupported_response_type"},
			"response_mode unknown":    {one("response_mode", "carrier-pigeon"), "invalid_request"},
			"response_mode wrong case": {one("response_mode", "Form_Post"), "invalid_request"},
			"response_mode JARM":       {one("response_mode", "jwt"), "invalid_request"},
			"response_mode repeated":   {func(f url.Values) { f["response_mode"] = []string{"query", "form_post"} }, "invalid_request"},
			"scope missing":            {one("scope", ""), "invalid_scope"},
			"scope empty":              {one("scope", "   "), "invalid_scope"},
			"scope unknown":            {one("scope", "openid root"), "invalid_scope"},
			"scope wrong case":         {one("scope", "OpenID"), "invalid_scope"},
			"scope repeated":           {twice("scope", "openid"), "invalid_request"},
			"state repeated":           {twice("state", "other"), "invalid_request"},
			"unknown repeated":         {func(f url.Values) { f["x"] = []string{"1", "2"} }, "invalid_request"},
			"challenge missing":        {one("code_challenge", ""), "invalid_request"},
			"challenge and method gone": {func(f url.Values) {
				f.Del("code_challenge")
				f.Del("code_challenge_method")
			}, "invalid_request"},
			"challenge short":        {one("code_challenge", "abc"), "invalid_request"},
			"challenge not base64":   {one("code_challenge", strings.Repeat("=", 43)), "invalid_request"},
			"challenge padded":       {one("code_challenge", challengeOf(verifier)+"="), "invalid_request"},
			"method missing":         {one("code_challenge_method", ""), "invalid_request"},
			"method plain":           {one("code_challenge_method", "plain"), "invalid_request"},
			"method wrong case":      {one("code_challenge_method", "s256"), "invalid_request"},
			"prompt unknown":         {one("prompt", "logout"), "invalid_request"},
			"prompt none and create": {one("prompt", "create none"), "invalid_request"},
			"acr_values huge":        {one("acr_values", strings.Repeat("a", 513)), "invalid_request"},
			"claims no JSON":         {one("claims", "email"), "invalid_request"},
			"claims list":            {one("claims", "[]"), "invalid_request"},
			"claims huge":            {one("claims", `{"x":"`+strings.Repeat("x", 4<<10)+`"}`), "invalid_request"},
			"claims of two users":    {one("claims", `{"id_token":{"sub":{"values":["a","b"]}}}`), "invalid_request"},
			"claims repeated":        {func(f url.Values) { f["claims"] = []string{"{}", "{}"} }, "invalid_request"},
			"dpop_jkt short":         {one("dpop_jkt", "abc"), "invalid_request"},
			"dpop_jkt padded":        {one("dpop_jkt", challengeOf(verifier)+"="), "invalid_request"},
			"resource unknown":       {one("resource", "https://api.example"), "invalid_target"},
			"resource relative":      {one("resource", "/api"), "invalid_target"},
			"resource fragment":      {one("resource", "https://api.example#x"), "invalid_target"},
			"prompt none and login":  {one("prompt", "none login"), "invalid_request"},
			"prompt wrong case":      {one("prompt", "None"), "invalid_request"},
			"max_age negative":       {one("max_age", "-1"), "invalid_request"},
			"max_age no number":      {one("max_age", "1h"), "invalid_request"},
			"max_age huge":           {one("max_age", "99999999999999999999"), "invalid_request"},
			"nonce huge":             {one("nonce", strings.Repeat("n", 513)), "invalid_request"},
			"login hint huge":        {one("login_hint", strings.Repeat("h", 321)), "invalid_request"},
			"locales huge":           {one("ui_locales", strings.Repeat("l", 321)), "invalid_request"},
			"hint no token":          {one("id_token_hint", "x.y.z"), "invalid_request"},
			"request object":         {one("request", "eyJhbGciOiJub25lIn0.e30."), "invalid_request_object"},
			"request without openid": {func(f url.Values) {
				f.Set("request", "eyJhbGciOiJub25lIn0.e30.")
				f.Set("scope", "profile")
			}, "invalid_request_object"},
			"request_uri":             {one("request_uri", "https://evil.example/"), "invalid_request_uri"},
			"request and request_uri": {func(f url.Values) { set(f, "request", "x.y.z", "request_uri", "https://evil.example/") }, "invalid_request"},
			"registration":            {one("registration", "{}"), "registration_not_supported"},
			"nobody logged in":        {one("prompt", "none"), "login_required"},
		}
		for name, test := range tests {
			f := form(c)
			test.change(f)
			login := h.login()
			if test.code == "login_required" {
				login = nil
			}
			q := redirected(t, h.authorize(f, login))
			assert.Equal(t, test.code, q.Get("error"), "%s: %v", name, q)
			assert.Empty(t, q.Get("code"), name)
			assert.Equal(t, testOrigin, q.Get("iss"), name)
			assert.NotContains(t, q.Get("error_description"), `"`, name)
			if name != "state repeated" {
				assert.Equal(t, "af0ifjsldkj", q.Get("state"), name)
			}
		}
	})
}

func one(name, value string) func(url.Values) { return func(f url.Values) { set(f, name, value) } }

func twice(name, value string) func(url.Values) { return func(f url.Values) { f.Add(name, value) } }

func TestAuthorizeShowsProblems(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web(func(r *oauth.CreateClientRequest) {
			r.RedirectURIs = append(r.RedirectURIs, "https://app.example/other?x=y")
		})
		tests := map[string]struct {
			change func(url.Values)
			code   string
		}{
			"client missing":           {one("client_id", ""), "invalid_request"},
			"client unknown":           {one("client_id", "nobody"), "invalid_client"},
			"client wrong case":        {one("client_id", strings.ToUpper(c.Client.ID)), "invalid_client"},
			"client repeated":          {twice("client_id", c.Client.ID), "invalid_request"},
			"client huge":              {one("client_id", strings.Repeat("x", big)), "invalid_request"},
			"redirect missing":         {one("redirect_uri", ""), "invalid_request"},
			"redirect repeated":        {twice("redirect_uri", callback), "invalid_request"},
			"redirect one more":        {one("redirect_uri", callback+"k"), "invalid_request"},
			"redirect one less":        {one("redirect_uri", callback[:len(callback)-1]), "invalid_request"},
			"redirect slash":           {one("redirect_uri", callback+"/"), "invalid_request"},
			"redirect other case":      {one("redirect_uri", "https://App.example/callback"), "invalid_request"},
			"redirect query":           {one("redirect_uri", callback+"?"), "invalid_request"},
			"redirect fragment":        {one("redirect_uri", callback+"#"), "invalid_request"},
			"redirect http":            {one("redirect_uri", "http://app.example/callback"), "invalid_request"},
			"redirect port":            {one("redirect_uri", "https://app.example:443/callback"), "invalid_request"},
			"redirect dots":            {one("redirect_uri", "https://app.example/x/../callback"), "invalid_request"},
			"redirect encoded":         {one("redirect_uri", "https://app.example/c%61llback"), "invalid_request"},
			"redirect user":            {one("redirect_uri", "https://app.example@evil.example/callback"), "invalid_request"},
			"redirect space":           {one("redirect_uri", " "+callback), "invalid_request"},
			"redirect without a query": {one("redirect_uri", "https://app.example/other"), "invalid_request"},
			"not UTF-8":                {one("state", "\xff\xfe"), "invalid_request"},
			"NUL":                      {one("nonce", "a\x00b"), "invalid_request"},
			"too large":                {one("x", strings.Repeat("x", big)), "invalid_request"},
		}
		for name, test := range tests {
			f := form(c)
			test.change(f)
			a := h.authorize(f, h.login())
			if assert.NotNil(t, a.Problem, "%s: %+v", name, a) {
				assert.Equal(t, test.code, a.Problem.Code, name)
				assert.Empty(t, a.Redirect, name)
			}
		}
		a := h.authorize(url.Values{}, nil)
		assert.NotNil(t, a.Problem)
		a = h.authorize(form(c, "redirect_uri", "https://app.example/other?x=y"), h.login())
		assert.True(t, strings.HasPrefix(a.Redirect, "https://app.example/other?x=y&code="), a.Redirect)
	})
}

func TestTokenRefuses(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c, other := h.web(), h.web()
		tests := map[string]struct {
			change func(url.Values)
			code   string
		}{
			"grant missing":      {one("grant_type", ""), "invalid_request"},
			"grant unknown":      {one("grant_type", "password"), "unsupported_grant_type"},
			"grant wrong case":   {one("grant_type", "Authorization_Code"), "unsupported_grant_type"},
			"grant two":          {one("grant_type", "authorization_code refresh_token"), "unsupported_grant_type"},
			"grant repeated":     {twice("grant_type", "authorization_code"), "invalid_request"},
			"code missing":       {one("code", ""), "invalid_request"},
			"code unknown":       {one("code", "gh_ac_"+strings.Repeat("A", 64)), "invalid_grant"},
			"code no code":       {one("code", "x"), "invalid_grant"},
			"code not base64":    {one("code", "gh_ac_"+strings.Repeat("=", 64)), "invalid_grant"},
			"code huge":          {one("code", strings.Repeat("x", big)), "invalid_grant"},
			"code not UTF-8":     {one("code", "\xff"), "invalid_request"},
			"code NUL":           {one("code", "a\x00"), "invalid_request"},
			"code wrong case":    {func(f url.Values) { f.Set("code", strings.ToUpper(f.Get("code"))) }, "invalid_grant"},
			"code changed":       {func(f url.Values) { f.Set("code", flip(f.Get("code"))) }, "invalid_grant"},
			"redirect missing":   {one("redirect_uri", ""), "invalid_grant"},
			"redirect one more":  {one("redirect_uri", callback+"k"), "invalid_grant"},
			"redirect case":      {one("redirect_uri", strings.ToUpper(callback)), "invalid_grant"},
			"redirect repeated":  {twice("redirect_uri", callback), "invalid_request"},
			"verifier missing":   {one("code_verifier", ""), "invalid_grant"},
			"verifier wrong":     {one("code_verifier", strings.Repeat("v", 43)), "invalid_grant"},
			"verifier short":     {one("code_verifier", verifier[:42]), "invalid_grant"},
			"verifier long":      {one("code_verifier", strings.Repeat("v", 129)), "invalid_grant"},
			"verifier challenge": {one("code_verifier", challengeOf(verifier)), "invalid_grant"},
			"verifier case":      {one("code_verifier", strings.ToLower(verifier)), "invalid_grant"},
		}
		for name, test := range tests {
			f := codeForm(h.code(c))
			test.change(f)
			a := h.do(as(c, "/oauth2/token", f))
			assert.Equal(t, http.StatusBadRequest, a.status, "%s: %s", name, a.body)
			assert.Equal(t, test.code, a.text("error"), "%s: %s", name, a.body)
			assert.Equal(t, "no-store", a.header.Get("Cache-Control"), name)
			assert.Equal(t, "application/json", a.header.Get("Content-Type"), name)
		}
		code := h.code(c)
		requireError(t, h.redeem(other, code), http.StatusBadRequest, "invalid_grant")
		assert.Equal(t, http.StatusOK, h.redeem(c, code).status, "a stranger's try does not cost the owner the code")

		refresh := h.tokens(c).text("refresh_token")
		for name, token := range map[string]string{
			"none": "", "unknown": "gh_rt_" + strings.Repeat("A", 75), "changed": flip(refresh), "an access token": h.tokens(c).text("access_token"),
			"a code": h.code(c), "cut": refresh[:len(refresh)-1], "longer": refresh + "A", "another prefix": "gh_at_" + refresh[6:],
		} {
			a := h.refresh(c, token)
			assert.Equal(t, http.StatusBadRequest, a.status, "%s: %s", name, a.body)
			assert.Contains(t, []string{"invalid_grant", "invalid_request"}, a.text("error"), name)
		}
		requireError(t, h.refresh(other, refresh), http.StatusBadRequest, "invalid_grant")
		assert.Equal(t, http.StatusOK, h.refresh(c, refresh).status)
		for _, scope := range []string{"openid", "offline_access", "reports.read", "Reports", testScope + " profile", "*"} {
			a := h.do(as(c, "/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "scope": {scope}}))
			requireError(t, a, http.StatusBadRequest, "invalid_scope")
		}
	})
}

// flip changes one character of a token's middle.
func flip(token string) string {
	b := []byte(token)
	i := len(b) / 2
	if b[i] == 'A' {
		b[i] = 'B'
	} else {
		b[i] = 'A'
	}
	return string(b)
}

// TestBodiesAreReadStrictly holds for all endpoints that take a form.
func TestBodiesAreReadStrictly(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		for _, path := range []string{"/oauth2/token", "/oauth2/introspect", "/oauth2/revoke", "/oauth2/par"} {
			good := func() url.Values {
				return set(form(c), "grant_type", "client_credentials", "token", "x", "scope", testScope)
			}
			require.Less(t, h.do(as(c, path, good())).status, http.StatusBadRequest, path)

			mixed := as(c, path, good())
			mixed.URL.RawQuery = "token=y"
			requireError(t, h.do(mixed), http.StatusBadRequest, "invalid_request")

			wrongType := as(c, path, good())
			wrongType.Header.Set("Content-Type", "application/json")
			requireError(t, h.do(wrongType), http.StatusBadRequest, "invalid_request")
			wrongType.Header.Set("Content-Type", "multipart/form-data; boundary=x")
			requireError(t, h.do(wrongType), http.StatusBadRequest, "invalid_request")
			wrongType.Header.Del("Content-Type")
			requireError(t, h.do(wrongType), http.StatusBadRequest, "invalid_request")

			f := good()
			f.Set("x", strings.Repeat("x", 64<<10))
			requireError(t, h.do(as(c, path, f)), http.StatusRequestEntityTooLarge, "invalid_request")
			f = good()
			f.Add("token", "y")
			requireError(t, h.do(as(c, path, f)), http.StatusBadRequest, "invalid_request")

			broken := httptest.NewRequest(http.MethodPost, path, strings.NewReader("token=%zz"))
			broken.Header = as(c, path, good()).Header
			requireError(t, h.do(broken), http.StatusBadRequest, "invalid_request")

			get := h.do(httptest.NewRequest(http.MethodGet, path, http.NoBody))
			assert.Equal(t, http.StatusMethodNotAllowed, get.status, path)
			assert.Equal(t, http.MethodPost, get.header.Get("Allow"), path)
		}
		for _, path := range []string{"/oauth2/introspect", "/oauth2/revoke"} {
			requireError(t, h.do(as(c, path, url.Values{"x": {"y"}})), http.StatusBadRequest, "invalid_request")
			requireError(t, h.do(as(c, path, url.Values{"token": {""}})), http.StatusBadRequest, "invalid_request")
		}
	})
}
