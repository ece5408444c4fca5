package clients_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// TestTheGuideToGo runs the app of docs/integration/go.md.
func TestTheGuideToGo(t *testing.T) {
	t.Parallel()
	s := system.Standalone(t)
	person, _ := s.Register(t, "olli@example.org")
	g := openGuide(t, s, "go.md")
	g.serve([]string{"CLIENT_SECRET=" + g.Register("go-app")}, g.program())
	signsInAndOut(t, g, person)
}

// signsInAndOut uses a web app as its guide says.
func signsInAndOut(t *testing.T, g guide, p system.Person) {
	t.Helper()
	b := g.signIn(p)
	assert.Contains(t, b.Page.Text(), "Hello Olli Kahn!")
	b.Submit("/logout", nil)
	assert.Equal(t, g.Origin+"/", b.URL.String())
	assert.Contains(t, b.Page.Text(), "Sign in")
	b.Open(g.Origin + "/login")
	assert.True(t, b.Has("/login"), "Gatehouse's session has ended, too: %s", b.URL)

	// Signed out elsewhere: the app is told.
	b = g.signIn(p)
	b.Open(g.s.URL + "/oauth2/logout")
	b.Submit("/logout", nil)
	system.Eventually(t, "the app to be told", func() bool {
		b.Open(g.Origin)
		return b.Page.Find("a").Text() == "Sign in"
	})
}
