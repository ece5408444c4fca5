package i18n

import (
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// forms are the plural forms that a text has.
func forms(m message) []pattern {
	if m.one == nil {
		return []pattern{m.other}
	}
	return []pattern{m.one, m.other}
}

// arguments are the names of those in all plural forms of a text.
func arguments(m message) []string {
	found := map[string]bool{}
	for _, p := range forms(m) {
		for i := 1; i < len(p); i += 2 {
			found[p[i]] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

func texts(t *testing.T, l Language) map[string]message {
	t.Helper()
	all, err := load(locales, l)
	require.NoError(t, err)
	return all
}

func TestLanguagesHaveTheSameTexts(t *testing.T) {
	t.Parallel()
	german, english := texts(t, German), texts(t, English)
	require.Equal(t, slices.Sorted(maps.Keys(english)), slices.Sorted(maps.Keys(german)))
	for id, m := range english {
		assert.Equal(t, arguments(m), arguments(german[id]), "the arguments of %s", id)
	}
}

func TestTextsAreWhole(t *testing.T) {
	t.Parallel()
	for _, l := range Languages() {
		for id, m := range texts(t, l) {
			for _, p := range forms(m) {
				text := strings.Join(p, "")
				assert.Equal(t, strings.TrimSpace(text), text, "%s %s: space at an end", l, id)
			}
		}
	}
}

// A text stays in the file its id begins with, so that two people adding texts
// do not collide and no file overrides another.
func TestTextsStandInTheirFile(t *testing.T) {
	t.Parallel()
	for _, l := range Languages() {
		names, err := fs.Glob(locales, path.Join("locales", l.Tag(), "*.toml"))
		require.NoError(t, err)
		require.NotEmpty(t, names)
		for _, name := range names {
			text, err := fs.ReadFile(locales, name)
			require.NoError(t, err)
			messages, err := load(fstest.MapFS{name: {Data: text}}, l)
			require.NoError(t, err)
			require.NotEmpty(t, messages, name)
			prefix := strings.TrimSuffix(path.Base(name), ".toml") + "."
			for id := range messages {
				assert.True(t, strings.HasPrefix(id, prefix), "%s: %s", name, id)
			}
		}
	}
}

func TestLoadSaysWhatIsBroken(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"[fault\n":                                "locales/en/fault.toml",
		"fault.x = 1":                             "fault.x: 1 is no text",
		"fault.x = ''":                            "fault.x",
		"fault.x = ['a']":                         "fault.x",
		"fault.x = '{{.A'":                        "fault.x",
		"fault.x = '{{.a}}'":                      "fault.x",
		"fault.x = '{{ .A | html }}'":             "fault.x",
		"fault.x = 'A}}'":                         "fault.x",
		"[fault.x]\none = 'a'\nother = ''":        "fault.x",
		"[fault.x]\nfew = 'a'\nother = 'b'":       `fault.x: "few"`,
		"[fault.x.one]\nz = 'a'\n[fault.x.other]": "fault.x",
	} {
		_, err := load(fstest.MapFS{"locales/en/fault.toml": {Data: []byte(text)}}, English)
		require.ErrorContains(t, err, want, text)
	}
	_, err := load(fstest.MapFS{
		"locales/en/a.toml": {Data: []byte("x.y = 'a'")}, "locales/en/b.toml": {Data: []byte("[x.y]\none = 'a'\nother = 'b'")},
	}, English)
	require.ErrorContains(t, err, "x.y is there twice")
}

// Faults name their texts by id in the code of every module; one that has no
// text would show its id to a person.
func TestIDsUsedInTheCodeHaveTexts(t *testing.T) {
	t.Parallel()
	c, err := New()
	require.NoError(t, err)
	uses := regexp.MustCompile(`fault\.New\([^()"]*,\s*"([^"]+)"[,)]|\bText\([^()"]*,\s*"([a-z0-9_.]+)",|"(validation\.[a-z0-9_]+)"`)
	root, err := filepath.Abs(filepath.Join("..", ".."))
	require.NoError(t, err)
	seen := 0
	for _, module := range []string{"pkg", "services"} {
		err = filepath.WalkDir(filepath.Join(root, module), func(file string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
				return err
			}
			source, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			for _, match := range uses.FindAllStringSubmatch(string(source), -1) {
				id := match[1] + match[2] + match[3]
				seen++
				assert.True(t, c.Has(id), "%s uses %q, which has no text", strings.TrimPrefix(file, root), id)
			}
			return nil
		})
		require.NoError(t, err)
	}
	assert.Positive(t, seen, "the walk finds the code")
}
