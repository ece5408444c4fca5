package rest

import (
	"net/http"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/compose"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/envelope"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/jsonbody"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/query"
)

// members is GET /v1/user.
func (a *API) members(_ http.ResponseWriter, r *http.Request) (reply, error) {
	caller, err := edge.HubSession(r.Context())
	if err != nil {
		return reply{}, err
	}
	q := query.Read(r)
	in := accounts.ListMembersRequest{
		Actor: actor(caller), Page: q.Page(), Query: q.Text("query"),
		Role:   (*accounts.Role)(q.Int("role", int(accounts.RoleNone), int(accounts.RoleOwner))),
		Status: (*accounts.Status)(q.Int("status", int(accounts.Disabled), int(accounts.Invited))),
	}
	if err := q.Err(); err != nil {
		return reply{}, err
	}
	found, err := a.deps.Accounts.ListMembers(r.Context(), in)
	if err != nil {
		return reply{}, err
	}
	documents := each(found.Members, func(m accounts.Member) any { return memberFor(caller, m) })
	return list(documents, in.Page, found.Total), nil
}

// addMember is POST /v1/user.
func (a *API) addMember(_ http.ResponseWriter, r *http.Request) (reply, error) {
	caller, err := edge.HubSession(r.Context())
	if err != nil {
		return reply{}, err
	}
	body, err := jsonbody.Read(r)
	if err != nil {
		return reply{}, err
	}
	in := accounts.AddMemberRequest{
		Actor: actor(caller), Email: body.String("email"),
		FirstName: body.String("first_name"), LastName: body.String("last_name"),
		// The person's own language is not known yet; whoever adds them can be
		// understood by them.
		Language: accounts.Language(edge.Language(r.Context())),
		Access:   body.Bool("access", false),
	}
	if !body.Null("role") { // as good as absent
		in.Role = roleOf(body)
	}
	if err := body.Err(); err != nil {
		return reply{}, err
	}
	if governs(in.Role) {
		if err := caller.Fresh(r.Context()); err != nil {
			return reply{}, err
		}
	}
	added, err := a.deps.Accounts.AddMember(r.Context(), in)
	if err != nil {
		return reply{}, err
	}
	return created(memberFor(caller, added)), nil
}

// member is GET /v1/user/{user}.
func (a *API) member(_ http.ResponseWriter, r *http.Request) (reply, error) {
	caller, in, err := memberRequest(r)
	if err != nil {
		return reply{}, err
	}
	found, err := a.deps.Accounts.GetMember(r.Context(), in)
	if err != nil {
		return reply{}, err
	}
	return ok(memberFor(caller, found)), nil
}

// memberRequest reads whom the path names. Whether the caller needs to be in a
// hub for that is up to who it is.
func memberRequest(r *http.Request) (edge.Caller, accounts.MemberRequest, error) {
	caller, err := edge.FullSession(r.Context())
	if err != nil {
		return edge.Caller{}, accounts.MemberRequest{}, err
	}
	named, err := ref(r, "user")
	return caller, accounts.MemberRequest{Actor: actor(caller), Member: named}, err
}

// memberFor is the document of a member: oneself sees more, unless it is
// somebody who only acts as oneself.
func memberFor(caller edge.Caller, m accounts.Member) any {
	if m.User.ID == caller.Session.User && m.User.Hash == caller.Session.UserHash && caller.Session.Impersonator == nil {
		return compose.OwnMemberOf(m)
	}
	return compose.MemberOf(m)
}

// updateMember is PUT /v1/user/{user}.
func (a *API) updateMember(_ http.ResponseWriter, r *http.Request) (reply, error) {
	caller, named, err := memberRequest(r)
	if err != nil {
		return reply{}, err
	}
	body, err := jsonbody.Read(r)
	if err != nil {
		return reply{}, err
	}
	in := memberChange(body)
	in.Actor, in.Member = named.Actor, named.Member
	if err := body.Err(); err != nil {
		return reply{}, err
	}
	if err := a.mayRaise(r, caller, named, in); err != nil {
		return reply{}, err
	}
	if envelope.Conditional(r) {
		current, err := a.deps.Accounts.GetMember(r.Context(), named)
		if err != nil {
			return reply{}, err
		}
		if err := unchanged(r, memberFor(caller, current)); err != nil {
			return reply{}, err
		}
		in.Revision = &current.ModifiedTime
	}
	updated, err := a.deps.Accounts.UpdateMember(r.Context(), in)
	if err != nil {
		return reply{}, modified(r, err)
	}
	return ok(memberFor(caller, updated)), nil
}

