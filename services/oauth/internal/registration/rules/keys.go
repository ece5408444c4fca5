package rules

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
)

const (
	// maxKeys and maxKeySet bound a key set: its keys, and its bytes.
	maxKeys   = 20
	maxKeySet = 32 << 10
	// The sizes of RSA keys, in bits.
	leastRSA, mostRSA = 2048, 4096
)

func (k *check) hasKeys() bool { return len(k.c.JWKS) > 0 || k.c.JWKSURI != "" }

func (k *check) keys() {
	if len(k.c.JWKS) > 0 && k.c.JWKSURI != "" {
		k.add("jwks", "validation.client_keys_twice")
	}
	k.keySet("jwks", k.c.JWKS)
}

// keySet looks at a JWK Set (RFC 7517 section 5), if there is one.
func (k *check) keySet(field string, text json.RawMessage) {
	if len(text) == 0 {
		return
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(text, &set); err != nil || len(set.Keys) == 0 {
		k.add(field, "validation.client_keys")
		return
	}
	if len(set.Keys) > maxKeys || len(text) > maxKeySet {
		k.add(field, "validation.client_keys_many", "Max", maxKeys)
		return
	}
	for i, key := range set.Keys {
		if problem := keyProblem(key); problem != "" {
			k.add(field, problem, "Number", i+1, "Min", leastRSA, "Max", mostRSA)
		}
	}
	if usable, err := client.ParseKeys(text); k.fine(field) && (err != nil || len(usable) == 0) {
		k.add(field, "validation.client_keys_unfit", "Values", strings.Join(keyAlgorithms(), ", "))
	}
}

// secretParts are the members of a JWK that nobody but its owner may know (RFC
// 7518 section 6).
var secretParts = []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"}

// keyProblem is what is wrong with a key; "" if nothing is.
func keyProblem(text json.RawMessage) string {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return "validation.client_key"
	}
	for _, name := range secretParts {
		if _, there := members[name]; there {
			return "validation.client_key_secret"
		}
	}
	var key jose.JSONWebKey
	if err := json.Unmarshal(text, &key); err != nil || !key.Valid() || !key.IsPublic() {
		return "validation.client_key"
	}
	switch key := key.Key.(type) {
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits < leastRSA || bits > mostRSA || key.E < 3 || key.E%2 == 0 {
			return "validation.client_key_size"
		}
	case *ecdsa.PublicKey, ed25519.PublicKey:
	default:
		return "validation.client_key"
	}
	return ""
}
