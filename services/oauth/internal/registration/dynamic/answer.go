package dynamic

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/i18n"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/registration"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/scope"
)

// The errors of RFC 7591 section 3.2.2.
var (
	errMetadata = &fosite.RFC6749Error{
		ErrorField: "invalid_client_metadata", CodeField: http.StatusBadRequest,
		DescriptionField: "The client cannot be registered so.",
	}
	errRedirect = &fosite.RFC6749Error{
		ErrorField: "invalid_redirect_uri", CodeField: http.StatusBadRequest,
		DescriptionField: "The client cannot be registered so.",
	}
	errStatement = &fosite.RFC6749Error{
		ErrorField: "unapproved_software_statement", CodeField: http.StatusBadRequest,
		DescriptionField: "Software statements are not taken from anybody.",
	}
	errToken = &fosite.RFC6749Error{
		ErrorField: "invalid_token", CodeField: http.StatusUnauthorized,
		DescriptionField: "A token is needed that is good for this.",
	}
	errFull = &fosite.RFC6749Error{
		ErrorField: "access_denied", CodeField: http.StatusForbidden,
		DescriptionField: "No more clients can be registered at the moment.",
	}
)

// texts are read once, when something is wrong for the first time.
var texts = sync.OnceValues(i18n.New)

// maxDescription bounds what is told of broken rules, in bytes.
const maxDescription = 1000

// failure is an error of the registrar's as this endpoint puts it.
func failure(err error) error {
	if errors.Is(err, registration.ErrToken) {
		return errToken
	}
	if errors.Is(err, registration.ErrFull) || fault.Is(err, fault.Conflict) {
		return errFull
	}
	if !fault.Is(err, fault.Invalid) {
		return err
	}
	f := fault.From(err)
	code := errMetadata
	if _, broken := f.Fields["redirect_uris"]; broken {
		code = errRedirect
	}
	catalogue, loadErr := texts()
	if loadErr != nil {
		return loadErr
	}
	return code.WithHint(describe(catalogue, f))
}

// describe names each broken rule with its field.
func describe(texts *i18n.Catalogue, f *fault.Fault) string {
	if len(f.Fields) == 0 {
		return texts.Text(i18n.English, f.Message.ID, f.Message.Args)
	}
	var all []string
	for _, field := range slices.Sorted(maps.Keys(f.Fields)) {
		name := field
		if field == "scopes" {
			name = "scope"
		}
		for _, m := range f.Fields[field] {
			all = append(all, name+": "+texts.Text(i18n.English, m.ID, m.Args))
		}
	}
	described := strings.Join(all, " ")
	return described[:min(len(described), maxDescription)]
}

// answer is the client information response (RFC 7591 section 3.2.1, RFC 7592
// section 3): all that is registered. A secret is shown only when it is new, as
// nobody can read it again.
func (e *Endpoint) answer(r registration.Registered, token string) map[string]any {
	c := r.Client
	answer := map[string]any{}
	encoded, err := json.Marshal(c.Metadata)
	if err == nil {
		err = json.Unmarshal(encoded, &answer)
	}
	if err != nil { // it is of our own making
		e.Logger.Error("a client cannot be shown", "client_id", c.ID, "error", err)
	}
	delete(answer, "scopes")
	answer["scope"] = scope.Join(c.Scopes)
	answer["client_id"] = c.ID
	answer["client_id_issued_at"] = c.CreatedTime.Unix()
	answer["registration_client_uri"] = e.Issuer + Path + "/" + c.ID
	answer["registration_access_token"] = token
	if client.KeepsSecret(c.AuthMethod) {
		answer["client_secret_expires_at"] = 0 // never
		if r.Secret != "" {
			answer["client_secret"] = r.Secret
		}
	}
	return answer
}
