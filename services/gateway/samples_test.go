package gateway_test

import (
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/gatewaytest"
)

func sample(tb testing.TB, name string) string {
	tb.Helper()
	text, err := os.ReadFile("testdata/samples/" + name + ".json")
	require.NoError(tb, err)
	return string(text)
}

// sha1Hex is the checksum of an envelope's data, computed the documented way.
func sha1Hex(data []byte) string {
	if string(data) == "{}" {
		data = []byte("[]")
	}
	sum := sha1.Sum(data)
	return hex.EncodeToString(sum[:])
}

// mayBeNull are objects and times that can be absent.
var mayBeNull = []string{"data.user.image", "data.user.terms_accepted_time"}

var (
	timeForm = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$`)
	hashForm = regexp.MustCompile(`^[0-9a-f]{40}$`)
)

// differences are where an answer has other keys than the sample, other types,
// or strings of another form.
func differences(path string, want, got any) []string {
	if got == nil && (want == nil || slices.Contains(mayBeNull, path)) {
		return nil
	}
	switch want := want.(type) {
	case nil: // in the sample; anything may be there otherwise
		return nil
	case map[string]any:
		got, ok := got.(map[string]any)
		if !ok {
			return []string{path + " is no object"}
		}
		return objectDifferences(path, want, got)
	case []any:
		got, ok := got.([]any)
		if !ok {
			return []string{path + " is no list"}
		}
		var found []string
		for i := range got {
			found = append(found, differences(path+"[]", want[0], got[i])...)
		}
		return found
	case string:
		got, ok := got.(string)
		switch {
		case !ok:
			return []string{path + " is no string"}
		case timeForm.MatchString(want) && !timeForm.MatchString(got):
			return []string{path + " is no time: " + got}
		case hashForm.MatchString(want) && !hashForm.MatchString(got):
			return []string{path + " is no hash: " + got}
		}
		return nil
	default:
		if a, b := fmt.Sprintf("%T", want), fmt.Sprintf("%T", got); a != b {
			return []string{path + " is a " + b + ", not a " + a}
		}
		return nil
	}
}

func objectDifferences(path string, want, got map[string]any) []string {
	var found []string
	for key, value := range want {
		inner := strings.TrimPrefix(path+"."+key, ".")
		if _, ok := got[key]; !ok {
			found = append(found, inner+" is missing")
			continue
		}
		found = append(found, differences(inner, value, got[key])...)
	}
	for key := range got {
		if _, ok := want[key]; !ok {
			found = append(found, strings.TrimPrefix(path+"."+key, ".")+" is not in the sample")
		}
	}
	slices.Sort(found)
	return found
}

// matches checks a whole answer against a sample, and its form in general.
func (a answer) matches(name string, status int) map[string]any {
	a.t.Helper()
	a.succeeds(status)
	var want, got any
	require.NoError(a.t, json.Unmarshal([]byte(sample(a.t, name)), &want))
	require.NoError(a.t, json.Unmarshal(a.Body.Bytes(), &got))
	assert.Empty(a.t, differences("", want, got), "against %s", name)
	document, _ := got.(map[string]any)
	data, _ := document["data"].(map[string]any)
	return data
}

//nolint:tparallel // the steps share one account, whose activation is finished last.
func TestDocumentsAreThoseOfTheSamples(t *testing.T) {
	t.Parallel()
	s := newStage(t)

	t.Run("auth", func(t *testing.T) {
		data := s.do(t, request{method: http.MethodPost, path: "/v1/auth", body: login}).matches("auth.200", http.StatusOK)
		assert.EqualValues(t, 30, data["ttl"])
		assert.EqualValues(t, 5, data["role"])
	})
	t.Run("auth current", func(t *testing.T) {
		s.do(t, request{method: http.MethodGet, path: "/v1/auth", token: s.full()}).matches("auth_current.200", http.StatusOK)
	})
	t.Run("auth refreshed", func(t *testing.T) {
		s.do(t, request{method: http.MethodPut, path: "/v1/auth", token: s.full()}).matches("auth.200", http.StatusOK)
	})
	t.Run("auth hubless", func(t *testing.T) {
		body := strings.Replace(login, "}", `, "hub": false}`, 1)
		data := s.do(t, request{method: http.MethodPost, path: "/v1/auth", body: body}).matches("auth_hubless.200", http.StatusOK)
		assert.NotContains(t, data, "hub")
		assert.NotContains(t, data, "role")
		assert.Nil(t, data["features"].(map[string]any)["accounting"])
	})
	t.Run("logged out", func(t *testing.T) {
		s.do(t, request{method: http.MethodDelete, path: "/v1/auth", token: s.full()}).matches("auth_recovery_initiate.200", http.StatusOK)
	})
	t.Run("verification", func(t *testing.T) {
		data := s.do(t, request{method: http.MethodPost, path: "/v1/auth/verification/" + gatewaytest.InvitationLink}).
			matches("auth_verification.200", http.StatusOK)
		assert.Equal(t, "Nordantech", data["name"], "of the hub")
		data = s.do(t, request{method: http.MethodPost, path: "/v1/auth/verification/" + gatewaytest.ActivationLink}).
			matches("auth_verification.200", http.StatusOK)
		assert.Equal(t, "Gatehouse", data["name"], "of the product")
	})
	t.Run("activation initiate", func(t *testing.T) {
		s.do(t, request{method: http.MethodPost, path: "/v1/activation/initiate", body: sample(t, "activation_initiate.request")}).
			matches("activation_initiate.201", http.StatusCreated)
	})
	t.Run("activation finish", func(t *testing.T) {
		narrow := s.sessions.Open(sessions.ScopeActivationFinish, nil)
		s.do(t, request{
			method: http.MethodPut, path: "/v1/activation/" + gatewaytest.ActivationID + "/finish",
			body: sample(t, "activation_finish.request"), token: narrow.Token,
		}).matches("activation_finish.200", http.StatusOK)
	})
}

func TestDocumentsOfOpenSessionsAreThoseOfTheSamples(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	t.Run("hub", func(t *testing.T) {
		t.Parallel()
		data := s.do(t, request{method: http.MethodPost, path: "/v1/auth/hub/2", token: s.full()}).matches("auth_hub.200", http.StatusOK)
		assert.EqualValues(t, 2, data["hub"].(map[string]any)["id"])
	})
	t.Run("hubless", func(t *testing.T) {
		t.Parallel()
		data := s.do(t, request{method: http.MethodDelete, path: "/v1/auth/hub", token: s.full()}).matches("auth_hubless.200", http.StatusOK)
		assert.NotContains(t, data, "hub")
		assert.NotContains(t, data, "role")
	})
	t.Run("impersonation", func(t *testing.T) {
		t.Parallel()
		data := s.do(t, request{method: http.MethodPost, path: "/v1/auth/impersonation/" + gatewaytest.MemberHash, token: s.full()}).
			matches("auth_impersonation.200", http.StatusOK)
		assert.Equal(t, true, data["impersonated"])
		assert.NotContains(t, data["user"], "hubs")
		token, _ := data["token"].(string)

		refreshed := s.do(t, request{method: http.MethodPut, path: "/v1/auth", token: token}).matches("auth_impersonation.200", http.StatusOK)
		assert.Equal(t, data["user"], refreshed["user"])
		now := s.do(t, request{method: http.MethodGet, path: "/v1/auth", token: token})
		now.succeeds(http.StatusOK)
		assert.Contains(t, now.Body.String(), `"impersonated":true`)
		assert.NotContains(t, now.Body.String(), `"hubs"`)

		own := s.do(t, request{method: http.MethodDelete, path: "/v1/auth/impersonation", token: token}).
			matches("auth_impersonation_invalidate.200", http.StatusOK)
		assert.NotContains(t, own, "impersonated")
	})
	t.Run("code", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.accounts.Demand(accounts.StepCode)
		s.do(t, request{method: http.MethodPost, path: "/v1/auth/code", body: sample(t, "auth_code.request"), token: s.logIn(t)}).
			matches("auth_code.200", http.StatusOK)
	})
}

func TestDocumentsOfWhoHasNoSessionAreThoseOfTheSamples(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for path, name := range map[string]string{
		"/v1/auth/recovery/initiate":  "auth_recovery_initiate",
		"/v1/password/reset/initiate": "password_reset_initiate",
	} {
		s.do(t, request{method: http.MethodPost, path: path, body: sample(t, name+".request")}).matches(name+".200", http.StatusOK)
	}
	s.do(t, request{
		method: http.MethodPost, path: "/v1/password/reset/" + gatewaytest.ResetLink + "/finish", body: sample(t, "password_reset_finish.request"),
	}).matches("password_reset_finish.200", http.StatusOK)

	begun := s.do(t, request{method: http.MethodPost, path: "/v1/auth/identity/company/state"})
	data := begun.matches("auth_identity_state.200", http.StatusOK)
	assert.Len(t, data["state"], 40)
	assert.Len(t, data["challenge"], 43)
	assert.Regexp(t, `^<https://company\.example/authorize\?state=[0-9a-f]{40}>; rel="authorization"$`, begun.Header().Get("Link"))

	a := s.do(t, request{method: http.MethodPost, path: "/v1/auth/identity/company", body: `{"code": "x"}`})
	a.fails(http.StatusUnprocessableEntity)
	var want, got any
	require.NoError(t, json.Unmarshal([]byte(sample(t, "auth_identity.422")), &want))
	require.NoError(t, json.Unmarshal(a.Body.Bytes(), &got))
	assert.Empty(t, differences("", want, got))
	assert.Equal(t, want.(map[string]any)["error"], got.(map[string]any)["error"], "to the letter")
}

