package accounts

import (
	"github.com/gatehouse-id/gatehouse/pkg/keyring"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/challenge"
)

// Sealed is where secrets are kept that the root key seals.
func Sealed() []keyring.Column {
	return []keyring.Column{challenge.Sealed(), {Table: "outbox", Name: "payload"}}
}
