package redisdb_test

import (
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/redisdb"
)

func TestAddressesOfRedis(t *testing.T) {
	t.Parallel()
	for url, good := range map[string]bool{
		"":                                   true,
		"redis://localhost:6379/0":           true,
		"redis://:hunter2@localhost":         true,
		"rediss://user:hunter2@cache.test:1": true,
		"http://user:hunter2@localhost":      false,
		"redis://user:hunter2@localhost/x":   false,
		"localhost:6379":                     false,
		"redis://user:hunter2@local host":    false,
		"redis://user:hunter2@localhost/-1":  false,
		"redis://user:hunter2@localhost/1/2": false,
		"redis:user:hunter2@localhost":       false,
		"redis://user:hunter2@localhost:x":   false,
		"redis://user:hunter2@localhost?a=b": false,
		"redis://user:hunter2#@localhost":    false,
	} {
		problems := (&redisdb.Config{URL: url}).Validate()
		assert.Equal(t, good, len(problems) == 0, "%q: %v", url, problems)
		for _, p := range problems {
			assert.NotContains(t, p, "hunter2")
		}
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	none, err := (&redisdb.Config{}).Open("gateway")
	require.NoError(t, err)
	assert.Nil(t, none)

	_, err = (&redisdb.Config{URL: "http://user:hunter2@localhost"}).Open("gateway")
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "hunter2")

	server := miniredis.RunT(t)
	server.RequireUserAuth("gatehouse", "hunter2")
	client, err := (&redisdb.Config{URL: "redis://gatehouse:hunter2@" + server.Addr()}).Open("gateway")
	require.NoError(t, err)
	defer func() { assert.NoError(t, client.Close()) }()
	assert.NoError(t, client.Ping(t.Context()))
}
