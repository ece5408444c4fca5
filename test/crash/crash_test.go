// Package crash_test kills Gatehouse at bad moments and looks what is left.
package crash_test

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

func TestMain(m *testing.M) { system.Main(m) }

// TestKilledUnderLoad kills the server again and again while people register.
// Whatever was acknowledged is there afterwards, and every registration has
// had exactly one mail.
func TestKilledUnderLoad(t *testing.T) {
	t.Parallel()
	s, start := system.StandaloneProcess(t, system.StandaloneOptions{
		Environ: []string{"GATEHOUSE_LOG_LEVEL=info"},
	})
	const rounds, people = 4, 6
	var registered sync.Map // by email address, once the API has acknowledged it
	for round := range rounds {
		p := start()
		var acknowledged atomic.Int64
		enough := make(chan struct{})
		var wg sync.WaitGroup
		for i := range people {
			wg.Go(func() {
				for n := 0; ; n++ {
					email := fmt.Sprintf("p%d-%d-%d@example.org", round, i, n)
					res, err := s.TryCall(t, http.MethodPost, "/v1/activation/initiate", "", map[string]any{
						"first_name": "P", "last_name": "Q", "email": email,
					})
					if err != nil || res.Status >= http.StatusInternalServerError {
						return // killed
					}
					if res.Status != http.StatusCreated {
						t.Errorf("status %d: %s", res.Status, res.Body)
						return
					}
					registered.Store(email, true)
					if acknowledged.Add(1) == 20 {
						close(enough)
					}
				}
			})
		}
		<-enough
		p.Kill()
		wg.Wait()
	}

	start()
	system.Eventually(t, "every mail", func() bool {
		missing := 0
		registered.Range(func(email, _ any) bool {
			text, _ := email.(string)
			if len(s.Mails(t, text)) == 0 {
				missing++
			}
			return missing == 0
		})
		return missing == 0
	})
	registered.Range(func(email, _ any) bool {
		text, _ := email.(string)
		assert.Len(t, s.Mails(t, text), 1, text)
		return true
	})
}

// TestKilledBetweenTheSteps kills the server after each step of a person's way
// and goes on with the next.
func TestKilledBetweenTheSteps(t *testing.T) {
	t.Parallel()
	s, start := system.StandaloneProcess(t, system.StandaloneOptions{})
	p := start()
	restart := func() {
		p.Kill()
		p = start()
	}
	const email, password = "kill@example.org", "nine lives, at least"

	res := s.Call(t, http.MethodPost, "/v1/activation/initiate", "", map[string]any{
		"first_name": "Tom", "last_name": "Cat", "email": email,
	})
	require.Equal(t, http.StatusCreated, res.Status)
	restart()
	link := s.AwaitLink(t, email)
	restart()
	var opened, finished, current system.Authentication
	s.Call(t, http.MethodPost, "/v1/auth/verification/"+link, "", nil).Into(t, &opened)
	restart()
	finish := "/v1/activation/" + opened.Activation + "/finish"
	body := map[string]any{"name": "Alley", "password": password, "password_confirmation": password, "terms": true}
	s.Call(t, http.MethodPut, finish, opened.Token, body).Into(t, &finished)
	restart()
	s.Call(t, http.MethodGet, "/v1/auth", finished.Token, nil).Into(t, &current)
	assert.Equal(t, email, current.User.Email)
	assert.Equal(t, http.StatusGone, s.Call(t, http.MethodPost, "/v1/auth/verification/"+link, "", nil).Status)
	login := s.LogIn(t, system.Person{Email: email, Password: password})
	restart()
	require.Equal(t, http.StatusOK, s.Call(t, http.MethodDelete, "/v1/auth", login.Token, nil).Status)
	restart()
	assert.Equal(t, http.StatusUnauthorized, s.Call(t, http.MethodGet, "/v1/auth", login.Token, nil).Status, "an ended session came back to life")
	assert.Equal(t, http.StatusOK, s.Call(t, http.MethodGet, "/v1/auth", finished.Token, nil).Status)
	assert.Len(t, s.Mails(t, email), 1)
	assert.NotContains(t, s.Logs.String(), password)
}
