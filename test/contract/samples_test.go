package contract_test

import (
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const samplesPath = "../../services/gateway/testdata/samples"

// hash stands for any 40 hexadecimal digits.
const hash = "ed89d4ea96f023d252aa6882658f311b2744b72e"

// sampled are the operations that the samples are of. The hubless document is
// also what a login without a hub answers.
var sampled = map[string]string{
	"auth":                          "POST /v1/auth",
	"auth_code":                     "POST /v1/auth/code",
	"auth_current":                  "GET /v1/auth",
	"auth_hub":                      "POST /v1/auth/hub/1",
	"auth_hubless":                  "DELETE /v1/auth/hub",
	"auth_identity":                 "POST /v1/auth/identity/company",
	"auth_identity_state":           "POST /v1/auth/identity/company/state",
	"auth_impersonation":            "POST /v1/auth/impersonation/2",
	"auth_impersonation_invalidate": "DELETE /v1/auth/impersonation",
	"auth_recovery_initiate":        "POST /v1/auth/recovery/initiate",
	"auth_verification":             "POST /v1/auth/verification/" + hash,
	"activation_initiate":           "POST /v1/activation/initiate",
	"activation_finish":             "PUT /v1/activation/" + hash + "/finish",
	"password_reset_finish":         "POST /v1/password/reset/" + hash + "/finish",
	"password_reset_initiate":       "POST /v1/password/reset/initiate",
}

// proofs are the scopes of the tokens that the sampled requests need.
var proofs = map[string]string{"auth_code": "auth.code", "activation_finish": "activation.finish"}

// sampleHeader is what every answer has and the samples leave out.
func sampleHeader() http.Header {
	h := http.Header{}
	for name, value := range map[string]string{
		"Content-Type": "application/json; charset=utf-8", "Content-Language": "en", "X-Request-Id": "sample",
		"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "99", "ETag": `"` + hash + `"`,
	} {
		h.Set(name, value)
	}
	return h
}

// tokenOf is a token of the scope, good enough for the document.
func tokenOf(scope string) string {
	return "e30." + base64.RawURLEncoding.EncodeToString([]byte(`{"scp":"`+scope+`"}`)) + ".e30"
}

func TestTheSamplesAreAsDocumented(t *testing.T) {
	t.Parallel()
	d := load(t)
	files, err := filepath.Glob(samplesPath + "/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	checked := 0
	for _, file := range files {
		name, kind, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), ".json"), ".")
		target, ok := sampled[name]
		require.True(t, ok, "%s is of no documented operation", file)
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		method, path, _ := strings.Cut(target, " ")
		r, err := http.NewRequestWithContext(t.Context(), method, "http://localhost"+path, http.NoBody)
		require.NoError(t, err)
		r.Header.Set("Content-Type", "application/json")
		checked++
		if kind == "request" {
			r.Header.Set("Authorization", "Bearer "+tokenOf(proofs[name]))
			require.NoError(t, d.refuses(r, string(text)), file)
			continue
		}
		status, err := strconv.Atoi(kind)
		require.NoError(t, err, file)
		require.NoError(t, d.differs(r, status, sampleHeader(), string(text)), file)
	}
	assert.Equal(t, 22, checked, "samples")
}

// The document must be able to refuse a sample.
func TestTheDocumentRefusesWhatIsWrong(t *testing.T) {
	t.Parallel()
	d := load(t)
	text, err := os.ReadFile(samplesPath + "/auth_current.200.json")
	require.NoError(t, err)
	for name, change := range map[string][2]string{
		"a key that is missing":    {`"ttl": 30,`, ``},
		"a key that is not known":  {`"ttl": 30,`, `"ttl": 30, "secret": 1,`},
		"a key of another answer":  {`"ttl": 30,`, `"ttl": 30, "token": "a.b.c",`},
		"another type":             {`"remaining_days": 355`, `"remaining_days": "355"`},
		"a time of another form":   {`"2022-06-27T09:48:05.000000Z"`, `"2022-06-27T09:48:05Z"`},
		"an unknown key of a user": {`"model": "User",`, `"model": "User", "alias": "x",`},
		"an unknown key of a hub":  {`"remaining_time": "355 days",`, `"remaining_time": "355 days", "owner": 1,`},
		"a number out of the list": {`"role": 5`, `"role": 6`},
		"a hub without a role":     {`"role": 5,`, ``},
		"failure as success":       {`"success": true`, `"success": false`},
	} {
		changed := strings.Replace(string(text), change[0], change[1], 1)
		require.NotEqual(t, string(text), changed, name)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/v1/auth", http.NoBody)
		require.NoError(t, err)
		require.Error(t, d.differs(r, http.StatusOK, sampleHeader(), changed), name)
	}
	for _, header := range []string{"Content-Language", "X-Request-Id", "X-RateLimit-Remaining", "ETag"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/v1/auth", http.NoBody)
		require.NoError(t, err)
		without := sampleHeader()
		without.Del(header)
		require.Error(t, d.differs(r, http.StatusOK, without, string(text)), "without %s", header)
	}
}
