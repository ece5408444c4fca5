package mail

import "github.com/gatehouse-id/gatehouse/pkg/keyring"

// Sealed is where secrets are kept that the root key seals.
func Sealed() []keyring.Column {
	return []keyring.Column{{Table: "outbox", Name: "payload"}, {Table: "mailbox", Name: "content"}}
}