// Every sample of an answer is compared with one.
func TestEverySampleIsUsed(t *testing.T) {
	t.Parallel()
	tests, err := os.ReadFile("samples_test.go")
	require.NoError(t, err)
	files, err := os.ReadDir("testdata/samples")
	require.NoError(t, err)
	for _, f := range files {
		name, _, _ := strings.Cut(f.Name(), ".")
		assert.Contains(t, string(tests), `"`+name, f.Name())
	}
}

func TestAUserWithoutAPictureOrTerms(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.accounts.Change(func(a *accounts.Account) { a.User.Image, a.User.TermsAcceptedTime = nil, nil })
	data := s.do(t, request{method: http.MethodGet, path: "/v1/auth", token: s.full()}).matches("auth_current.200", http.StatusOK)
	user := data["user"].(map[string]any)
	assert.Nil(t, user["image"])
	assert.Nil(t, user["terms_accepted_time"])
}

func TestAUserWithoutHubs(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.accounts.Change(func(a *accounts.Account) { a.Hubs = nil })
	data := s.do(t, request{method: http.MethodPost, path: "/v1/auth", body: login}).matches("auth_hubless.200", http.StatusOK)
	assert.Equal(t, []any{}, data["user"].(map[string]any)["hubs"], "a list, not null")
}

