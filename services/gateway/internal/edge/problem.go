package edge

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// scopeMessage is the text of a refusal for the token's scope.
const scopeMessage = "fault.scope"

// defaultRetry is how long to wait if nobody says for how long, such as for a
// service that is away.
const defaultRetry = 2 * time.Second

// Refusal is a failure that only HTTP has a status for.
type Refusal struct {
	Status int
	Fault  *fault.Fault
}

// Error implements error.
func (r *Refusal) Error() string { return http.StatusText(r.Status) + ": " + r.Fault.Error() }

// Unwrap gives the fault.
func (r *Refusal) Unwrap() error { return r.Fault }

// ErrMalformed is a body that is no JSON object.
func ErrMalformed(cause error) error {
	return &Refusal{http.StatusBadRequest, fault.New(fault.Invalid, "fault.malformed").Because(cause)}
}

// ErrTooLarge is a body over the limit.
func ErrTooLarge() error {
	return &Refusal{http.StatusRequestEntityTooLarge, fault.New(fault.Invalid, "fault.too_large")}
}

// ErrUnsupportedMediaType is a body of a type we do not read.
func ErrUnsupportedMediaType() error {
	return &Refusal{http.StatusUnsupportedMediaType, fault.New(fault.Invalid, "fault.unsupported_media_type")}
}

// ErrMethodNotAllowed is a method the resource does not have.
func ErrMethodNotAllowed() error {
	return &Refusal{http.StatusMethodNotAllowed, fault.New(fault.Invalid, "fault.method_not_allowed")}
}

// ErrPreconditionFailed is a change to something that is not what the client
// has seen (If-Match, RFC 9110 section 13.1.1).
func ErrPreconditionFailed() error {
	return &Refusal{http.StatusPreconditionFailed, fault.New(fault.Conflict, "fault.modified")}
}

// statuses are what the kinds of faults are in HTTP.
var statuses = map[fault.Kind]int{
	fault.Invalid:         http.StatusUnprocessableEntity,
	fault.Unauthenticated: http.StatusUnauthorized,
	fault.Forbidden:       http.StatusForbidden,
	fault.NotFound:        http.StatusNotFound,
	fault.Conflict:        http.StatusConflict,
	fault.Gone:            http.StatusGone,
	fault.Throttled:       http.StatusTooManyRequests,
	fault.Unavailable:     http.StatusServiceUnavailable,
	fault.Internal:        http.StatusInternalServerError,
}

// Problem is a failure as it looks from outside: nothing in it says how we are
// built.
type Problem struct {
	Status  int
	Message string              // localised
	Errors  map[string][]string // localised, by input field; only with 422
	// ID names the entry in the log; only with 500.
	ID         string
	RetryAfter time.Duration // 0: say nothing
	challenge  string        // WWW-Authenticate
}

// Explain turns an error into what may be shown of it, in the language of the
// request. What is our own fault it logs, once, under the ID.
func Explain(ctx context.Context, err error) Problem {
	r := of(ctx)
	f := fault.From(err)
	p := Problem{Status: statusOf(err, f), Message: r.text(ctx, f.Message), ID: f.ID, RetryAfter: f.RetryAfter}
	switch p.Status {
	case http.StatusUnprocessableEntity:
		p.Errors = make(map[string][]string, len(f.Fields))
		for field, messages := range f.Fields {
			for _, m := range messages {
				p.Errors[field] = append(p.Errors[field], r.text(ctx, m))
			}
		}
	case http.StatusUnauthorized:
		p.challenge = "Bearer"
		if r.credential.token != "" {
			p.challenge = `Bearer error="invalid_token"`
		}
	case http.StatusForbidden:
		if f.Message.ID == scopeMessage {
			p.challenge = `Bearer error="insufficient_scope"`
		}
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		if p.RetryAfter == 0 {
			p.RetryAfter = defaultRetry
		}
	}
	r.logProblem(ctx, p.Status, f)
	return p
}

func statusOf(err error, f *fault.Fault) int {
	var refusal *Refusal
	if errors.As(err, &refusal) {
		return refusal.Status
	}
	if status, ok := statuses[f.Kind]; ok {
		return status
	}
	return http.StatusInternalServerError
}

func (r *request) text(ctx context.Context, m fault.Message) string {
	if r.edge == nil {
		return m.ID
	}
	return r.edge.options.Texts.Text(Language(ctx), m.ID, m.Args)
}

func (r *request) logProblem(ctx context.Context, status int, f *fault.Fault) {
	if r.edge == nil || status < http.StatusInternalServerError {
		return
	}
	level := slog.LevelError
	if status == http.StatusServiceUnavailable {
		level = slog.LevelWarn
	}
	r.edge.options.Obs.Logger.LogAttrs(ctx, level, "request failed",
		slog.String("fault", string(f.Kind)), slog.String("fault_id", f.ID), slog.String("error", f.Error()))
}

// SetHeaders sets what HTTP wants beside the problem's status.
func (p Problem) SetHeaders(h http.Header) {
	if p.challenge != "" {
		h.Set("WWW-Authenticate", p.challenge)
	}
	if p.RetryAfter > 0 {
		h.Set("Retry-After", seconds(p.RetryAfter))
	}
	h.Set("Cache-Control", "no-store")
}

// failOAuth answers what the edge refuses at an OAuth endpoint in the form of
// RFC 6749 section 5.2.
func failOAuth(w http.ResponseWriter, r *http.Request, err error) {
	p := Explain(r.Context(), err)
	code := "invalid_request"
	switch p.Status {
	case http.StatusInternalServerError:
		code = "server_error"
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		code = "temporarily_unavailable"
	}
	p.SetHeaders(w.Header())
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(map[string]string{ // the client went away; nothing to tell it
		"error": code, "error_description": p.Message,
	})
}
