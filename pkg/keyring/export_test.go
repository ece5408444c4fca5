package keyring

import "context"

// Maintain is one round of Run, for tests that move the clock between rounds.
func (k *Keys) Maintain(ctx context.Context) error { return k.maintain(ctx) }
