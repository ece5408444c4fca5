package i18n

import (
	"fmt"
	"regexp"
	"strings"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// message is a text in one language. Its arguments stand in it as {{.Name}}.
type message struct {
	language language.Tag
	one      pattern // nil in a text without a plural
	other    pattern
}

// collect adds the texts of a table, and of those in it, under their dotted ids. A
// table that has the text "other" is one text with its plural forms.
func collect(into map[string]message, in language.Tag, id string, value any) error {
	table, ok := value.(map[string]any)
	if !ok {
		table = map[string]any{"other": value}
	}
	if _, ok := table["other"]; !ok {
		for name, value := range table {
			if err := collect(into, in, strings.TrimPrefix(id+"."+name, "."), value); err != nil {
				return err
			}
		}
		return nil
	}
	if _, twice := into[id]; twice {
		return fmt.Errorf("the text %s is there twice", id)
	}
	m := message{language: in}
	for form, value := range table {
		parsed, err := parse(value)
		switch {
		case err != nil:
			return fmt.Errorf("the text %s: %w", id, err)
		case form == "one":
			m.one = parsed
		case form == "other":
			m.other = parsed
		default:
			return fmt.Errorf("the text %s: %q is no plural form of English and German", id, form)
		}
	}
	into[id] = m
	return nil
}

// fill puts the arguments in; not if one is missing, or there is no such text.
func (m message) fill(args map[string]any) (string, bool) {
	if m.one != nil && m.form(args) == plural.One {
		return m.one.fill(args)
	}
	return m.other.fill(args)
}

// form is the plural form for the first of the arguments Count, Min and Max that
// are numbers.
func (m message) form(args map[string]any) plural.Form {
	for _, name := range []string{"Count", "Min", "Max"} {
		switch n := args[name].(type) {
		case int:
			return plural.Cardinal.MatchPlural(m.language, n, 0, 0, 0, 0)
		case int64:
			return plural.Cardinal.MatchPlural(m.language, int(n), 0, 0, 0, 0)
		}
	}
	return plural.Other
}

// pattern is a text in pieces: text and names of arguments take turns, and text
// is at both ends.
type pattern []string

var placeholder = regexp.MustCompile(`\{\{\.([A-Z][A-Za-z]*)\}\}`)

func parse(value any) (pattern, error) {
	text, ok := value.(string)
	if !ok || text == "" {
		return nil, fmt.Errorf("%v is no text", value)
	}
	var p pattern
	end := 0
	for _, at := range placeholder.FindAllStringSubmatchIndex(text, -1) {
		p = append(p, text[end:at[0]], text[at[2]:at[3]])
		end = at[1]
	}
	p = append(p, text[end:])
	for i := 0; i < len(p); i += 2 {
		if strings.Contains(p[i], "{{") || strings.Contains(p[i], "}}") {
			return nil, fmt.Errorf("%q: an argument is {{.Name}}, and no more", text)
		}
	}
	return p, nil
}

func (p pattern) fill(args map[string]any) (string, bool) {
	if len(p) == 0 {
		return "", false
	}
	var b strings.Builder
	for i, piece := range p {
		if i%2 == 0 {
			b.WriteString(piece)
			continue
		}
		value, ok := args[piece]
		if !ok {
			return "", false
		}
		fmt.Fprint(&b, value)
	}
	return b.String(), true
}
