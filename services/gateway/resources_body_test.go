package gateway_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
)

func (e resource) takesJSON() bool {
	return (e.method == http.MethodPost || e.method == http.MethodPut) && e.path != "/v1/image"
}

func TestBodiesOfResourcesAreReadStrictly(t *testing.T) {
	t.Parallel()
	eachOf(t, resource.takesJSON, func(t *testing.T, s *resources, e resource) {
		token := s.full()
		for body, status := range map[string]int{
			"{": 400, "[]": 400, "null": 400, `{"name":1,"name":2}`: 400, `{} {}`: 400, "\xff": 400,
			`{"unknown":1}`: 422, `{"` + strings.Repeat("x", 1<<20) + `":1}`: 413,
		} {
			s.do(t, e.as(token).with(body)).fails(status)
		}
		q := e.as(token).with("name=x")
		q.header = map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
		s.do(t, q).fails(http.StatusUnsupportedMediaType)
		assert.Nil(t, s.asked.last(), "nothing was asked of a service")
	})
}

func TestFieldsOfWrongTypes(t *testing.T) {
	t.Parallel()
	s := newResources(t)
	token := s.full()
	text, number, truth := []string{"1", "true", "[]", "{}", "\"\\ud800\"", "\"\xff\""}, []string{`"1"`, "1.5", "1e3", "true", "[1]"}, []string{`"true"`, "1", "[]"}
	null := []string{"null"}
	for target, fields := range map[string]map[string][][]string{
		"POST /v1/user": {
			"email": {text}, "first_name": {text}, "last_name": {text}, "role": {number}, "access": {truth},
		},
		"PUT /v1/user/2": {
			"first_name": {text, null}, "last_name": {text, null}, "alias": {text}, "language": {number, null}, "locale": {number, null},
			"statefulness": {truth, null}, "login_confirmation": {truth, null}, "email": {text, null}, "current_password": {text, null},
			"role": {number, null}, "impersonation": {truth, null}, "status": {number, null},
		},
		"PUT /v1/user/1/profile": {
			"middle_name": {text}, "nickname": {text}, "profile": {text}, "website": {text}, "gender": {text}, "birthdate": {text},
			"zoneinfo": {text}, "locale": {text}, "phone_number": {text}, "address": {{`"x"`, "[]", "1"}},
		},
		"POST /v1/hub": {"name": {text}},
		"PUT /v1/hub/1": {
			"name": {text, null}, "program_level": {truth, null}, "login_confirmation": {truth, null},
			"login_confirmation_channel": {number, null}, "office_preview": {truth, null}, "pdf_preview": {truth, null},
			"support": {truth, null}, "password_age": {number, null}, "session_limit": {number, null}, "recovery_approval": {truth, null},
		},
		"POST /v1/account/deletion": {"password": {text, null}},
	} {
		method, path, _ := strings.Cut(target, " ")
		s.clock.Advance(time.Minute) // the quota of an address
		for field, kinds := range fields {
			for _, values := range kinds {
				for _, value := range values {
					got := s.do(t, request{method: method, path: path, token: token, body: `{"` + field + `":` + value + `}`})
					assert.Contains(t, got.fails(http.StatusUnprocessableEntity).Errors, field, "%s %s %s", target, field, value)
				}
			}
		}
	}
	assert.Nil(t, s.asked.last(), "nothing was asked of a service")
}

func to[T any](v T) *T { return &v }

