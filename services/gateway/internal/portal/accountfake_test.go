package portal_test

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
)

const thingHash = "8888888888888888888888888888888888888888"

// did notes what was done to the account.
func (p *people) did(what string) (api.Nothing, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done = append(p.done, what)
	return api.Nothing{}, p.failures[what]
}

func (p *people) ListFactors(context.Context, accounts.ActorRequest) (accounts.FactorList, error) {
	return accounts.FactorList{RecoveryCodes: 7, Factors: []accounts.Factor{
		{Hash: thingHash, Channel: accounts.ChannelSMS, Number: phone, Confirmed: true, CreatedTime: p.now()},
		{Hash: "pending", Channel: accounts.ChannelApp},
	}}, nil
}

func (p *people) RemoveFactor(_ context.Context, r accounts.RemoveFactorRequest) (api.Nothing, error) {
	return p.did("remove factor " + r.Factor.Hash + " " + r.Password)
}

func (p *people) ListPasskeys(context.Context, accounts.ActorRequest) (accounts.PasskeyList, error) {
	return accounts.PasskeyList{Passkeys: []accounts.Passkey{{Hash: thingHash, Name: "<Laptop>", CreatedTime: p.now()}}}, nil
}

func (p *people) FinishPasskey(_ context.Context, r accounts.FinishPasskeyRequest) (accounts.Passkey, error) {
	_, err := p.did("add passkey " + r.Name)
	return accounts.Passkey{}, err
}

func (p *people) RemovePasskey(_ context.Context, r accounts.RemovePasskeyRequest) (api.Nothing, error) {
	return p.did("remove passkey " + r.Passkey.Hash + " " + r.Password)
}

func (p *people) RenewRecoveryCodes(context.Context, accounts.ActorRequest) (accounts.RecoveryCodes, error) {
	_, err := p.did("renew codes")
	return accounts.RecoveryCodes{Codes: []string{recoveryCode}}, err
}

func (p *people) ListIdentities(context.Context, accounts.ActorRequest) (accounts.IdentityList, error) {
	return accounts.IdentityList{Identities: []accounts.LinkedIdentity{{Hash: thingHash, Provider: "other", Email: "olli@other.example", CreatedTime: p.now()}}}, nil
}

func (p *people) LinkIdentity(_ context.Context, r accounts.LinkIdentityRequest) (accounts.LinkedIdentity, error) {
	_, err := p.did("link " + r.Identity.Subject)
	return accounts.LinkedIdentity{}, err
}

func (p *people) UnlinkIdentity(_ context.Context, r accounts.UnlinkIdentityRequest) (api.Nothing, error) {
	return p.did("unlink " + r.Identity.Hash)
}

func (f *fakeOAuth) ListConsents(context.Context, oauth.SubjectRequest) (oauth.ConsentList, error) {
	return oauth.ConsentList{Consents: []oauth.Consented{{Hash: thingHash, Client: "rota", ClientName: "Rota Planner", Scopes: []string{"openid", "rota.write"}}}}, nil
}

func (f *fakeOAuth) RevokeConsent(_ context.Context, r oauth.RevokeConsentRequest) (api.Nothing, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.revoked = append(f.revoked, r.Subject+" "+r.Consent.Hash)
	return api.Nothing{}, nil
}
