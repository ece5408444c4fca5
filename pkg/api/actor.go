package api

import (
	"strconv"

	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/ids"
)

// Actor is who does something, as the edge has found out: a session's user and
// where the request came from. What the actor may do is for the service to find
// out, which owns the roles.
type Actor struct {
	User    int64  `json:"user"`
	Hub     *int64 `json:"hub,omitempty"` // the session's; nil: hubless
	Session int64  `json:"session"`
	// MFA is the challenge by which the session's user confirmed who they are.
	MFA *int64 `json:"mfa,omitempty"`
	// Impersonator is who acts in the user's name.
	Impersonator *int64 `json:"impersonator,omitempty"`
	// PAT is the personal access token that opened the session.
	PAT *int64 `json:"pat,omitempty"`
	// ProviderHub is the hub for which alone it counts who opened the session: the
	// hub's own upstream provider said so, or its administrators did.
	ProviderHub *int64 `json:"provider_hub,omitempty"`
	Origin      Origin `json:"origin"`
}

// AsSelf is Forbidden if somebody else acts in the user's name, or may well do:
// whoever runs a hub's own provider can make it say anything, so that a session
// which rests on its word has no say in what is the user's beyond the hub.
func (a Actor) AsSelf() error {
	if a.Impersonator != nil {
		return fault.New(fault.Forbidden, "fault.impersonating")
	}
	if a.ProviderHub != nil {
		return fault.New(fault.Forbidden, "fault.provider_session")
	}
	return nil
}

// Present is Forbidden unless somebody is there who the session is about, as far
// as its hub is concerned: not somebody else in the user's name, and not a program
// with a token of theirs.
func (a Actor) Present() error {
	a.ProviderHub = nil
	return a.InPerson()
}

// Outside tells whether the actor has no business in a hub of the user's: who was
// let in by one hub alone sees nothing of the others.
func (a Actor) Outside(hub int64) bool {
	confined := a.Impersonator != nil || a.ProviderHub != nil
	return confined && (a.Hub == nil || *a.Hub != hub)
}

// InPerson is Forbidden unless the user acts in person: not somebody else in
// their name, and not a program with a token of theirs. The security of an
// account is changed in person only.
func (a Actor) InPerson() error {
	if err := a.AsSelf(); err != nil {
		return err
	}
	if a.PAT != nil {
		return fault.New(fault.Forbidden, "fault.personal_token")
	}
	return nil
}

// Ref names an object as a path does: by its number or by its hash. One of the
// two is set.
type Ref struct {
	ID   int64  `json:"id,omitempty"`
	Hash string `json:"hash,omitempty"` // 40 lower-case hex
}

// ParseRef reads a name as a path has it; ok tells whether it can name anything.
// A number has one spelling: no sign, no zero before it.
func ParseRef(s string) (named Ref, ok bool) {
	if len(s) == ids.Length {
		return Ref{Hash: s}, ids.Valid(s)
	}
	id, err := strconv.ParseInt(s, 10, 64)
	return Ref{ID: id}, err == nil && id > 0 && strconv.FormatInt(id, 10) == s
}

// Page asks for a part of a list.
type Page struct {
	Number int `json:"number"` // from 1
	Size   int `json:"size"`   // from 1 to MaxPageSize
}

// The sizes of pages.
const (
	DefaultPageSize = 25
	MaxPageSize     = 100
)

// Offset is how many items come before the page.
func (p Page) Offset() int { return (p.Number - 1) * p.Size }
