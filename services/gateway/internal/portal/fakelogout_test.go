package portal_test

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
)

// fakeLogouts is the part of fakeOAuth that is about signing out.
type fakeLogouts struct {
	began  []oauth.LogoutRequest
	logout oauth.Logout // the answer
	// frames are the apps that want to hear of the session's end in the browser,
	// by the session.
	frames map[string][]string
	away   error // what is answered when somebody asks for them
}

func (f *fakeOAuth) BeginLogout(_ context.Context, r oauth.LogoutRequest) (oauth.Logout, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.began = append(f.began, r)
	return f.logout, f.err
}

func (f *fakeOAuth) SessionClients(_ context.Context, r oauth.SessionClientsRequest) (oauth.SessionClientList, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return oauth.SessionClientList{Frontchannel: f.frames[r.Session]}, f.away
}
