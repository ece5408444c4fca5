package oauth

import (
	"github.com/gatehouse-id/gatehouse/pkg/keyring"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/upstream"
)

// Sealed is where secrets are kept that the root key seals.
func Sealed() []keyring.Column {
	return []keyring.Column{
		upstream.Sealed(),
		{Table: "hub_provider_changes", Name: "secret"},
		{Table: "signing_keys", Name: "sealed"},
		{Table: "pairwise_salt", Name: "sealed"},
		{Table: "identity_states", Name: "secrets"},
		{Table: "outbox", Name: "payload"},
	}
}
