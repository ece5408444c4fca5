package system

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

// Previous are the services as they were before.
type Previous struct {
	// Commit is what they were built from.
	Commit string
	folder string
}

// Path is where a service's program is.
func (p *Previous) Path(service string) string { return filepath.Join(p.folder, service) }

// BuildPrevious builds the services of the release before this one; while there is
// none, as they were before the newest migration. Nil, which is logged, in a
// clone whose history does not go so far back.
func BuildPrevious(t testing.TB) *Previous {
	t.Helper()
	root, err := repository()
	require.NoError(t, err)
	git := func(args ...string) (string, error) {
		out, err := exec.CommandContext(t.Context(), "git", append([]string{"-C", root}, args...)...).Output()
		return strings.TrimSpace(string(out)), err
	}
	shallow, err := git("rev-parse", "--is-shallow-repository")
	if err != nil {
		testkit.NotRun(t, "beside the previous version: this is no clone of a repository: "+err.Error())
	}
	commit, err := previous(git)
	if err != nil && shallow == "true" {
		t.Log("NOT RUN beside the previous version: the clone is shallow, and could not be deepened (git fetch --unshallow)")
		return nil
	}
	require.NoError(t, err, "looking for the previous version")

	tree, folder := t.TempDir(), t.TempDir()
	archive, err := exec.CommandContext(t.Context(), "git", "-C", root, "archive", "--format=tar", commit).Output()
	require.NoError(t, err)
	unpack := exec.CommandContext(t.Context(), "tar", "-x", "-C", tree)
	unpack.Stdin = bytes.NewReader(archive)
	out, err := unpack.CombinedOutput()
	require.NoError(t, err, "%s", out)
	arguments := []string{"build", "-trimpath", "-o", folder + "/"} // so that it shares what is in the cache
	for _, service := range services {
		arguments = append(arguments, "./services/"+service+"/cmd/"+service)
	}
	build := exec.CommandContext(t.Context(), "go", arguments...)
	build.Dir = tree
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK="+filepath.Join(tree, "go.work"))
	out, err = build.CombinedOutput()
	require.NoError(t, err, "building %s: %s", commit, out)
	return &Previous{Commit: commit, folder: folder}
}

// previous is the commit of the newest release before this commit, or else the one
// before the newest migration of any service.
func previous(git func(args ...string) (string, error)) (string, error) {
	if tag, err := git("describe", "--tags", "--abbrev=0", "--match", "v[0-9]*", "HEAD^"); err == nil {
		return git("rev-parse", tag+"^{commit}")
	}
	added, err := git("log", "-1", "--diff-filter=A", "--no-renames", "--format=%H", "--", "services/*/migrations/*.sql")
	if err != nil {
		return "", err
	}
	if added == "" {
		return "", errors.New("no migration was ever added")
	}
	return git("rev-parse", "--verify", added+"^")
}
