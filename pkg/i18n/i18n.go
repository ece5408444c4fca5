// Package i18n holds the texts people read, in English and German, and says in
// which of the two to answer.
//
// A text is named by an id whose first part is its file in locales:
// fault.* and validation.* are what the edge makes of a fault, field.* the
// names of input fields in a validation text, time.* the relative times, page.*
// the hosted pages. Mails have templates of their own in the mail service.
package i18n

import (
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"path"
	"strings"

	"github.com/BurntSushi/toml"
	"golang.org/x/text/language"
)

//go:embed locales/*/*.toml
var locales embed.FS

// Catalogue is every text in every language. It never changes once made and is
// safe for concurrent use.
type Catalogue struct {
	texts   map[Language]map[string]message
	matcher language.Matcher
}

// New reads the embedded texts. It fails only if one of the files is broken.
func New() (*Catalogue, error) {
	c := &Catalogue{texts: map[Language]map[string]message{}}
	tags := make([]language.Tag, 0, len(Languages()))
	for _, l := range Languages() {
		texts, err := load(locales, l)
		if err != nil {
			return nil, err
		}
		c.texts[l] = texts
		tags = append(tags, language.Make(l.Tag()))
	}
	c.matcher = language.NewMatcher(tags)
	return c, nil
}

// load reads every file of one language.
func load(files fs.FS, l Language) (map[string]message, error) {
	names, err := fs.Glob(files, path.Join("locales", l.Tag(), "*.toml"))
	if err != nil {
		return nil, fmt.Errorf("list the texts of %s: %w", l, err)
	}
	all := map[string]message{}
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("read the texts of %s: %w", l, err)
		}
		var table map[string]any
		if err := toml.Unmarshal(text, &table); err != nil {
			return nil, fmt.Errorf("parse %s: %w", name, err)
		}
		if err := collect(all, language.Make(l.Tag()), "", table); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return all, nil
}

// Has tells whether the catalogue has a text of that id.
func (c *Catalogue) Has(id string) bool {
	_, ok := c.texts[Fallback][id]
	return ok
}

// Text is the text of that id, filled with args. Its plural form follows the
// first of the arguments Count, Min and Max that it is given; a Field that the
// catalogue has a name for (field.*) is shown under that name. An id that is
// unknown, or whose text lacks an argument, is returned as it is: that is ugly
// enough to be noticed, and never an empty answer.
func (c *Catalogue) Text(l Language, id string, args map[string]any) string {
	texts, ok := c.texts[l]
	if !ok {
		texts = c.texts[Fallback]
	}
	text, ok := texts[id].fill(c.readable(l, args))
	if !ok {
		return id
	}
	return text
}

// readable copies args into the form in which they are shown.
func (c *Catalogue) readable(l Language, args map[string]any) map[string]any {
	if len(args) == 0 {
		return args
	}
	shown := maps.Clone(args)
	for key, value := range shown {
		// Between services arguments travel as JSON, which makes every number a
		// float, and a float of a million prints as 1e+06.
		if f, ok := value.(float64); ok && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
			shown[key] = int64(f)
		}
	}
	if field, ok := shown["Field"].(string); ok {
		if id := "field." + strings.ReplaceAll(field, " ", "_"); c.Has(id) {
			shown["Field"] = c.Text(l, id, nil)
		}
	}
	return shown
}
