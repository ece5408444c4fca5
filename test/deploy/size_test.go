package deploy_test

import (
	"compress/gzip"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// besides is what an image has beside the program as it is built here: the time
// zones, without which what other tests have compiled can be used, and the
// certificates of authorities.
const besides = 1_000_000

// compressed is the size of the file as registries keep and send it.
func compressed(t *testing.T, path string) int64 {
	t.Helper()
	file, err := os.Open(path)
	require.NoError(t, err)
	defer func() { _ = file.Close() }()
	var size counter
	layer := gzip.NewWriter(&size)
	_, err = io.Copy(layer, file)
	require.NoError(t, err)
	require.NoError(t, layer.Close())
	return int64(size)
}

type counter int64

// Write implements io.Writer.
func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}

// TestImagesAreSmall builds the programs as the Dockerfile does. One that grows by
// megabytes usually links a package that looks up methods by a name which is not
// constant, as text/template does, whereupon the linker keeps every exported method
// (go build -ldflags=-dumpdep tells), or a library for the sake of a few lines.
func TestImagesAreSmall(t *testing.T) {
	t.Parallel()
	dockerfile, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	require.NoError(t, err)
	flags := regexp.MustCompile(`go build -trimpath -tags timetzdata,(\S+) \\\n\s+-ldflags "-s -w `).FindSubmatch(dockerfile)
	require.NotNil(t, flags, "the programs are built otherwise than here")
	for program, limit := range map[string]int64{
		"accounts/cmd/accounts": 30_000_000,
		"gateway/cmd/gateway":   30_000_000,
		"mail/cmd/mail":         30_000_000,
		"oauth/cmd/oauth":       30_000_000,
		"sessions/cmd/sessions": 30_000_000,
		// All in one, and SQLite.
		"standalone/cmd/gatehouse": 52_000_000,
	} {
		t.Run(filepath.Base(program), func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "program")
			build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-tags", string(flags[1]), "-ldflags", "-s -w",
				"-o", path, "./services/"+program)
			build.Dir = root
			build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
			out, err := build.CombinedOutput()
			require.NoError(t, err, strings.TrimSpace(string(out)))
			built, err := os.Stat(path)
			require.NoError(t, err)
			assert.Less(t, built.Size()+besides, limit)
			assert.Less(t, compressed(t, path)+besides, int64(20_000_000), "to be pulled")
		})
	}
}
