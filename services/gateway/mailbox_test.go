package gateway_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

func TestMailbox(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	read := request{method: http.MethodGet, path: "/mailbox/messages"}
	assert.Equal(t, http.StatusNotFound, s.do(t, read).Code, "there is none")

	s.mail.Messages = []mail.Message{}
	a := s.do(t, read)
	assert.Equal(t, http.StatusOK, a.Code)
	assert.Equal(t, "[]", a.Body.String())

	sent := time.Date(2026, time.January, 2, 3, 4, 5, 678_901_234, time.FixedZone("CET", 3600))
	s.mail.Messages = []mail.Message{
		{ID: 2, To: "b@example.org", Subject: "Zweite", Text: "t", HTML: "<p>t</p>", SentTime: sent},
		{ID: 1, To: "a@example.org", Subject: "First", Text: "t", HTML: "<p>t</p>", SentTime: sent},
		{ID: 3, Medium: mail.SMS, To: "+4915123456789", Text: "t", SentTime: sent},
	}
	a = s.do(t, read)
	assert.Equal(t, "application/json; charset=utf-8", a.Header().Get("Content-Type"))
	assert.Equal(t, "no-store", a.Header().Get("Cache-Control"))
	var got []map[string]any
	require.NoError(t, json.Unmarshal(a.Body.Bytes(), &got))
	require.Len(t, got, 3)
	assert.Equal(t, map[string]any{
		"id": 2.0, "to": "b@example.org", "subject": "Zweite", "text": "t", "html": "<p>t</p>", "sent_time": "2026-01-02T02:04:05.678901Z",
	}, got[0], "a mail has no medium")
	assert.Equal(t, "sms", got[2]["medium"])
	assert.Equal(t, "+4915123456789", got[2]["to"])

	rebound := read.build()
	rebound.Host = "rebound.example"
	w := httptest.NewRecorder()
	s.ServeHTTP(w, rebound)
	assert.Equal(t, http.StatusNotFound, w.Code, "another site's name for this machine")
	assert.NotContains(t, w.Body.String(), "Zweite")

	s.mail.Err = fault.New(fault.Unavailable, "")
	assert.Equal(t, http.StatusServiceUnavailable, s.do(t, read).Code)
}
