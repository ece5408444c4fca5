package gateway_test

import (
	"net/http"
	"strings"
)

const invalid = http.StatusUnprocessableEntity

var badCodes = []badInput{
	{"nothing", `{}`, invalid, []string{"code"}},
	{"null", `{"code": null}`, invalid, []string{"code"}},
	{"empty", `{"code": ""}`, invalid, []string{"code"}},
	{"a number", `{"code": 13120}`, invalid, []string{"code"}},
	{"a list", `{"code": ["013120"]}`, invalid, []string{"code"}},
	{"too long", `{"code": "` + strings.Repeat("1", 1001) + `"}`, invalid, []string{"code"}},
	{"a control character", `{"code": "013120\n"}`, invalid, []string{"code"}},
	{"not UTF-8", "{\"code\": \"\xff\"}", invalid, []string{"code"}},
	{"an unknown field", `{"code": "013120", "mfa": 1}`, invalid, []string{"mfa"}},
}

var badFactorCodes = append([]badInput{
	{"a wrong one", `{"code": "000000"}`, invalid, []string{"code"}},
}, badCodes...)

var badTerms = []badInput{
	{"nothing", `{}`, invalid, []string{"terms"}},
	{"null", `{"terms": null}`, invalid, []string{"terms"}},
	{"refused", `{"terms": false}`, invalid, []string{"terms"}},
	{"a text", `{"terms": "true"}`, invalid, []string{"terms"}},
	{"a number", `{"terms": 1}`, invalid, []string{"terms"}},
}

const longEnough = `"password": "long enough", "password_confirmation": "long enough"`

var badResets = []badInput{
	{"nothing", `{}`, invalid, []string{"password"}},
	{"nulls", `{"password": null, "password_confirmation": null}`, invalid, []string{"password"}},
	{"wrong types", `{"password": 1, "password_confirmation": {}}`, invalid, []string{"password", "password_confirmation"}},
	{"too short", `{"password": "short", "password_confirmation": "short"}`, invalid, []string{"password"}},
	{"too long", `{"password": "` + strings.Repeat("x", 257) + `"}`, invalid, []string{"password"}},
	{"another confirmation", `{"password": "long enough", "password_confirmation": "enough"}`, invalid, []string{"password"}},
	{"not UTF-8", "{\"password\": \"\xff\", \"password_confirmation\": \"\xff\"}", invalid, []string{"password", "password_confirmation"}},
	{"an unknown field", `{` + longEnough + `, "user": 2}`, invalid, []string{"user"}},
}

var badPasswords = []badInput{
	{"nothing", `{}`, invalid, []string{"current_password", "password"}},
	{"no current one", `{` + longEnough + `}`, invalid, []string{"current_password"}},
	{"a wrong current one", `{"current_password": "wrong", ` + longEnough + `}`, invalid, []string{"current_password"}},
	{"wrong types", `{"current_password": [], "password": 1, "password_confirmation": true}`, invalid, []string{"current_password", "password", "password_confirmation"}},
	{"an unknown field", `{"current_password": "x", ` + longEnough + `, "user": 2}`, invalid, []string{"user"}},
}

var badUsers = []badInput{
	{"nothing", `{}`, invalid, []string{"user"}},
	{"null", `{"user": null}`, invalid, []string{"user"}},
	{"empty", `{"user": ""}`, invalid, []string{"user"}},
	{"a number", `{"user": 1}`, invalid, []string{"user"}},
	{"too long", `{"user": "` + strings.Repeat("ä", 1001) + `"}`, invalid, []string{"user"}},
	{"a control character", `{"user": "a\u0000@example.org"}`, invalid, []string{"user"}},
	{"not UTF-8", "{\"user\": \"\xff\"}", invalid, []string{"user"}},
	{"an unknown field", `{"user": "a", "email": "a"}`, invalid, []string{"email"}},
}

var badIdentities = []badInput{
	{"nothing", `{}`, invalid, []string{"code", "state"}},
	{"no code", `{"state": "a"}`, invalid, []string{"code"}},
	{"wrong types", `{"state": 1, "code": []}`, invalid, []string{"code", "state"}},
	{"an unknown state", `{"state": "` + strings.Repeat("f", 40) + `", "code": "a"}`, invalid, []string{"state"}},
	{"too long", `{"state": "` + strings.Repeat("a", 1001) + `", "code": "` + strings.Repeat("a", 10_001) + `"}`, invalid, []string{"code", "state"}},
	{"control characters", `{"state": "a\n", "code": "b\u0000"}`, invalid, []string{"code", "state"}},
	{"a redirect URI", `{"state": "a", "code": "b", "redirect_uri": "c"}`, invalid, []string{"redirect_uri"}},
}

var badEnrolments = []badInput{
	{"nothing", `{}`, invalid, []string{"channel"}},
	{"null", `{"channel": null}`, invalid, []string{"channel"}},
	{"by mail", `{"channel": 1}`, invalid, []string{"channel"}},
	{"no channel", `{"channel": 4}`, invalid, []string{"channel"}},
	{"a text", `{"channel": "3"}`, invalid, []string{"channel"}},
	{"a fraction", `{"channel": 2.5}`, invalid, []string{"channel"}},
	{"beyond bounds", `{"channel": 99999999999999999999}`, invalid, []string{"channel"}},
	{"a telephone without a number", `{"channel": 2}`, invalid, []string{"number"}},
	{"a number of a wrong type", `{"channel": 2, "number": 49}`, invalid, []string{"number"}},
	{"an unknown field", `{"channel": 3, "secret": "JBSWY3DP"}`, invalid, []string{"secret"}},
}

var badRemovals = []badInput{
	{"nothing", `{}`, invalid, []string{"password"}},
	{"null", `{"password": null}`, invalid, []string{"password"}},
	{"a wrong one", `{"password": "wrong"}`, invalid, []string{"password"}},
	{"a number", `{"password": 1}`, invalid, []string{"password"}},
	{"too long", `{"password": "` + strings.Repeat("x", 1001) + `"}`, invalid, []string{"password"}},
}

var badTokens = []badInput{
	{"nothing", `{}`, invalid, []string{"name"}},
	{"wrong types", `{"name": 1, "expiration_time": 1, "scopes": "*"}`, invalid, []string{"expiration_time", "name", "scopes"}},
	{"a day", `{"name": "a", "expiration_time": "2027-01-01"}`, invalid, []string{"expiration_time"}},
	{"no scopes", `{"name": "a", "scopes": []}`, invalid, []string{"scopes"}},
	{"an unknown scope", `{"name": "a", "scopes": ["root"]}`, invalid, []string{"scopes"}},
	{"a scope of a wrong type", `{"name": "a", "scopes": [1]}`, invalid, []string{"scopes"}},
	{"too long", `{"name": "` + strings.Repeat("ä", 1001) + `"}`, invalid, []string{"name"}},
	{"for somebody else", `{"name": "a", "user": 2}`, invalid, []string{"user"}},
}
