package gateway_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
)

// uploading has begun to send a picture of unknown size.
type uploading struct {
	body   *io.PipeWriter
	answer chan int // the status
}

func (s *stage) uploading(t *testing.T, token string) uploading {
	t.Helper()
	body, w := io.Pipe()
	u := uploading{w, make(chan int, 1)}
	r := upload(token, "image/png", "").build()
	r.Body, r.ContentLength = body, -1
	go func() {
		answer := httptest.NewRecorder()
		s.ServeHTTP(answer, r)
		_ = body.Close()
		u.answer <- answer.Code
	}()
	t.Cleanup(func() { _ = w.Close() })
	_, err := w.Write([]byte("some "))
	require.NoError(t, err, "it is read")
	return u
}

func (u uploading) ends(t *testing.T) int {
	t.Helper()
	_, err := u.body.Write([]byte("bytes"))
	require.NoError(t, err)
	require.NoError(t, u.body.Close())
	return <-u.answer
}

func (s *stage) fullOf(user int64) string {
	return s.sessions.OpenFor(sessions.CreateRequest{User: user, Scope: sessions.ScopeFull}).Token
}

// Pictures that are on their way have a few places, of which a user has one.
func TestUploadsHaveAFewPlaces(t *testing.T) {
	t.Parallel()
	s := newResources(t)
	mine, other := s.fullOf(1), s.fullOf(9)
	first := s.uploading(t, mine)
	refused := s.do(t, upload(s.fullOf(1), "image/png", "bytes"))
	refused.fails(http.StatusTooManyRequests)
	assert.Equal(t, "2", refused.Header().Get("Retry-After"))
	s.do(t, upload(other, "image/png", "bytes")).succeeds(http.StatusCreated)

	waiting := []uploading{first}
	for user := range int64(3) {
		waiting = append(waiting, s.uploading(t, s.fullOf(2+user)))
	}
	refused = s.do(t, upload(other, "image/png", "bytes"))
	refused.fails(http.StatusServiceUnavailable)
	assert.Equal(t, "2", refused.Header().Get("Retry-After"))
	assert.Equal(t, http.StatusCreated, first.ends(t))
	s.do(t, upload(other, "image/png", strings.Repeat("x", accounts.MaxImage))).succeeds(http.StatusCreated)
	s.do(t, upload(mine, "image/png", "")).fails(http.StatusUnprocessableEntity)
	s.do(t, upload(mine, "image/png", "bytes")).succeeds(http.StatusCreated)
	for _, u := range waiting[1:] {
		assert.Equal(t, http.StatusCreated, u.ends(t))
	}
}
