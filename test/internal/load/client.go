package load

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"testing"
	"time"

	"golang.org/x/oauth2"
)

// outage is an attempt that had no definite answer, and may have happened.
type outage struct {
	err   error
	after time.Duration // what the server asks to wait; 0: nothing
}

func (o *outage) Error() string { return o.err.Error() }
func (o *outage) Unwrap() error { return o.err }

// answer is a definite one of the JSON API.
type answer struct {
	status int
	body   []byte
	Data   json.RawMessage `json:"data"`
}

// call calls the JSON API at an origin. Its error is an outage.
func call(ctx context.Context, client *http.Client, method, address, token string, body any) (answer, error) {
	var payload io.Reader = http.NoBody
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return answer{}, err
		}
		payload = bytes.NewReader(encoded)
	}
	r, err := http.NewRequestWithContext(ctx, method, address, payload)
	if err != nil {
		return answer{}, err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := client.Do(r)
	if err != nil {
		return answer{}, &outage{err: err}
	}
	defer func() { _ = res.Body.Close() }()
	a := answer{status: res.StatusCode}
	if a.body, err = io.ReadAll(res.Body); err != nil {
		return answer{}, &outage{err: err}
	}
	if trouble(res) != "" {
		return a, &outage{err: errors.New(res.Status), after: retryAfter(res)}
	}
	_ = json.Unmarshal(a.body, &a) // a refusal may have no data
	return a, nil
}

func retryAfter(res *http.Response) time.Duration {
	if res == nil {
		return 0
	}
	seconds, _ := strconv.Atoi(res.Header.Get("Retry-After")) // 0 where there is none
	return time.Duration(seconds) * time.Second
}

// refused is the error code of a token endpoint's definite refusal, or else "".
func refused(err error) string {
	var retrieve *oauth2.RetrieveError
	if errors.As(err, &retrieve) && retrieve.Response != nil && trouble(retrieve.Response) == "" {
		return retrieve.ErrorCode
	}
	return ""
}

// outageOf is the outage that a token endpoint's error is.
func outageOf(err error) error {
	var retrieve *oauth2.RetrieveError
	if errors.As(err, &retrieve) {
		return &outage{err: err, after: retryAfter(retrieve.Response)}
	}
	return &outage{err: err}
}

// attempt lets a worker use what is made for tests, and go on when that fails.
type attempt struct {
	testing.TB
	ctx     context.Context //nolint:containedctx // as a test has one
	failure string
}

type given struct{} // up by an attempt

// Helper, Context, Errorf and FailNow are those of testing.TB that helpers use.
func (*attempt) Helper() {}

// Context ends with the load.
func (a *attempt) Context() context.Context { return a.ctx }

// Errorf keeps the first failure.
func (a *attempt) Errorf(format string, args ...any) {
	if a.failure == "" {
		a.failure = fmt.Sprintf(format, args...)
	}
}

// FailNow ends what try runs.
func (*attempt) FailNow() { panic(given{}) }

// try runs what is made for tests. Its error is the failure of that.
func try(ctx context.Context, tb testing.TB, do func(tb testing.TB)) (err error) {
	tb.Helper()
	a := &attempt{TB: tb, ctx: ctx}
	defer func() {
		switch p := recover(); p.(type) {
		case nil:
			if a.failure != "" {
				err = errors.New(a.failure)
			}
		case given:
			err = errors.New(a.failure)
		default:
			panic(p)
		}
	}()
	do(a)
	return nil
}
