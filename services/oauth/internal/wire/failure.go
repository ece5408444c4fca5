package wire

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// retryAfter is what a client is told to wait if nothing better is known.
const retryAfter = 2 * time.Second

// Failure is an error as RFC 6749 puts it.
type Failure struct {
	Code        string
	Description string
	Status      int
	RetryAfter  time.Duration
}

// codes are the error codes that clients may get; whatever else fosite has a
// name for is one of them in the end.
var codes = []string{
	// RFC 6749 sections 4.1.2.1 and 5.2
	"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type",
	"invalid_scope", "access_denied", "unsupported_response_type", "server_error", "temporarily_unavailable",
	// OpenID Connect Core 1.0 section 3.1.2.6
	"interaction_required", "login_required", "account_selection_required", "consent_required",
	"request_not_supported", "request_uri_not_supported", "registration_not_supported",
	// RFC 8628 section 3.5
	"authorization_pending", "slow_down", "expired_token",
	"invalid_request_uri", "invalid_request_object",
	"unmet_authentication_requirements", // OpenID Connect Core Error Code unmet_authentication_requirements 1.0
	// RFC 6750 section 3.1
	"invalid_token", "insufficient_scope",
	// RFC 8707 section 2
	"invalid_target",
	// RFC 9449 section 12.2
	"invalid_dpop_proof",
	// RFC 7591 section 3.2.2
	"invalid_redirect_uri", "invalid_client_metadata", "unapproved_software_statement",
}

// Codes lists the error codes that clients may get, for bounded metrics.
func Codes() []string { return slices.Clone(codes) }

// FailureOf translates any error. Only what fosite calls a client's error says
// more than that something went wrong.
func FailureOf(err error) Failure {
	if f := unavailable(err); f != nil {
		wait := f.RetryAfter
		if wait <= 0 {
			wait = retryAfter
		}
		return Failure{
			Code: fosite.ErrTemporarilyUnavailable.ErrorField, Status: http.StatusServiceUnavailable, RetryAfter: wait,
			Description: "The server cannot answer at the moment. Please try again.",
		}
	}
	var known *fosite.RFC6749Error
	if !errors.As(err, &known) || known.CodeField >= http.StatusInternalServerError || internal(err) {
		return Failure{
			Code: fosite.ErrServerError.ErrorField, Status: http.StatusInternalServerError,
			Description: "Something went wrong on the server's side.",
		}
	}
	// A copy, for fosite writes down in the error what it reads of it, and ours are
	// shared by all requests.
	known = known.WithExposeDebug(false)
	f := Failure{Code: known.ErrorField, Status: known.CodeField, Description: printable(known.GetDescription())}
	if !slices.Contains(codes, f.Code) {
		f.Code = fosite.ErrInvalidRequest.ErrorField
	}
	return f
}

// unavailable finds the fault that says that something is away.
func unavailable(err error) *fault.Fault {
	if f := fault.From(err); f.Kind == fault.Unavailable {
		return f
	}
	return nil
}

// internal tells whether the error began as a failure of ours: fosite reports a
// client that could not be read as invalid_client.
func internal(err error) bool {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			break
		}
		err = next
	}
	var known *fosite.RFC6749Error
	return !errors.As(err, &known)
}

// printable keeps to the characters that error_description may have (RFC 6749
// appendix A.8).
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '"' || r == '\\':
			return '\''
		case r < ' ' || r > '~':
			return '?'
		}
		return r
	}, s)
}

// Log writes down what is not the client's fault.
func Log(ctx context.Context, logger *slog.Logger, endpoint string, err error) {
	status := FailureOf(err).Status
	if status < http.StatusInternalServerError {
		return
	}
	level := slog.LevelError
	if status == http.StatusServiceUnavailable {
		level = slog.LevelWarn
	}
	logger.LogAttrs(ctx, level, "oauth request failed",
		slog.String("endpoint", endpoint), slog.String("error", cause(err)))
}

// cause is the text of the innermost error: fosite's own say only their code.
func cause(err error) string {
	var known *fosite.RFC6749Error
	for errors.As(err, &known) && known.Unwrap() != nil {
		err = known.Unwrap()
	}
	return err.Error()
}
