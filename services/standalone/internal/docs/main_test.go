package main

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestConfigurationIsUpToDate(t *testing.T) {
	t.Parallel()
	written, err := os.ReadFile("../../../../docs/configuration.md")
	require.NoError(t, err)
	assert.Equal(t, page(), string(written), "run make generate")
}
