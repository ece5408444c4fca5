package flow_test

import (
	"encoding/hex"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/descope/virtualwebauthn"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

type ceremony struct {
	Ceremony string          `json:"ceremony"`
	Options  json.RawMessage `json:"options"`
}

// publicKey are the options as a browser hands them to a device.
func (c ceremony) publicKey() string { return `{"publicKey":` + string(c.Options) + `}` }

// TestPasskey makes a passkey and logs in by it, as a browser with a device
// would.
func TestPasskey(t *testing.T) {
	t.Parallel()
	s := system.Standalone(t)
	person, login := s.Register(t, "olli@example.org")
	handle, err := hex.DecodeString(person.Hash)
	require.NoError(t, err)
	site := virtualwebauthn.RelyingParty{ID: "localhost", Name: "Gatehouse", Origin: s.URL}
	device := virtualwebauthn.NewAuthenticatorWithOptions(virtualwebauthn.AuthenticatorOptions{UserHandle: handle})
	key := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
	for len(key.Key.AttestationData()) != 77 { // the library does not pad the key's coordinates
		key = virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
	}

	var asked ceremony
	s.Call(t, http.MethodPost, "/v1/passkey/options", login.Token, nil).Into(t, &asked)
	wish, err := virtualwebauthn.ParseAttestationOptions(asked.publicKey())
	require.NoError(t, err)
	made := map[string]any{
		"ceremony": asked.Ceremony, "name": "Laptop",
		"credential": json.RawMessage(virtualwebauthn.CreateAttestationResponse(site, device, key, *wish)),
	}
	require.Equal(t, http.StatusCreated, s.Call(t, http.MethodPost, "/v1/passkey", login.Token, made).Status)
	again := s.Call(t, http.MethodPost, "/v1/passkey", login.Token, made)
	require.Equal(t, http.StatusUnprocessableEntity, again.Status)
	require.Contains(t, again.Error.Errors, "ceremony")
	device.AddCredential(key)

	logIn := func(origin string) system.Response {
		s.Call(t, http.MethodPost, "/v1/auth/passkey/options", "", nil).Into(t, &asked)
		question, err := virtualwebauthn.ParseAssertionOptions(asked.publicKey())
		require.NoError(t, err)
		at := site
		at.Origin = origin
		return s.Call(t, http.MethodPost, "/v1/auth/passkey", "", map[string]any{
			"ceremony":   asked.Ceremony,
			"credential": json.RawMessage(virtualwebauthn.CreateAssertionResponse(at, device, key, *question)),
		})
	}
	var entered system.Authentication
	logIn(s.URL).Into(t, &entered)
	require.Equal(t, person.Hash, entered.User.Hash)
	require.NotNil(t, entered.Hub)
	require.Equal(t, http.StatusOK, s.Call(t, http.MethodGet, "/v1/auth", entered.Token, nil).Status)
	require.Equal(t, http.StatusUnauthorized, logIn("https://evil.example").Status, "phished")

	var list []struct {
		Hash  string `json:"hash"`
		Model string `json:"model"`
	}
	s.Call(t, http.MethodGet, "/v1/passkey", entered.Token, nil).Into(t, &list)
	require.Len(t, list, 1)
	require.Equal(t, "UserPasskey", list[0].Model)
	wrong := s.Call(t, http.MethodDelete, "/v1/passkey/"+list[0].Hash, entered.Token, map[string]string{"password": "wrong password"})
	require.Equal(t, http.StatusUnprocessableEntity, wrong.Status)
	removed := s.Call(t, http.MethodDelete, "/v1/passkey/"+list[0].Hash, entered.Token, map[string]string{"password": person.Password})
	require.Equal(t, http.StatusOK, removed.Status, "%s", removed.Body)
	require.Equal(t, http.StatusUnauthorized, logIn(s.URL).Status)

	for name, body := range map[string]any{
		"nothing": map[string]any{}, "wrong types": map[string]any{"ceremony": 1, "credential": "x"},
	} {
		res := s.Call(t, http.MethodPost, "/v1/auth/passkey", "", body)
		require.Equal(t, http.StatusUnprocessableEntity, res.Status, name)
		require.Contains(t, res.Error.Errors, "ceremony", name)
		require.Contains(t, res.Error.Errors, "credential", name)
	}
}
