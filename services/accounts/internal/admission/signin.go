package admission

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// vouched holds who has vouched for the user against what the hub demands. A
// proof that counts for one hub alone leads nowhere else, and a hub that admits by
// a provider alone is entered by nothing else; who was going there because they
// were there last comes in without a hub.
func (g *Gate) vouched(ctx context.Context, tx *db.Tx, v *visit) error {
	hub := v.account.Hub
	if v.ProviderHub != nil && (hub == nil || hub.ID != *v.ProviderHub) {
		return fault.New(fault.Forbidden, "fault.provider_session")
	}
	if hub == nil {
		return nil
	}
	all, err := store.SignInsOf(ctx, tx, hub.ID)
	if err != nil {
		return err
	}
	demanded, met := demands(all, *v)
	if v.ProviderHub != nil && !uses(all, *v) {
		return fault.New(fault.Forbidden, "fault.provider_session") // taken from the hub meanwhile
	}
	switch {
	case met:
	case g.breaksGlass(ctx, tx, v):
		v.brokeGlass = true
	case v.Fallback && v.ProviderHub == nil:
		v.account, _, err = g.o.Directory.Account(ctx, tx, v.user, nil)
		return err
	default:
		return fault.New(fault.Forbidden, "fault.provider_required", "Provider", demanded)
	}
	if v.ProviderHub != nil {
		v.account.Hubs = []accounts.Hub{*hub} // nobody learns of the others
	}
	return nil
}

// demands tells whether the visit meets what the hub demands, and by whom it has
// to be vouched for.
func demands(all []accounts.SignIn, v visit) (provider string, met bool) {
	met = true
	for _, s := range all {
		if s.Mode != accounts.SignInMandatory {
			continue
		}
		if by(s, v) {
			return s.Title, true
		}
		provider, met = s.Title, false
	}
	return provider, met
}

// uses tells whether the hub still uses the provider that has vouched.
func uses(all []accounts.SignIn, v visit) bool {
	for _, s := range all {
		if by(s, v) {
			return true
		}
	}
	return false
}

// by tells whether it was this provider who has vouched for the user. Somebody
// may have come by one of the same name elsewhere.
func by(s accounts.SignIn, v visit) bool {
	if v.Proof != accounts.ProofIdentity && v.Proof != accounts.ProofSession || s.Provider != v.Provider {
		return false
	}
	return v.ProviderHub != nil || !s.Own // vouched has compared the hubs
}

// breaksGlass tells whether an owner may enter all the same, for the hub not to be
// lost with its provider: by a passkey, or by a second factor, for which whoever
// has one is asked in any case.
func (g *Gate) breaksGlass(ctx context.Context, tx *db.Tx, v *visit) bool {
	if v.account.Role < accounts.RoleOwner || v.ProviderHub != nil {
		return false
	}
	switch v.Proof {
	case accounts.ProofPasskey:
		return true
	case accounts.ProofPassword, accounts.ProofLink, accounts.ProofSession, accounts.ProofIdentity:
		strongest, err := g.o.Challenges.Strongest(ctx, tx, v.user.ID)
		return err == nil && strongest > accounts.ChannelEmail
	case accounts.ProofToken:
	}
	return false
}
