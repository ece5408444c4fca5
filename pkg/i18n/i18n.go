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
	goi18n "github.com/nicksnyder/go-i18n/v2/i18n"
	"github.com/nicksnyder/go-i18n/v2/i18n/template"
	"golang.org/x/text/language"
)

//go:embed locales/*/*.toml
var locales embed.FS

// Catalogue is every text in every language. It never changes once made and is
// safe for concurrent use.
type Catalogue struct {
	localizers map[Language]*goi18n.Localizer
	known      map[string]bool
	matcher    language.Matcher
	parser     template.Parser
}

// New reads the embedded texts. It fails only if one of the files is broken.
func New() (*Catalogue, error) {
	c := &Catalogue{
		localizers: map[Language]*goi18n.Localizer{},
		known:      map[string]bool{},
		// A text without its arguments is an error, not "<no value>".
		parser: &template.TextParser{Option: "missingkey=error"},
	}
	bundle := goi18n.NewBundle(language.Make(Fallback.Tag()))
	tags := make([]language.Tag, 0, len(Languages()))
	for _, l := range Languages() {
		tag := language.Make(l.Tag())
		messages, err := load(locales, l)
		if err != nil {
			return nil, err
		}
		if err := bundle.AddMessages(tag, messages...); err != nil {
			return nil, fmt.Errorf("add the texts of %s: %w", l, err)
		}
		for _, m := range messages {
			c.known[m.ID] = true
		}
		tags = append(tags, tag)
	}
	for _, l := range Languages() {
		c.localizers[l] = goi18n.NewLocalizer(bundle, l.Tag())
	}
	c.matcher = language.NewMatcher(tags)
	return c, nil
}

// load reads every file of one language.
func load(files fs.FS, l Language) ([]*goi18n.Message, error) {
	names, err := fs.Glob(files, path.Join("locales", l.Tag(), "*.toml"))
	if err != nil {
		return nil, fmt.Errorf("list the texts of %s: %w", l, err)
	}
	var all []*goi18n.Message
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("read the texts of %s: %w", l, err)
		}
		messages, err := goi18n.ParseMessageBytes(text, toml.Unmarshal)
		if err != nil {
			return nil, fmt.Errorf("parse %s: %w", name, err)
		}
		all = append(all, messages...)
	}
	return all, nil
}

// Has tells whether the catalogue has a text of that id.
func (c *Catalogue) Has(id string) bool { return c.known[id] }

// Text is the text of that id, filled with args. Its plural form follows the
// first of the arguments Count, Min and Max that it is given; a Field that the
// catalogue has a name for (field.*) is shown under that name. An id that is
// unknown, or whose text lacks an argument, is returned as it is: that is ugly
// enough to be noticed, and never an empty answer.
func (c *Catalogue) Text(l Language, id string, args map[string]any) string {
	localizer, ok := c.localizers[l]
	if !ok {
		localizer = c.localizers[Fallback]
	}
	args = c.readable(l, args)
	// The error is not conclusive: a text that is the same in singular and
	// plural comes with one, and is right.
	text, _ := localizer.Localize(&goi18n.LocalizeConfig{
		MessageID:      id,
		TemplateData:   args,
		PluralCount:    pluralCount(args),
		TemplateParser: c.parser,
	})
	if text == "" {
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

// pluralCount is the number that decides the plural form, nil if there is none.
func pluralCount(args map[string]any) any {
	for _, key := range []string{"Count", "Min", "Max"} {
		switch n := args[key].(type) {
		case int, int64:
			return n
		}
	}
	return nil
}
