package edge

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/obs"
)

const headerRequestID = "X-Request-Id"

// request is what the edge knows of a request. One goroutine serves a request,
// and only that may use it.
type request struct {
	edge   *Edge
	origin api.Origin
	// client is what the limits per address count: the address, or its network.
	client     string
	viaProxy   bool // the socket's peer is a trusted proxy
	route      string
	speech     speech
	credential credential
	// certificate is the client's, for the oauth service; nil if it has none.
	certificate *x509.Certificate
	resolution  *resolution // nil: not asked yet
}

type requestKey struct{}

// of gives what is known of the request; outside one, a request that nothing
// is known of.
func of(ctx context.Context) *request {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		return r
	}
	return &request{}
}

// Origin is where the request came from.
func Origin(ctx context.Context) api.Origin { return of(ctx).origin }

// identify opens the request's record and takes from the headers what only the
// edge or a trusted proxy may say.
func (e *Edge) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(headerRequestID)
		if !validRequestID(id) {
			id = newRequestID()
		}
		w.Header().Set(headerRequestID, id)

		state := &request{edge: e}
		address, viaProxy := e.clientAddress(r)
		state.viaProxy = viaProxy
		state.origin = api.Origin{Address: address.String(), UserAgent: userAgent(r)}
		state.client = limitKey(address)
		state.speech = heard(r)
		state.credential = e.credentialOf(r)
		state.certificate = e.takeCertificate(r, viaProxy)
		dropInternalHeaders(r.Header)
		setForwarded(r, address, viaProxy)

		ctx := obs.WithRequestID(r.Context(), id)
		ctx = context.WithValue(ctx, requestKey{}, state)
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// validRequestID tells whether a client's own id may go into logs.
func validRequestID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for _, c := range []byte(id) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}

func newRequestID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // crypto/rand.Read never fails since Go 1.24
	return hex.EncodeToString(b)
}

// dropInternalHeaders removes what services say to each other: a browser that
// says it lies.
func dropInternalHeaders(h http.Header) {
	for name := range h {
		if strings.HasPrefix(name, "Gatehouse-") {
			h.Del(name)
		}
	}
}

// maxUserAgent is what is kept of a User-Agent header, in bytes.
const maxUserAgent = 512

func userAgent(r *http.Request) string {
	ua := strings.ToValidUTF8(r.UserAgent(), "")
	ua = strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return -1
		}
		return c
	}, ua)
	if len(ua) > maxUserAgent {
		ua = strings.ToValidUTF8(ua[:maxUserAgent], "")
	}
	return ua
}