// governs tells roles that outlast whoever gives them: their holders let others in.
func governs(role *accounts.Role) bool { return role != nil && *role >= accounts.RoleAdministrator }

// mayRaise asks for a recent login of whoever gives a member such a role, or the
// right to act as others: whoever has got hold of a session must not be able to make
// an ally. To send what is there already gives nothing.
func (a *API) mayRaise(r *http.Request, caller edge.Caller, named accounts.MemberRequest, in accounts.UpdateMemberRequest) error {
	impersonation := in.Impersonation != nil && *in.Impersonation
	stale := caller.Fresh(r.Context())
	if stale == nil || !governs(in.Role) && !impersonation && in.Email == nil {
		return nil
	}
	current, err := a.deps.Accounts.GetMember(r.Context(), named)
	if err != nil {
		return err
	}
	switch {
	case governs(in.Role) && *in.Role != current.Role,
		impersonation && !current.Impersonation,
		// It is where the invitation goes.
		in.Email != nil && *in.Email != current.User.Email && governs(&current.Role) && current.User.ID != caller.Session.User:
		return stale
	}
	return nil
}

func memberChange(body *jsonbody.Object) accounts.UpdateMemberRequest {
	in := accounts.UpdateMemberRequest{
		FirstName:         body.StringPtr("first_name"),
		LastName:          body.StringPtr("last_name"),
		Alias:             body.ClearableString("alias"),
		Language:          (*accounts.Language)(body.IntPtr("language")),
		Locale:            body.IntPtr("locale"),
		Statefulness:      body.BoolPtr("statefulness"),
		LoginConfirmation: body.BoolPtr("login_confirmation"),
		Email:             body.StringPtr("email"),
		Role:              roleOf(body),
		Impersonation:     body.BoolPtr("impersonation"),
		Status:            (*accounts.Status)(body.IntPtr("status")),
	}
	if password := body.StringPtr("current_password"); password != nil {
		in.CurrentPassword = *password
	}
	return in
}

// removeMember is DELETE /v1/user/{user}.
func (a *API) removeMember(_ http.ResponseWriter, r *http.Request) (reply, error) {
	in, err := hubMemberRequest(r)
	if err != nil {
		return reply{}, err
	}
	_, err = a.deps.Accounts.RemoveMember(r.Context(), in)
	return done(err)
}

// sendInvitation is POST /v1/user/{user}/invitation.
func (a *API) sendInvitation(_ http.ResponseWriter, r *http.Request) (reply, error) {
	in, err := hubMemberRequest(r)
	if err != nil {
		return reply{}, err
	}
	if err := jsonbody.None(r); err != nil {
		return reply{}, err
	}
	invited, err := a.deps.Accounts.SendInvitation(r.Context(), in)
	if err != nil {
		return reply{}, err
	}
	return ok(compose.MemberOf(invited)), nil
}

// withdrawInvitation is DELETE /v1/user/{user}/invitation.
func (a *API) withdrawInvitation(_ http.ResponseWriter, r *http.Request) (reply, error) {
	in, err := hubMemberRequest(r)
	if err != nil {
		return reply{}, err
	}
	_, err = a.deps.Accounts.WithdrawInvitation(r.Context(), in)
	return done(err)
}

// unlockMember is DELETE /v1/user/{user}/lock.
func (a *API) unlockMember(_ http.ResponseWriter, r *http.Request) (reply, error) {
	in, err := hubMemberRequest(r)
	if err != nil {
		return reply{}, err
	}
	_, err = a.deps.Accounts.UnlockMember(r.Context(), in)
	return done(err)
}

// hubMemberRequest is memberRequest for what happens in a hub.
func hubMemberRequest(r *http.Request) (accounts.MemberRequest, error) {
	if _, err := edge.HubSession(r.Context()); err != nil {
		return accounts.MemberRequest{}, err
	}
	_, in, err := memberRequest(r)
	return in, err
}
