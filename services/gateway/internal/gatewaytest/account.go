package gatewaytest

import (
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
)

// account is a user with a picture and two hubs, of which the second never
// expires.
func account(now time.Time) accounts.Account {
	registered := now.AddDate(-2, 0, 0)
	expires := now.Add(30 * 24 * time.Hour)
	return accounts.Account{
		User: accounts.User{
			ID: userID, Hash: UserHash, FirstName: "Olli", LastName: "Kahn", Email: Email, EmailVerified: true,
			Status: accounts.Active, Language: accounts.English, Locale: 1, Statefulness: true,
			PasswordType: accounts.PasswordUser, PasswordModifiedTime: now.Add(-30 * time.Hour),
			RegistrationTime: registered, TermsAcceptedTime: &registered, ModifiedTime: registered,
			Image: &accounts.Image{
				ID: 1, Hash: "613e66e4f1e3ef01a93cac169b75d4d9f43a8de4", Extension: "jpg", MIME: "image/jpeg", Size: 47100,
				CreatedTime: registered, ModifiedTime: registered, ModifiedUserTime: registered,
			},
		},
		Hubs: []accounts.Hub{
			{ID: 1, Hash: HubHash, Name: "Nordantech", ExpirationTime: &expires, Settings: settings(), ModifiedTime: registered},
			{ID: 2, Hash: "9f7c05fde1b7740a7dae3cc605ac360c796eb2c4", Name: "Falcon", Settings: settings(), ModifiedTime: registered},
		},
	}
}

// member is another user of the first hub.
func member(u accounts.User) accounts.User {
	u.ID, u.Hash, u.FirstName, u.LastName, u.Email = MemberID, MemberHash, "Uli", "Hoeneß", "uli@example.org"
	u.Language = accounts.German
	return u
}

func settings() accounts.HubSettings {
	return accounts.HubSettings{
		ProgramLevel: true, LoginConfirmationChannel: 1, OfficePreview: true, PDFPreview: true, Support: true, SessionLimit: 3,
	}
}

func features() accounts.Features {
	yes, no := true, false
	return accounts.Features{
		Accounting: &no, Attachments: &yes, Audit: &no, EffectFreeze: &yes, EffectProvenience: &yes, Impersonation: true,
		NetworkFilter: &no, ReportPreferences: &yes, SecuritySettings: &no, SessionLimit: 3, Subscriptions: &yes, Trash: 7,
	}
}

func hublessFeatures() accounts.Features { return accounts.Features{Impersonation: true, Trash: 7} }
