package sessions

import "github.com/gatehouse-id/gatehouse/pkg/keyring"

// Sealed is where secrets are kept that the root key seals.
func Sealed() []keyring.Column {
	return []keyring.Column{{Table: "signing_keys", Name: "sealed"}, {Table: "outbox", Name: "payload"}}
}
