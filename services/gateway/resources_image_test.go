package gateway_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

func upload(token, mediaType, body string) request {
	return request{method: http.MethodPost, path: "/v1/image", token: token, body: body, header: map[string]string{"Content-Type": mediaType}}
}

// form writes fields, as name and content in turn.
func form(t *testing.T, fields ...string) (mediaType, body string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i < len(fields); i += 2 {
		part, err := w.CreateFormFile(fields[i], "me.jpg")
		require.NoError(t, err)
		_, err = part.Write([]byte(fields[i+1]))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return w.FormDataContentType(), b.String()
}

func TestPicturesAreUploaded(t *testing.T) {
	t.Parallel()
	s := newResources(t)
	token := s.full()
	largest := strings.Repeat("x", accounts.MaxImage)
	for _, mediaType := range []string{"image/jpeg", "image/png", "image/gif", "IMAGE/WEBP"} {
		s.do(t, upload(token, mediaType, "bytes")).succeeds(http.StatusCreated)
		assert.Equal(t, "bytes", string(s.asked.last().(accounts.SetImageRequest).Data))
	}
	s.do(t, upload(token, "image/png", largest)).succeeds(http.StatusCreated)

	mediaType, body := form(t, "image", largest)
	s.do(t, upload(token, mediaType, body)).succeeds(http.StatusCreated)
	asked, ok := s.asked.last().(accounts.SetImageRequest)
	require.True(t, ok)
	assert.Equal(t, largest, string(asked.Data))
	assert.Equal(t, int64(1), asked.Actor.User)
}

func TestWhatCannotBeAPicture(t *testing.T) {
	t.Parallel()
	s := newResources(t)
	token := s.full()
	tooLarge := strings.Repeat("x", accounts.MaxImage+1)
	for _, mediaType := range []string{"", "application/json", "image/svg+xml", "application/octet-stream", "image/", ";"} {
		s.do(t, upload(token, mediaType, "bytes")).fails(http.StatusUnsupportedMediaType)
	}
	s.do(t, upload(token, "image/png", tooLarge)).fails(http.StatusRequestEntityTooLarge)
	s.do(t, upload(token, "image/png", tooLarge+tooLarge)).fails(http.StatusRequestEntityTooLarge)
	assert.Contains(t, s.do(t, upload(token, "image/png", "")).fails(http.StatusUnprocessableEntity).Errors, "image")

	mediaType, body := form(t, "image", tooLarge)
	s.do(t, upload(token, mediaType, body)).fails(http.StatusRequestEntityTooLarge)
	mediaType, body = form(t, "image", "bytes")
	cut := s.do(t, upload(token, mediaType, body[:len(body)-10])).fails(http.StatusBadRequest)
	assert.NotContains(t, cut.Message, "JSON")
	for _, none := range []string{"nothing", ""} {
		assert.Contains(t, s.do(t, upload(token, mediaType, none)).fails(http.StatusUnprocessableEntity).Errors, "image")
	}
	s.do(t, upload(token, "multipart/form-data", body)).fails(http.StatusBadRequest)
	for name, fields := range map[string][]string{
		"image":      {"image", ""},
		"picture":    {"picture", "bytes", "image", "bytes"},
		"Image":      {"Image", "bytes"},
		"":           {"", "bytes", "image", "bytes"},
		"\xff\u200d": {"\xff\u200d", "bytes", "image", "bytes"},
	} {
		mediaType, body := form(t, fields...)
		errors := s.do(t, upload(token, mediaType, body)).fails(http.StatusUnprocessableEntity).Errors
		assert.Contains(t, errors, strings.ToValidUTF8(name, "\uFFFD"))
	}
	mediaType, body = form(t, "image", "one", "image", "two")
	assert.Contains(t, s.do(t, upload(token, mediaType, body)).fails(http.StatusUnprocessableEntity).Errors, "image")
	assert.Nil(t, s.asked.last(), "nothing was asked of a service")
}

// TestAFormOfNothingButMistakes costs no more than a few of them: a body has room
// for a hundred thousand.
func TestAFormOfNothingButMistakes(t *testing.T) {
	t.Parallel()
	s := newResources(t)
	for name, part := range map[string]string{
		"":      "--b\r\n\r\n\r\n",
		"image": "--b\r\nContent-Disposition: form-data; name=image\r\n\r\nx\r\n",
	} {
		body := strings.Repeat(part, 10_000) + "--b--\r\n"
		errors := s.do(t, upload(s.full(), "multipart/form-data; boundary=b", body)).fails(http.StatusUnprocessableEntity).Errors
		assert.LessOrEqual(t, len(errors[name]), 20)
	}
}

func TestOtherBodiesStaySmall(t *testing.T) {
	t.Parallel()
	s := newResources(t)
	big := `{"name":"` + strings.Repeat("x", 1<<20) + `"}`
	for _, path := range []string{"/v1/hub", "/v1/image/", "/v1/image/5"} {
		s.do(t, request{method: http.MethodPost, path: path, token: s.full(), body: big}).fails(http.StatusRequestEntityTooLarge)
	}
}

func TestBytesOfPictures(t *testing.T) {
	t.Parallel()
	s := newResources(t)
	got := s.do(t, request{method: http.MethodGet, path: "/v1/image/5", token: s.full()})
	assert.Equal(t, http.StatusOK, got.Code)
	assert.Equal(t, "\xff\xd8\xff\xe0", got.Body.String())
	assert.Equal(t, "image/jpeg", got.Header().Get("Content-Type"))
	assert.Equal(t, "nosniff", got.Header().Get("X-Content-Type-Options"))
	assert.Contains(t, got.Header().Get("Content-Security-Policy"), "default-src 'none'")
	assert.Equal(t, `"`+sha1Hex(got.Body.Bytes())+`"`, got.Header().Get("ETag"))
}

func TestNoPicture(t *testing.T) {
	t.Parallel()
	s := newResources(t)
	s.accounts.Change(func(a *accounts.Account) { a.User.Image = nil })
	s.do(t, request{method: http.MethodGet, path: "/v1/image", token: s.full()}).fails(http.StatusNotFound)
}

// TestPublicPictures: everybody has them who knows their names, to show on pages
// of other origins, and as nothing but a picture.
func TestPublicPictures(t *testing.T) {
	t.Parallel()
	s := newResources(t)
	q := request{method: http.MethodGet, path: "/picture/" + otherHash}
	got := s.do(t, q)
	assert.Equal(t, http.StatusOK, got.Code)
	assert.Equal(t, "\xff\xd8\xff\xe0", got.Body.String())
	assert.Equal(t, accounts.PictureRequest{Name: otherHash}, s.asked.last())
	for name, value := range map[string]string{
		"Content-Type": "image/jpeg", "X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "cross-origin",
		"Cache-Control": "public, max-age=3600", "X-Frame-Options": "DENY", "X-Robots-Tag": "noindex", "Set-Cookie": "", "Vary": "",
		"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox",
		"ETag":                    `"` + sha1Hex(got.Body.Bytes()) + `"`,
	} {
		assert.Equal(t, value, got.Header().Get(name), name)
	}
	q.header = map[string]string{"If-None-Match": got.Header().Get("ETag")}
	assert.Equal(t, http.StatusNotModified, s.do(t, q).Code)
	q.method, q.header = http.MethodHead, nil
	assert.Empty(t, s.do(t, q).Body.String())
	q.method = http.MethodPost
	assert.NotEqual(t, http.StatusOK, s.do(t, q).Code)

	s.asked.failAfter(0, fault.New(fault.NotFound, ""))
	q.method = http.MethodGet
	assert.Equal(t, http.StatusNotFound, s.do(t, q).Code)
	assert.NotContains(t, s.do(t, q).Header().Get("Cache-Control"), "public")
}
