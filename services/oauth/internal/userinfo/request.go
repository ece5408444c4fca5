package userinfo

import (
	"net/http"
	"strings"

	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/services/oauth/internal/evidence"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/wire"
)

const formType = "application/x-www-form-urlencoded"

// presented is the access token of the request: in the Authorization header under
// either scheme (RFC 6750 section 2.1, RFC 9449 section 7.1) or in a form in the
// body (RFC 6750 section 2.2), and never in the URL; "" if there is none.
func presented(w http.ResponseWriter, r *http.Request) (string, error) {
	raw, err := inHeader(r)
	if err != nil || r.Method != http.MethodPost || !strings.HasPrefix(r.Header.Get("Content-Type"), formType) {
		return raw, err
	}
	form, err := wire.ReadForm(w, r)
	if err != nil {
		return "", err
	}
	switch inBody := form.Get("access_token"); {
	case inBody == "":
		return raw, nil
	case raw != "":
		return "", fosite.ErrInvalidRequest.WithHint("The access token is there twice.")
	default:
		return inBody, nil
	}
}

func inHeader(r *http.Request) (string, error) {
	headers := r.Header.Values("Authorization")
	if len(headers) == 0 {
		return "", nil
	}
	if len(headers) > 1 {
		return "", fosite.ErrInvalidRequest.WithHint("There is more than one Authorization header.")
	}
	if bound := evidence.BoundToken(r); bound != "" {
		return bound, nil
	}
	scheme, token, _ := strings.Cut(headers[0], " ")
	if !strings.EqualFold(scheme, "bearer") {
		return "", nil
	}
	return strings.TrimSpace(token), nil
}
