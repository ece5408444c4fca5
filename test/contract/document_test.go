// Package contract_test holds the description of the JSON API and the gateway to
// each other: what one says and the other does not do is an error of one of them.
package contract_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/services/gateway"
)

// document is what the gateway serves, and what has been seen of it.
type document struct {
	*openapi3.T
	router routers.Router

	mu   sync.Mutex
	seen map[string]bool // "POST /v1/auth 200"
}

// opaque are types of which only bytes are known.
var opaque = sync.OnceFunc(func() {
	for _, mediaType := range []string{"image/jpeg", "image/png", "image/gif", "image/webp", "text/html"} {
		openapi3filter.RegisterBodyDecoder(mediaType, openapi3filter.FileBodyDecoder)
	}
})

func load(t *testing.T) *document {
	t.Helper()
	opaque()
	parsed, err := openapi3.NewLoader().LoadFromData(gateway.Document())
	require.NoError(t, err)
	require.NoError(t, parsed.Validate(t.Context()))
	router, err := gorillamux.NewRouter(parsed)
	require.NoError(t, err)
	return &document{T: parsed, router: router, seen: map[string]bool{}}
}

// operation is one method of one path.
type operation struct {
	method, path string
	*openapi3.Operation
}

func (o operation) String() string { return o.method + " " + o.path }

// guarded tells whether the operation needs a token.
func (o operation) guarded() bool { return len((*o.Security)[0]) > 0 }

// scopes are the ones whose tokens open the operation.
func (o operation) scopes() (all []string) {
	for _, alternative := range *o.Security {
		all = append(all, alternative["bearer"]...)
	}
	return all
}

// takesCookie tells whether a browser's session cookie opens it, too.
func (o operation) takesCookie() bool {
	return slices.ContainsFunc(*o.Security, func(s openapi3.SecurityRequirement) bool { return s["cookie"] != nil })
}

// answers tells whether the status is documented.
func (o operation) answers(status int) bool { return o.Responses.Status(status) != nil }

// example is a body that the document gives as one, and its type; empty if
// there need not be any.
func (o operation) example(t *testing.T) (mediaType, body string) {
	t.Helper()
	if o.RequestBody == nil || !o.RequestBody.Value.Required {
		return "", ""
	}
	if o.OperationID == "setImage" {
		return "image/png", "a picture"
	}
	media := o.RequestBody.Value.Content["application/json"]
	require.NotNil(t, media, o.String())
	for _, name := range slices.Sorted(maps.Keys(media.Examples)) {
		return "application/json", text(t, media.Examples[name].Value.Value)
	}
	require.NotEmpty(t, media.Schema.Value.Examples, "%s has no example", o)
	return "application/json", text(t, media.Schema.Value.Examples[0])
}

func text(t *testing.T, v any) string {
	t.Helper()
	encoded, err := json.Marshal(v)
	require.NoError(t, err)
	return string(encoded)
}

// operations lists what is documented.
func (d *document) operations() []operation {
	var all []operation
	for _, path := range d.Paths.InMatchingOrder() {
		for method, o := range d.Paths.Value(path).Operations() {
			all = append(all, operation{method, path, o})
		}
	}
	return all
}

// statuses lists every documented answer as "POST /v1/auth 200".
func (d *document) statuses() []string {
	var all []string
	for _, o := range d.operations() {
		for status := range o.Responses.Map() {
			all = append(all, o.String()+" "+status)
		}
	}
	slices.Sort(all)
	return all
}

// unseen lists the documented answers that no test has got.
func (d *document) unseen() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.DeleteFunc(d.statuses(), func(s string) bool { return d.seen[s] })
}

// options are as strict as can be.
var options = &openapi3filter.Options{
	MultiError: true, IncludeResponseStatus: true, RejectWhenRequestBodyNotSpecified: true, SkipSettingDefaults: true,
	AuthenticationFunc: authenticate,
}

// input finds the operation that a request is to.
func (d *document) input(r *http.Request, body string) (*openapi3filter.RequestValidationInput, error) {
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(strings.NewReader(body))
	route, parameters, err := d.router.FindRoute(r)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", r.Method, r.URL.Path, err)
	}
	return &openapi3filter.RequestValidationInput{Request: r, PathParams: parameters, Route: route, Options: options}, nil
}

// refuses tells why the document does not allow the request; nil if it does.
func (d *document) refuses(r *http.Request, body string) error {
	in, err := d.input(r, body)
	if err != nil {
		return err
	}
	return openapi3filter.ValidateRequest(r.Context(), in)
}

// differs tells in what the answer is not as described; nil if it is.
func (d *document) differs(r *http.Request, status int, header http.Header, body string) error {
	in, err := d.input(r, "")
	if err != nil {
		return err
	}
	described := in.Route.Operation.Responses.Status(status)
	if described == nil {
		return fmt.Errorf("the status %d is not described", status)
	}
	for name, h := range described.Value.Headers {
		if h.Value.Required && header.Get(name) == "" {
			return fmt.Errorf("the header %s is missing", name)
		}
	}
	if len(described.Value.Content) == 0 && body != "" {
		return fmt.Errorf("there is a body: %s", body)
	}
	return openapi3filter.ValidateResponse(r.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: status, Header: header, Options: options,
		Body: io.NopCloser(bytes.NewReader([]byte(body))),
	})
}

// remember notes that the answer has been got.
func (d *document) remember(t *testing.T, r *http.Request, status int) {
	t.Helper()
	in, err := d.input(r, "")
	require.NoError(t, err)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seen[r.Method+" "+in.Route.Path+" "+strconv.Itoa(status)] = true
}

// authenticate asks of a request the proof that the document asks for. A token
// has to be of one of the scopes that are documented as roles.
func authenticate(_ context.Context, in *openapi3filter.AuthenticationInput) error {
	r := in.RequestValidationInput.Request
	if in.SecurityScheme.In == "cookie" {
		_, err := r.Cookie(in.SecurityScheme.Name)
		return err
	}
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return fmt.Errorf("there is no bearer token")
	}
	if scope := scopeOf(token); !slices.Contains(in.Scopes, scope) {
		return fmt.Errorf("the scope is %q, not one of %v", scope, in.Scopes)
	}
	return nil
}

// scopeOf reads the scp of a session token.
func scopeOf(token string) string {
	parts := strings.Split(token, ".")
	var claims struct {
		Scope string `json:"scp"`
	}
	if len(parts) == 3 {
		payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
		_ = json.Unmarshal(payload, &claims)
	}
	return claims.Scope
}
