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

	goi18n "github.com/nicksnyder/go-i18n/v2/i18n"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var placeholder = regexp.MustCompile(`\{\{-?\s*(.*?)\s*-?\}\}`)

// forms are the plural forms that a text has; the others of go-i18n exist in
// neither language.
func forms(m *goi18n.Message) map[string]string {
	all := map[string]string{"one": m.One, "other": m.Other}
	maps.DeleteFunc(all, func(_, text string) bool { return text == "" })
	return all
}

// arguments are the template actions of all plural forms of a text.
func arguments(m *goi18n.Message) []string {
	found := map[string]bool{}
	for _, text := range forms(m) {
		for _, match := range placeholder.FindAllStringSubmatch(text, -1) {
			found[match[1]] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

func texts(t *testing.T, l Language) map[string]*goi18n.Message {
	t.Helper()
	all, err := load(locales, l)
	require.NoError(t, err)
	byID := map[string]*goi18n.Message{}
	for _, m := range all {
		require.NotContains(t, byID, m.ID, "%s has it twice", l)
		byID[m.ID] = m
	}
	return byID
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
	argument := regexp.MustCompile(`^\.[A-Z][A-Za-z]*$`)
	for _, l := range Languages() {
		for id, m := range texts(t, l) {
			assert.NotEmpty(t, m.Other, "%s %s: every text has the form other", l, id)
			assert.Empty(t, m.Zero+m.Two+m.Few+m.Many, "%s %s: a plural form the language does not have", l, id)
			for _, text := range forms(m) {
				assert.Equal(t, strings.TrimSpace(text), text, "%s %s: space at an end", l, id)
			}
			for _, a := range arguments(m) {
				assert.Regexp(t, argument, a, "%s %s: an argument has a name, and no more", l, id)
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
			for _, m := range messages {
				assert.True(t, strings.HasPrefix(m.ID, prefix), "%s: %s", name, m.ID)
			}
		}
	}
}

func TestLoadSaysWhichFileIsBroken(t *testing.T) {
	t.Parallel()
	_, err := load(fstest.MapFS{"locales/en/fault.toml": {Data: []byte("[fault\n")}}, English)
	require.ErrorContains(t, err, "locales/en/fault.toml")
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