func TestWhatServicesAreAsked(t *testing.T) {
	t.Parallel()
	s := newResources(t)
	token := s.full()
	hub := int64(1)
	actor := api.Actor{User: 1, Hub: &hub, Session: 54906, Origin: api.Origin{Address: "192.0.2.1"}}
	other := api.Ref{ID: 2}
	for name, tt := range map[string]struct {
		method, path, body string
		want               any
	}{
		"list": {http.MethodGet, "/user?page=2&per_page=5&query=%C3%9F&role=3&status=2", "", accounts.ListMembersRequest{
			Actor: actor, Page: api.Page{Number: 2, Size: 5}, Query: "ß", Role: to(accounts.RoleAdministrator), Status: to(accounts.Invited),
		}},
		"add": {http.MethodPost, "/user", `{"email":"a@example.org","first_name":"A","last_name":"B","role":0,"access":true}`, accounts.AddMemberRequest{
			Actor: actor, Email: "a@example.org", FirstName: "A", LastName: "B", Language: accounts.English, Role: to(accounts.RoleNone), Access: true,
		}},
		"add, nulls": {http.MethodPost, "/user", `{"email":"a@example.org","first_name":null,"role":null,"access":null}`, accounts.AddMemberRequest{
			Actor: actor, Email: "a@example.org", Language: accounts.English,
		}},
		"by hash": {http.MethodGet, "/user/" + otherHash, "", accounts.MemberRequest{Actor: actor, Member: api.Ref{Hash: otherHash}}},
		"nothing": {http.MethodPut, "/user/2", `{}`, accounts.UpdateMemberRequest{Actor: actor, Member: other}},
		"profile": {
			http.MethodPut, "/user/2",
			`{"first_name":"A","last_name":"B","alias":null,"language":0,"locale":0,"statefulness":false,"login_confirmation":true}`,
			accounts.UpdateMemberRequest{
				Actor: actor, Member: other, FirstName: to("A"), LastName: to("B"), Alias: to(""), Language: to(accounts.German),
				Locale: to(0), Statefulness: to(false), LoginConfirmation: to(true),
			},
		},
		"address": {http.MethodPut, "/user/2", `{"email":"b@example.org","current_password":"p"}`, accounts.UpdateMemberRequest{
			Actor: actor, Member: other, Email: to("b@example.org"), CurrentPassword: "p",
		}},
		"membership": {http.MethodPut, "/user/2", `{"role":5,"impersonation":false,"status":0}`, accounts.UpdateMemberRequest{
			Actor: actor, Member: other, Role: to(accounts.RoleOwner), Impersonation: to(false), Status: to(accounts.Disabled),
		}},
		"what one says": {
			http.MethodPut, "/user/1/profile",
			`{"middle_name":"R","nickname":"","profile":"https://a.example","website":null,"gender":"x","birthdate":"1969","zoneinfo":"UTC",` +
				`"locale":"de","phone_number":"+49","address":{"formatted":"a\nb","street_address":"s","locality":null,"region":"","postal_code":"1","country":"DE"}}`,
			accounts.UpdateProfileRequest{
				Actor: actor, Member: api.Ref{ID: 1}, MiddleName: to("R"), Nickname: to(""), Profile: to("https://a.example"), Website: to(""),
				Gender: to("x"), Birthdate: to("1969"), Zoneinfo: to("UTC"), Locale: to("de"), PhoneNumber: to("+49"),
				Address: accounts.AddressChange{
					Formatted: to("a\nb"), StreetAddress: to("s"), Locality: to(""), Region: to(""), PostalCode: to("1"), Country: to("DE"),
				},
			},
		},
		"part of an address": {http.MethodPut, "/user/1/profile", `{"address":{"country":"DE"}}`, accounts.UpdateProfileRequest{
			Actor: actor, Member: api.Ref{ID: 1}, Address: accounts.AddressChange{Country: to("DE")},
		}},
		"no address": {http.MethodPut, "/user/1/profile", `{"address":null}`, accounts.UpdateProfileRequest{
			Actor: actor, Member: api.Ref{ID: 1}, Address: accounts.AddressChange{
				Formatted: to(""), StreetAddress: to(""), Locality: to(""), Region: to(""), PostalCode: to(""), Country: to(""),
			},
		}},
		"remove":   {http.MethodDelete, "/user/2", "", accounts.MemberRequest{Actor: actor, Member: other}},
		"invite":   {http.MethodPost, "/user/2/invitation", "{}", accounts.MemberRequest{Actor: actor, Member: other}},
		"withdraw": {http.MethodDelete, "/user/2/invitation", "", accounts.MemberRequest{Actor: actor, Member: other}},
		"unlock":   {http.MethodDelete, "/user/2/lock", "", accounts.MemberRequest{Actor: actor, Member: other}},
		"hubs": {http.MethodGet, "/hub?query=x&role=5", "", accounts.ListHubsRequest{
			Actor: actor, Page: api.Page{Number: 1, Size: 25}, Query: "x", Role: to(accounts.RoleOwner),
		}},
		"create": {http.MethodPost, "/hub", `{"name":"Falcon"}`, accounts.CreateHubRequest{Actor: actor, Name: "Falcon"}},
		"hub": {
			http.MethodPut, "/hub/7",
			`{"name":"N","program_level":true,"login_confirmation":true,"login_confirmation_channel":3,"office_preview":false,` +
				`"pdf_preview":false,"support":false,"password_age":90,"session_limit":0,"recovery_approval":true}`,
			accounts.UpdateHubRequest{
				Actor: actor, Hub: api.Ref{ID: 7}, Name: to("N"), ProgramLevel: to(true), LoginConfirmation: to(true),
				LoginConfirmationChannel: to(accounts.ChannelApp), OfficePreview: to(false), PDFPreview: to(false), Support: to(false),
				PasswordAge: to(90), SessionLimit: to(0), RecoveryApproval: to(true),
			},
		},
		"delete": {http.MethodPost, "/account/deletion", `{"password":"p"}`, accounts.RequestDeletionRequest{Actor: actor, Password: "p"}},
		"assign": {http.MethodPut, "/user/2/identity", `{"provider":"company","email":"a@example.org"}`, accounts.AssignIdentityRequest{
			Actor: actor, Member: other, Provider: "company", Email: "a@example.org",
		}},
		"assign a subject": {http.MethodPut, "/user/2/identity", `{"provider":"company","subject":"1"}`, accounts.AssignIdentityRequest{
			Actor: actor, Member: other, Provider: "company", Subject: "1",
		}},
		"unassign": {http.MethodDelete, "/user/2/identity/company", "", accounts.UnassignIdentityRequest{
			Actor: actor, Member: other, Provider: "company",
		}},
		"unlink": {http.MethodDelete, "/identity/3", "", accounts.UnlinkIdentityRequest{Actor: actor, Identity: api.Ref{ID: 3}}},
	} {
		got := s.do(t, request{method: tt.method, path: "/v1" + tt.path, token: token, body: tt.body})
		require.Less(t, got.Code, 300, "%s: %s", name, got.Body)
		assert.Equal(t, tt.want, s.asked.last(), name)
	}
}

func TestChangesOfWhatOthersHaveChanged(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/v1/user/1", "/v1/user/2", "/v1/hub/1", "/v1/client/7"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			s := newResources(t)
			token := s.full()
			put := func(tag string) answer {
				return s.do(t, request{method: http.MethodPut, path: path, token: token, body: "{}", header: map[string]string{"If-Match": tag}})
			}
			for _, language := range []string{"de", "en"} {
				read := s.do(t, request{method: http.MethodGet, path: path, token: token, header: map[string]string{"Content-Language": language}})
				tag := read.Header().Get("ETag")
				put(tag).succeeds(http.StatusOK)
				assert.Equal(t, s.clock.Now(), *revision(t, s.asked.last()), "the service is told what the client has seen")
				put(`"` + otherHash + `", ` + tag).succeeds(http.StatusOK)
				put("W/" + tag).fails(http.StatusPreconditionFailed)
			}
			put("*").succeeds(http.StatusOK)
			calls := s.asked.calls
			put(`"` + otherHash + `"`).fails(http.StatusPreconditionFailed)
			assert.Equal(t, calls+1, s.asked.calls, "read, not changed")
		})
	}
}
