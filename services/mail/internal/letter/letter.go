// Package letter writes mails and short messages from templates: subject, text
// and HTML, in every language of the catalogue.
//
// A letter's words are written once per language, in plain text with named
// parts (subject, intro, action, …). The same file is parsed as text/template
// for the text part and as html/template for the HTML part, where the layout
// around it escapes whatever data holds. A security notice takes its heading and
// its sentence from the parts of its event.
package letter

import (
	"bytes"
	"embed"
	"fmt"
	htmltemplate "html/template"
	"strings"
	texttemplate "text/template"

	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/i18n"
)

//go:embed templates
var files embed.FS

// Letter is a mail that only lacks its envelope.
type Letter struct {
	Subject string // one line
	Text    string
	HTML    string
}

// Set holds the letters of an installation.
type Set struct {
	product string
	letters map[key]parts
}

type key struct {
	template mail.Template
	event    mail.Event // empty but for security notices
	language i18n.Language
}

type parts struct {
	text *texttemplate.Template
	html *htmltemplate.Template
}

// Load parses all letters. product is the name of the installation, as the
// recipients know it.
func Load(product string) (*Set, error) {
	s := &Set{product: product, letters: map[key]parts{}}
	for _, name := range mail.Templates() {
		for _, language := range i18n.Languages() {
			for _, event := range events(name) {
				p, err := parse(name, event, language)
				if err != nil {
					return nil, fmt.Errorf("letter: %s in %s: %w", name, language, err)
				}
				s.letters[key{name, event, language}] = p
			}
		}
	}
	return s, nil
}

func events(name mail.Template) []mail.Event {
	if name == mail.SecurityNotice {
		return mail.Events()
	}
	return []mail.Event{""}
}

func parse(name mail.Template, event mail.Event, language i18n.Language) (parts, error) {
	folder := "templates/" + language.Tag() + "/"
	words := []string{folder + "common.tmpl", folder + string(name) + ".tmpl"}

	text, err := texttemplate.ParseFS(files, append(words, "templates/layout.txt.tmpl")...)
	if err != nil {
		return parts{}, err
	}
	html, err := htmltemplate.ParseFS(files, append(words, "templates/layout.html.tmpl")...)
	if err != nil || event == "" {
		return parts{text: text, html: html}, err
	}
	for _, part := range []string{"heading", "sentence"} {
		own := text.Lookup(part + " " + string(event))
		if own == nil {
			return parts{}, fmt.Errorf("the event %s has no %s", event, part)
		}
		if _, err := text.AddParseTree(part, own.Copy()); err != nil {
			return parts{}, err
		}
		if _, err := html.AddParseTree(part, own.Copy()); err != nil {
			return parts{}, err
		}
	}
	return parts{text: text, html: html}, nil
}

// Write writes a letter, which Load must have found.
func (s *Set) Write(name mail.Template, language i18n.Language, data Data) (Letter, error) {
	p, ok := s.letters[key{name, data.Event, language}]
	if !ok {
		return Letter{}, fmt.Errorf("letter: there is no %s %s in language %d", name, data.Event, language)
	}
	words := s.words(language, data)
	var subject, text, html bytes.Buffer
	if err := p.text.ExecuteTemplate(&subject, "subject", words); err != nil {
		return Letter{}, fmt.Errorf("letter: %w", err)
	}
	if err := p.text.ExecuteTemplate(&text, "layout.txt.tmpl", words); err != nil {
		return Letter{}, fmt.Errorf("letter: %w", err)
	}
	if err := p.html.ExecuteTemplate(&html, "layout.html.tmpl", words); err != nil {
		return Letter{}, fmt.Errorf("letter: %w", err)
	}
	return Letter{Subject: line(subject.String()), Text: text.String(), HTML: html.String()}, nil
}

// WriteShort writes what goes to a telephone. Only codes do.
func (s *Set) WriteShort(name mail.Template, language i18n.Language, data Data) (string, error) {
	p, ok := s.letters[key{name, data.Event, language}]
	if !ok || p.text.Lookup("short") == nil {
		return "", fmt.Errorf("letter: there is no short %s in language %d", name, language)
	}
	var text bytes.Buffer
	if err := p.text.ExecuteTemplate(&text, "short", s.words(language, data)); err != nil {
		return "", fmt.Errorf("letter: %w", err)
	}
	return line(text.String()), nil
}

func line(s string) string { return strings.Join(strings.Fields(s), " ") }
