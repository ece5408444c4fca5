package api_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gatehouse-id/gatehouse/pkg/api"
)

func TestParseRef(t *testing.T) {
	t.Parallel()
	hash := strings.Repeat("0f", 20)
	digits := strings.Repeat("1", 40)
	for text, want := range map[string]api.Ref{
		"1": {ID: 1}, "9223372036854775807": {ID: 9223372036854775807}, hash: {Hash: hash}, digits: {Hash: digits},
	} {
		got, ok := api.ParseRef(text)
		assert.True(t, ok, text)
		assert.Equal(t, want, got)
	}
	for _, text := range []string{
		"", "0", "-1", "+1", "01", "1.0", "1e3", " 1", "9223372036854775808", strings.ToUpper(hash), hash[1:], hash + "0", "٣", "me",
	} {
		_, ok := api.ParseRef(text)
		assert.False(t, ok, text)
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	assert.Equal(t, 0, api.Page{Number: 1, Size: 25}.Offset())
	assert.Equal(t, 50, api.Page{Number: 3, Size: 25}.Offset())
}
