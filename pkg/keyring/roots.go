package keyring

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
)

// ParseRoots reads root keys from a setting: one or more keys in base64 (with
// either alphabet, with or without padding), separated by commas or line
// breaks, the newest first. `openssl rand -base64 32` makes one. Its errors
// tell which key is wrong and how, never what it is.
func ParseRoots(s string) ([][]byte, error) {
	var roots [][]byte
	for _, text := range strings.FieldsFunc(s, isSeparator) {
		position := len(roots) + 1
		secret, err := base64.RawStdEncoding.DecodeString(canonical.Replace(text))
		if err != nil {
			return nil, fmt.Errorf("keyring: root key %d is not base64", position)
		}
		if len(secret) != RootSize {
			return nil, fmt.Errorf("keyring: root key %d has %d bytes, not %d", position, len(secret), RootSize)
		}
		if bytes.Count(secret, secret[:1]) == len(secret) {
			return nil, fmt.Errorf("keyring: root key %d is a placeholder: make one with \"openssl rand -base64 %d\"", position, RootSize)
		}
		roots = append(roots, secret)
	}
	if len(roots) == 0 {
		return nil, ErrNoRoot
	}
	return roots, nil
}

// canonical turns URL-safe and padded base64 into the plain alphabet.
var canonical = strings.NewReplacer("-", "+", "_", "/", "=", "")

func isSeparator(r rune) bool {
	return r == ',' || r == '\n' || r == '\r' || r == ' ' || r == '\t'
}
