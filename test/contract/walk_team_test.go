package contract_test

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func aTeam(t *testing.T, d *document) {
	w := newWorld(t, d)
	titan := w.register(email)
	uli := w.invite(titan, "uli@example.org", "3")

	paul := w.object(w.post(http.StatusCreated, "/v1/user", titan.Token, `{"email":"paul@example.org"}`))
	w.post(http.StatusConflict, "/v1/user", titan.Token, `{"email":"paul@example.org"}`)
	w.get("/v1/user?per_page=2&query=o&role=2", uli.Token)
	w.get("/v1/user/"+strconv.FormatInt(titan.User.ID, 10), titan.Token)
	w.get("/v1/user/"+titan.User.Hash, uli.Token)
	w.get("/v1/user/"+paul.Hash, uli.Token)

	invitation := "/v1/user/" + paul.Hash + "/invitation"
	w.delete(http.StatusConflict, invitation, titan.Token)
	w.post(http.StatusOK, invitation, titan.Token, "")
	w.post(http.StatusOK, invitation, titan.Token, "{}")
	w.delete(http.StatusOK, invitation, titan.Token)
	w.post(http.StatusConflict, "/v1/user/"+uli.User.Hash+"/invitation", titan.Token, "")
	w.put(http.StatusOK, "/v1/user/"+paul.Hash, titan.Token, `{"first_name":"Paul","last_name":"B","role":1}`)

	// Changes, some of them conditional.
	path := "/v1/user/" + uli.User.Hash
	_, header, _ := w.try(call{method: http.MethodGet, path: path, token: titan.Token})
	change := call{
		method: http.MethodPut, path: path, token: titan.Token, body: `{"role":2}`,
		header: map[string]string{"If-Match": header.Get("ETag")},
	}
	w.do(http.StatusOK, change)
	w.do(http.StatusPreconditionFailed, change)
	w.put(http.StatusForbidden, "/v1/user/"+titan.User.Hash, titan.Token, `{"role":4}`)
	w.delete(http.StatusConflict, "/v1/user/"+titan.User.Hash, titan.Token)

	acting := w.opened(w.post(http.StatusOK, "/v1/auth/impersonation/"+uli.User.Hash, titan.Token, ""))
	assert.Equal(t, uli.User.Hash, acting.User.Hash)
	w.get("/v1/auth", acting.Token)
	acting = w.opened(w.put(http.StatusOK, "/v1/auth", acting.Token, ""))
	w.put(http.StatusForbidden, "/v1/password", acting.Token, `{"current_password":"x","password":"x","password_confirmation":"x"}`)
	w.opened(w.delete(http.StatusOK, "/v1/auth/impersonation", acting.Token))
	w.delete(http.StatusForbidden, "/v1/auth/impersonation", titan.Token)
	w.post(http.StatusForbidden, "/v1/auth/impersonation/"+titan.User.Hash, uli.Token, "")

	w.delete(http.StatusOK, path+"/lock", titan.Token)
	w.delete(http.StatusConflict, "/v1/user/"+paul.Hash+"/lock", titan.Token)

	w.delete(http.StatusOK, path, titan.Token)
	w.do(http.StatusNotFound, call{method: http.MethodGet, path: path, token: titan.Token})
}

func hubs(t *testing.T, d *document) {
	w := newWorld(t, d, "GATEHOUSE_HUBS_PER_USER=2")
	titan := w.register(email)
	w.post(http.StatusCreated, "/v1/hub", titan.Token, `{"name":"Falcon"}`)
	w.post(http.StatusConflict, "/v1/hub", titan.Token, `{"name":"Third"}`)
	w.get("/v1/hub?query=fal&role=5", titan.Token)
	path := "/v1/hub/" + titan.Hub.Hash
	w.get(path, titan.Token)
	_, header, _ := w.try(call{method: http.MethodGet, path: path, token: titan.Token, header: map[string]string{"Content-Language": "de"}})
	change := call{
		method: http.MethodPut, path: path, token: titan.Token, body: `{"name":"Renamed"}`,
		header: map[string]string{"If-Match": header.Get("ETag")},
	}
	w.do(http.StatusOK, change)
	w.do(http.StatusPreconditionFailed, change)
}

// picture is a small one, as PNG.
func picture(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, image.NewGray(image.Rect(0, 0, 8, 8))))
	return b.String()
}

func pictures(t *testing.T, d *document) {
	w := newWorld(t, d)
	titan := w.register(email)
	w.do(http.StatusNotFound, call{method: http.MethodGet, path: "/v1/image", token: titan.Token})
	post := call{method: http.MethodPost, path: "/v1/image", token: titan.Token, body: picture(t), mediaType: "image/png"}
	w.do(http.StatusCreated, post)

	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	part, err := form.CreateFormFile("image", "me.png")
	require.NoError(t, err)
	_, err = part.Write([]byte(post.body))
	require.NoError(t, err)
	require.NoError(t, form.Close())
	post.body, post.mediaType = b.String(), form.FormDataContentType()
	kept := w.object(w.do(http.StatusCreated, post))
	post.body, post.wrong = post.body[:len(post.body)-10], true
	w.do(http.StatusBadRequest, post)
	w.do(http.StatusUnprocessableEntity, call{
		method: http.MethodPost, path: "/v1/image", token: titan.Token, body: "no picture", mediaType: "image/png",
	})
	w.do(http.StatusRequestEntityTooLarge, call{
		method: http.MethodPost, path: "/v1/image", token: titan.Token, body: strings.Repeat("x", 6<<20), mediaType: "image/png",
	})
	w.get("/v1/image", titan.Token)
	w.get("/v1/image/"+kept.ID.String(), titan.Token)
	w.get("/v1/image/"+kept.Hash, titan.Token)
	var profile struct{ Picture string }
	w.into(w.get("/v1/user/"+titan.User.Hash+"/profile", titan.Token), &profile)
	_, public, _ := strings.Cut(profile.Picture, "/picture/")
	w.get("/picture/"+public, "")
	w.delete(http.StatusOK, "/v1/image/"+kept.Hash, titan.Token)
	w.do(http.StatusNotFound, call{method: http.MethodGet, path: "/picture/" + public})
}

