package keyring_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/keyring"
)

func TestParseRoots(t *testing.T) {
	t.Parallel()
	first, second := rootKey(0xfb), rootKey(0xfe) // both need the two characters in which the alphabets differ
	std, url := base64.StdEncoding, base64.URLEncoding
	cases := map[string]string{
		"comma":                std.EncodeToString(first) + "," + std.EncodeToString(second),
		"comma and space":      " " + std.EncodeToString(first) + " , " + std.EncodeToString(second) + "\n",
		"line breaks":          std.EncodeToString(first) + "\r\n" + std.EncodeToString(second) + "\r\n",
		"a comma too many":     std.EncodeToString(first) + "," + std.EncodeToString(second) + ",",
		"the URL-safe form":    url.EncodeToString(first) + "," + url.EncodeToString(second),
		"without any padding":  strings.ReplaceAll(std.EncodeToString(first)+","+std.EncodeToString(second), "=", ""),
		"forms that are mixed": std.EncodeToString(first) + "," + url.EncodeToString(second),
	}
	for name, text := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			roots, err := keyring.ParseRoots(text)
			require.NoError(t, err)
			assert.Equal(t, [][]byte{first, second}, roots)
		})
	}
}

func TestParseRootsRefuses(t *testing.T) {
	t.Parallel()
	good := base64.StdEncoding.EncodeToString(rootKey(1))
	cases := map[string]struct{ text, want string }{
		"nothing":          {"", "keyring: no root key given"},
		"only separators":  {" , \n", "keyring: no root key given"},
		"not base64":       {good + ",correct-horse-battery!", "keyring: root key 2 is not base64"},
		"too short":        {base64.StdEncoding.EncodeToString([]byte("horse-battery")), "keyring: root key 1 has 13 bytes, not 32"},
		"too long":         {base64.StdEncoding.EncodeToString(make([]byte, 64)), "keyring: root key 1 has 64 bytes, not 32"},
		"a placeholder":    {base64.StdEncoding.EncodeToString(make([]byte, 32)), `keyring: root key 1 is a placeholder: make one with "openssl rand -base64 32"`},
		"another repeated": {strings.Repeat("/", 43) + "=", `keyring: root key 1 is a placeholder: make one with "openssl rand -base64 32"`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			roots, err := keyring.ParseRoots(c.text)
			require.EqualError(t, err, c.want)
			assert.Nil(t, roots)
		})
	}
}
