package system

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/testkit"
	"github.com/gatehouse-id/gatehouse/test/internal/tree"
)

// Previous are the services as they were before.
type Previous struct {
	// Commit is what they were built from.
	Commit string
	folder string
}

// withoutHistory is set where it has been said already, for all to see, that a clone
// lacks the history for what needs it.
const withoutHistory = "GATEHOUSE_TEST_WITHOUT_HISTORY"

// Path is where a service's program is.
func (p *Previous) Path(service string) string { return filepath.Join(p.folder, service) }

// BuildPrevious builds the services of the release before this one; while there is
// none, as they were before the newest migration. Nil in a clone whose history does
// not go so far back, and only if GATEHOUSE_TEST_WITHOUT_HISTORY says that this is known.
func BuildPrevious(t testing.TB) *Previous {
	t.Helper()
	root, err := tree.Root()
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
		const reason = "beside the previous version: the clone is shallow, and could not be deepened (git fetch --unshallow)"
		if os.Getenv(withoutHistory) == "" {
			testkit.NotRun(t, reason)
		}
		t.Log("NOT RUN " + reason)
		return nil
	}
	require.NoError(t, err, "looking for the previous version")

	folder, err := build(root, "previous-"+commit, func(ctx context.Context, folder string) error {
		if entries, err := os.ReadDir(folder); err != nil || len(entries) == len(services) {
			return err // it is what it was
		}
		return buildFrom(ctx, root, commit, folder)
	})
	require.NoError(t, err, "building %s", commit)
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	return &Previous{Commit: commit, folder: folder}
}

// buildFrom builds the services as they were at the commit.
func buildFrom(ctx context.Context, root, commit, folder string) error {
	tree, err := os.MkdirTemp("", "gatehouse-previous-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(tree) }()
	archive, err := exec.CommandContext(ctx, "git", "-C", root, "archive", "--format=tar", commit).Output()
	if err != nil {
		return err
	}
	unpack := exec.CommandContext(ctx, "tar", "-x", "-C", tree)
	unpack.Stdin = bytes.NewReader(archive)
	if out, err := unpack.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return goBuild(ctx, tree, folder, commandsOfServices()...)
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
