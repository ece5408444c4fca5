// Package conformance_test holds docs/conformance against the tests that it
// names.
package conformance_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	root = "../.."
	docs = root + "/docs/conformance"
)

var named = regexp.MustCompile("`([a-z0-9/_-]+) (Test[A-Za-z0-9_]+)`")

// TestWhatIsNamedIsThere looks for every test that the tables name.
func TestWhatIsNamedIsThere(t *testing.T) {
	t.Parallel()
	there := map[string]map[string]bool{}
	count := 0
	for page, text := range pages(t) {
		for _, name := range named.FindAllStringSubmatch(text, -1) {
			folder, test := name[1], name[2]
			if there[folder] == nil {
				there[folder] = testsIn(t, folder)
			}
			assert.True(t, there[folder][test], "%s names %s, which is not in %s", page, test, folder)
			count++
		}
	}
	assert.Greater(t, count, 300, "the tables name tests in another way")
}

// TestEveryRequirementIsShownOrExplained reads the rows.
func TestEveryRequirementIsShownOrExplained(t *testing.T) {
	t.Parallel()
	section := regexp.MustCompile(`^([0-9A-Z][0-9.]*(, )?)+$`)
	for page, text := range pages(t) {
		if page == "README.md" {
			continue
		}
		inTable, rows := false, 0
		for i, line := range strings.Split(text, "\n") {
			switch {
			case !strings.HasPrefix(line, "|"):
				inTable = false
			case line == "| Section | Requirement | Shown by | Note |", strings.HasPrefix(line, "|---"):
				inTable = true
			case assert.True(t, inTable, "%s:%d: a table of other columns", page, i+1):
				rows++
				cells := strings.Split(strings.Trim(line, "|"), "|")
				if !assert.Len(t, cells, 4, "%s:%d", page, i+1) {
					continue
				}
				assert.Regexp(t, section, strings.TrimSpace(cells[0]), "%s:%d", page, i+1)
				assert.NotEmpty(t, strings.TrimSpace(cells[1]), "%s:%d", page, i+1)
				for _, one := range strings.Split(cells[2], ", ") {
					one = strings.TrimSpace(one)
					assert.True(t, one == "" || named.FindString(one) == one, "%s:%d: %q names no test", page, i+1, one)
				}
				assert.NotEmpty(t, strings.TrimSpace(cells[2]+cells[3]), "%s:%d: nothing shows it, and nothing is said", page, i+1)
			}
		}
		assert.Greater(t, rows, 10, page)
		assert.Contains(t, pages(t)["README.md"], "("+page+")")
	}
}

// pages are the documents by their names.
func pages(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(docs, "*.md"))
	require.NoError(t, err)
	require.Greater(t, len(files), 3)
	all := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		all[filepath.Base(file)] = string(text)
	}
	return all
}

// testsIn are the tests of the package in that folder.
func testsIn(t *testing.T, folder string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, folder, "*_test.go"))
	require.NoError(t, err)
	tests := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, f := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllStringSubmatch(string(text), -1) {
			tests[f[1]] = true
		}
	}
	return tests
}
