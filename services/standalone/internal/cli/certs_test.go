package cli_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/mtls"
	"github.com/gatehouse-id/gatehouse/pkg/mtls/authority"
	"github.com/gatehouse-id/gatehouse/services/standalone/internal/cli"
)

// It needs no settings, and minds no wrong ones.
func TestCertificates(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "certs")
	run := func(args ...string) (code int, stdout, stderr string) {
		var out, fail strings.Builder
		code = cli.Run(t.Context(), append([]string{"certs", dir}, args...), []string{"GATEHOUSE_NONSENSE=1"}, &out, &fail)
		return code, out.String(), fail.String()
	}
	code, stdout, stderr := run()
	require.Zero(t, code, stderr)
	for _, service := range []string{"gateway", "accounts", "sessions", "mail", "oauth"} {
		assert.Contains(t, stdout, filepath.Join(dir, service, "tls.crt"))
		identity, err := mtls.Load(authority.Folder{Path: dir}.Files(service), nil)
		require.NoError(t, err)
		name, _ := identity.Service()
		assert.Equal(t, service, name)
		require.NoError(t, identity.Close())
	}
	code, stdout, _ = run("--output", "json")
	require.Zero(t, code)
	assert.Contains(t, stdout, `"service": "oauth"`)
	assert.NotContains(t, stdout, "reason", "all are kept")
	_, stdout, _ = run("--renew", "--service", "mail")
	assert.Contains(t, stdout, "issued: asked for")

	for _, args := range [][]string{{"--valid", "0"}, {"--service", "../x"}, {"--host", "*"}, {"--new-ca", "--renew"}, {"more"}} {
		code, _, stderr = run(args...)
		assert.Equal(t, 2, code, args)
		assert.NotEmpty(t, stderr)
	}
	code, _, stderr = run("--prune", "--new-ca=false", "--ca-valid", "1")
	assert.Equal(t, 2, code)
	assert.Contains(t, stderr, "not shorter")
}
