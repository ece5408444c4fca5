package demo

import (
	"crypto/rand"
	"net/http"
	"sync"

	"golang.org/x/oauth2"
)

const (
	cookieName = "gatehouse_demo"
	// maxVisitors bounds the memory of an app that anybody may open.
	maxVisitors = 1000
)

// visitor is a browser: waiting for its answer, or signed in.
type visitor struct {
	state, nonce, verifier string
	token                  *oauth2.Token
	view                   *view
}

// view is what the signed-in page shows.
type view struct {
	Name, IDToken, UserInfo, Expiry string
	Refreshable                     bool
	Refreshes                       int
}

// visitors keeps browsers apart by a cookie. A restart forgets them, which is
// enough for a demonstration.
type visitors struct {
	mu   sync.Mutex
	byID map[string]*visitor
}

func newVisitors() *visitors { return &visitors{byID: map[string]*visitor{}} }

func (s *visitors) of(r *http.Request) *visitor {
	c, err := r.Cookie(cookieName)
	if err != nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byID[c.Value]
}

// set remembers v under a fresh id, so that an id from before the sign-in is
// worth nothing after it.
func (s *visitors) set(w http.ResponseWriter, v *visitor) {
	id := rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	for old := range s.byID {
		if len(s.byID) < maxVisitors {
			break
		}
		delete(s.byID, old)
	}
	s.byID[id] = v
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // http://localhost: there is no TLS to be Secure over
		Name: cookieName, Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

func (s *visitors) drop(r *http.Request) {
	if c, err := r.Cookie(cookieName); err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.byID, c.Value)
	}
}
