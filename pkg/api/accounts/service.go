package accounts

import (
	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/rpc"
)

// Service is what the accounts service does for others. All errors are faults.
type Service interface {
	Logins
	Passwords
	Activations
	Directory
	Factors
	Recoveries
	Members
	Hubs
	Images
	Profiles
	Auditing
	Privacy
	Identities
	SignIns
	Passkeys
	Operating
}

// Name of the service in discovery, metrics and certificates.
const Name = api.Accounts

// Mount serves s on the server.
func Mount(server *rpc.Server, s Service) {
	mountLogins(server, s)
	mountPasswords(server, s)
	mountActivations(server, s)
	mountDirectory(server, s)
	mountFactors(server, s)
	mountRecoveries(server, s)
	mountMembers(server, s)
	mountHubs(server, s)
	mountImages(server, s)
	mountProfiles(server, s)
	mountAuditing(server, s)
	mountPrivacy(server, s)
	mountIdentities(server, s)
	mountSignIns(server, s)
	mountPasskeys(server, s)
	mountOperating(server, s)
}

// NewClient is the service behind the connection.
func NewClient(c rpc.Conn) Service { return client{c} }

type client struct{ conn rpc.Conn }