func TestAHubThatNeverExpiresIsShownAsFarAway(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for language, text := range map[string]string{"en": "unlimited", "de": "unbegrenzt"} {
		data := s.do(t, request{
			method: http.MethodGet, path: "/v1/auth", token: s.full(), header: map[string]string{"Content-Language": language},
		}).matches("auth_current.200", http.StatusOK)
		hub := data["user"].(map[string]any)["hubs"].([]any)[1].(map[string]any)
		assert.Equal(t, "9999-12-31T23:59:59.000000Z", hub["expiration_time"])
		assert.EqualValues(t, 2_912_442, hub["remaining_days"]) // from 2 January 2026
		assert.Equal(t, text, hub["remaining_time"])
	}
}

func TestWhatTheSamplesSayOfTime(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for language, want := range map[string][2]string{"en": {"yesterday", "30 days"}, "de": {"gestern", "30 Tage"}} {
		data := s.do(t, request{
			method: http.MethodGet, path: "/v1/auth", token: s.full(), header: map[string]string{"Content-Language": language},
		}).matches("auth_current.200", http.StatusOK)
		user, hub := data["user"].(map[string]any), data["hub"].(map[string]any)
		assert.EqualValues(t, 1, user["password_age"])
		assert.Equal(t, want[0], user["password_age_relative_time"])
		assert.Equal(t, "2026-01-01T09:04:05.000000Z", user["password_modified_time"])
		assert.EqualValues(t, 30, hub["remaining_days"])
		assert.Equal(t, want[1], hub["remaining_time"])
	}
}

// The samples must be able to fail an answer.
func TestDifferencesAreFound(t *testing.T) {
	t.Parallel()
	want := map[string]any{"a": 1.0, "t": "2022-06-27T09:48:05.000000Z", "h": strings.Repeat("a", 40), "l": []any{map[string]any{"x": true}}, "n": nil}
	got := map[string]any{"b": 1.0, "t": "2022-06-27", "h": "A", "l": []any{map[string]any{"x": "true"}}, "n": true}
	assert.Equal(t, []string{
		"a is missing", "b is not in the sample", "h is no hash: A", "l[].x is a string, not a bool", "t is no time: 2022-06-27",
	}, differences("", want, got))
}
