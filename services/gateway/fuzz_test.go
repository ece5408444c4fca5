package gateway_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/gatewaytest"
)

// Whatever is sent, the answer is an envelope that says what is wrong with it,
// and nothing is wrong with us.
func FuzzBodies(f *testing.F) {
	for _, bad := range slices.Concat(
		everywhere, badLogins, badRegistrations, badActivations, badCodes, badTerms, badPasswords, badUsers, badIdentities,
		badEnrolments, badRemovals, badTokens,
	) {
		if len(bad.body) < 200 {
			f.Add([]byte(bad.body))
		}
	}
	f.Add([]byte(login))
	f.Add([]byte(sample(f, "activation_finish.request")))
	s := newStage(f, settings(unlimited))
	endpoints := readers(s)
	endpoints = append(endpoints, reader{request{
		method: http.MethodPut, path: "/v1/activation/" + gatewaytest.UserHash + "/finish",
		token: s.sessions.Open(sessions.ScopeActivationFinish, nil).Token,
	}, nil})
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, q := range endpoints {
			a := s.do(t, q.with(string(body)))
			switch a.Code {
			case http.StatusOK, http.StatusCreated:
				a.succeeds(a.Code)
			case http.StatusBadRequest, http.StatusUnauthorized, http.StatusNotFound,
				http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
				a.fails(a.Code)
			default:
				t.Errorf("status %d for %q", a.Code, body)
			}
		}
	})
}

func FuzzPaths(f *testing.F) {
	for _, path := range []string{
		"/v1/auth", "/v1/auth/verification/" + gatewaytest.ActivationLink, "/v1//auth", "/v1/../v1/auth", "/v1/auth/verification/%2e%2e",
		"/v1/activation/%00/finish", "/v1/auth?hub=%ff", "/v1/%zz", "/V1/auth", "/v1/auth;a=b",
	} {
		f.Add(http.MethodPost, path)
	}
	s := newStage(f, settings(unlimited))
	f.Fuzz(func(t *testing.T, method, path string) {
		u, err := url.ParseRequestURI("/v1/" + path)
		if err != nil || method == "" || strings.ContainsFunc(method, func(r rune) bool { return r < 'A' || r > 'Z' }) {
			return // net/http refuses it before it comes to us
		}
		r := httptest.NewRequest(method, "/", http.NoBody)
		r.URL = u
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		a := answer{w, t}
		switch {
		case a.Code == http.StatusTemporaryRedirect && strings.HasPrefix(a.Header().Get("Location"), "//"):
			t.Errorf("%s %s leads to another host: %s", method, path, a.Header().Get("Location"))
		case a.Code == http.StatusTemporaryRedirect, method == http.MethodHead:
		case a.Code >= http.StatusInternalServerError:
			t.Errorf("status %d for %s %q", a.Code, method, path)
		case strings.HasPrefix(u.Path, "/v1/") && a.Code >= http.StatusBadRequest:
			a.fails(a.Code)
		}
	})
}

// A path names an object, or nothing, whatever is in it.
func FuzzObjects(f *testing.F) {
	for _, name := range []string{"1", "0", "-1", "01", gatewaytest.HubHash, gatewaytest.MemberHash, "me", "%00", "a/b", "..", "\xff", "9223372036854775808"} {
		f.Add(name)
	}
	s := newStage(f, settings(unlimited))
	f.Fuzz(func(t *testing.T, name string) {
		for _, path := range []string{"/v1/auth/hub/", "/v1/auth/impersonation/"} {
			r := request{method: http.MethodPost, path: path, token: s.full()}.build()
			r.URL = &url.URL{Path: path + name, RawPath: path + url.PathEscape(name)}
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			a := answer{w, t}
			named, ok := api.ParseRef(name)
			known := named.ID == 1 || named.ID == 2 || named.Hash == gatewaytest.HubHash || named.Hash == gatewaytest.MemberHash
			switch {
			case a.Code == http.StatusTemporaryRedirect: // the path itself is not clean
			case a.Code == http.StatusOK && ok && known:
				a.succeeds(http.StatusOK)
			case a.Code == http.StatusNotFound:
				a.fails(http.StatusNotFound)
			default:
				t.Errorf("status %d for %q", a.Code, name)
			}
		}
	})
}
