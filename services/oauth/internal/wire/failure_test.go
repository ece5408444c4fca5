package wire

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/ory/fosite"
	"github.com/stretchr/testify/assert"

	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

func TestFailureOf(t *testing.T) {
	t.Parallel()
	away := fault.New(fault.Unavailable, "").After(7 * time.Second)
	tests := map[string]struct {
		err    error
		code   string
		status int
		retry  time.Duration
	}{
		"a client's error":                 {fosite.ErrInvalidGrant, "invalid_grant", 400, 0},
		"wrapped":                          {fmt.Errorf("x: %w", fosite.ErrInvalidScope), "invalid_scope", 400, 0},
		"fosite's own name":                {fosite.ErrUnsupportedResponseMode, "invalid_request", 400, 0},
		"with a client's cause":            {fosite.ErrInvalidClient.WithWrap(fosite.ErrNotFound), "invalid_client", 401, 0},
		"an unreadable client":             {fosite.ErrInvalidClient.WithWrap(errors.New("disk")), "server_error", 500, 0},
		"deep inside":                      {fosite.ErrInvalidClient.WithWrap(fosite.ErrNotFound.WithWrap(errors.New("disk"))), "server_error", 500, 0},
		"fosite's server error":            {fosite.ErrServerError, "server_error", 500, 0},
		"unknown":                          {errors.New("disk"), "server_error", 500, 0},
		"away":                             {away, "temporarily_unavailable", 503, 7 * time.Second},
		"away, called an invalid client":   {fosite.ErrInvalidClient.WithWrap(fmt.Errorf("x: %w", away)), "temporarily_unavailable", 503, 7 * time.Second},
		"too late":                         {fmt.Errorf("x: %w", context.DeadlineExceeded), "temporarily_unavailable", 503, retryAfter},
		"an internal fault":                {fault.New(fault.Internal, ""), "server_error", 500, 0},
		"a fault that nobody has provided": {fault.New(fault.Conflict, ""), "server_error", 500, 0},
	}
	for name, test := range tests {
		f := FailureOf(test.err)
		assert.Equal(t, test.code, f.Code, name)
		assert.Equal(t, test.status, f.Status, name)
		assert.Equal(t, test.retry, f.RetryAfter, name)
		assert.NotContains(t, f.Description, "disk", name)
		assert.Contains(t, Codes(), f.Code, name)
	}
	f := FailureOf(fosite.ErrInvalidRequest.WithDescription("A \"b\" \\ ä\r\n").WithHint(""))
	assert.Equal(t, "A 'b' ' ???", f.Description)
	assert.Equal(t, http.StatusBadRequest, f.Status)
}

// Errors are values of packages: many requests end in the same one at once. The
// race detector watches.
func TestFailureOfASharedError(t *testing.T) {
	t.Parallel()
	shared := fosite.ErrSlowDown.WithHint("").WithHintIDOrDefaultf("x", "wait")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			assert.Contains(t, FailureOf(shared).Description, "wait")
			assert.ErrorIs(t, shared, fosite.ErrSlowDown)
		})
	}
	wg.Wait()
}