// whatOneSays is a profile, which others have no part in.
func whatOneSays(t *testing.T, d *document) {
	w := newWorld(t, d)
	titan := w.register(email)
	uli := w.invite(titan, "uli@example.org", "3")
	path := "/v1/user/" + uli.User.Hash + "/profile"
	w.put(http.StatusOK, path, uli.Token, `{"middle_name":"U","nickname":"Uli","profile":"https://example.org/uli","website":"https://example.org",
		"gender":"male","birthdate":"1952-01-05","zoneinfo":"Europe/Berlin","locale":"de-DE","phone_number":"+49 89 699310",
		"address":{"formatted":"Säbener Straße 51\n81547 München","street_address":"Säbener Straße 51","locality":"München",
		"region":"Bayern","postal_code":"81547","country":"Germany"}}`)
	_, header, _ := w.try(call{method: http.MethodGet, path: path, token: uli.Token})
	change := call{
		method: http.MethodPut, path: path, token: uli.Token, body: `{"nickname":null,"address":null}`,
		header: map[string]string{"If-Match": header.Get("ETag")},
	}
	w.do(http.StatusOK, change)
	w.do(http.StatusPreconditionFailed, change)
	w.put(http.StatusUnprocessableEntity, path, uli.Token, `{"website":"http://example.org","address":{"country":"\u0000"}}`)
	w.put(http.StatusForbidden, path, titan.Token, `{"nickname":"Uli"}`)
	w.do(http.StatusForbidden, call{method: http.MethodGet, path: path, token: titan.Token})
	w.put(http.StatusNotFound, "/v1/user/"+hash+"/profile", titan.Token, `{"nickname":"Uli"}`)
	w.do(http.StatusNotFound, call{method: http.MethodGet, path: "/v1/user/" + hash + "/profile", token: titan.Token})
}

func theRecord(t *testing.T, d *document) {
	w := newWorld(t, d)
	titan := w.register(email)
	uli := w.invite(titan, "uli@example.org", "2")
	w.get("/v1/audit?per_page=5&kind=member.", titan.Token)
	w.get("/v1/audit?own=true&from=2026-01-01T00:00:00Z&user="+titan.User.Hash, titan.Token)
	w.do(http.StatusForbidden, call{method: http.MethodGet, path: "/v1/audit", token: uli.Token})
	table := w.get("/v1/audit/export", titan.Token)
	assert.Contains(t, string(table), "\r\n")
	w.do(http.StatusUnprocessableEntity, call{method: http.MethodGet, path: "/v1/audit/export?own=maybe", token: titan.Token, wrong: true})

	assert.Contains(t, string(w.get("/v1/account/export", titan.Token)), email)
	const deletion = "/v1/account/deletion"
	w.post(http.StatusUnprocessableEntity, deletion, titan.Token, `{"password":"wrong"}`)
	w.post(http.StatusConflict, deletion, titan.Token, `{"password":"`+password+`"}`)
	w.delete(http.StatusConflict, deletion, titan.Token)
	w.post(http.StatusOK, deletion, uli.Token, `{"password":"`+password+`"}`)
	uli = w.login("uli@example.org")
	w.get("/v1/user/"+uli.User.Hash, uli.Token)
	w.delete(http.StatusOK, deletion, uli.Token)
}

func sessionsAndTokens(t *testing.T, d *document) {
	w := newWorld(t, d)
	titan := w.register(email)
	other := w.login(email)
	w.get("/v1/session?per_page=1", titan.Token)
	w.get("/v1/passkey", titan.Token)
	w.post(http.StatusOK, "/v1/passkey/options", titan.Token, "")
	w.post(http.StatusOK, "/v1/auth/passkey/options", "", "")
	w.post(http.StatusUnauthorized, "/v1/auth/passkey", "", `{"ceremony":"`+hash+`","credential":{}}`)
	w.delete(http.StatusOK, "/v1/session/"+other.Session.Hash, titan.Token)
	w.login(email)
	w.delete(http.StatusOK, "/v1/session", titan.Token)

	var token struct {
		Token string `json:"token"`
	}
	body := w.post(http.StatusCreated, "/v1/token", titan.Token, `{"name":"reader","scopes":["read"],"expiration_time":"2030-01-01T00:00:00Z"}`)
	w.into(body, &token)
	reader := w.opened(w.post(http.StatusOK, "/v1/auth", "", `{"token":"`+token.Token+`"}`))
	w.get("/v1/user", reader.Token)
	w.post(http.StatusForbidden, "/v1/hub", reader.Token, `{"name":"x"}`)
	w.get("/v1/token", titan.Token)
	w.delete(http.StatusOK, "/v1/token/"+w.object(body).Hash, titan.Token)
	for status, i := http.StatusCreated, 0; status != http.StatusConflict; i++ {
		require.Less(t, i, 100, "there is a bound")
		status, _, _ = w.try(call{method: http.MethodPost, path: "/v1/token", token: titan.Token, body: fmt.Sprintf(`{"name":"token %d"}`, i)})
	}
}
