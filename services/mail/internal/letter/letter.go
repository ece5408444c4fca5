// Package letter writes mails from templates: subject, text and HTML, in every
// language of the catalogue.
//
// A letter's words are written once per language, in plain text with named
// parts (subject, intro, action, …). The same file is parsed as text/template
// for the text part and as html/template for the HTML part, where the layout
// around it escapes whatever data holds.
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

// Data is what a letter can mention.
type Data struct {
	URL string // absolute, http or https
	Hub string // may be empty
}

// Set holds the letters of an installation.
type Set struct {
	product string
	letters map[key]parts
}

type key struct {
	template mail.Template
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
			p, err := parse(name, language)
			if err != nil {
				return nil, fmt.Errorf("letter: %s in %s: %w", name, language, err)
			}
			s.letters[key{name, language}] = p
		}
	}
	return s, nil
}

func parse(name mail.Template, language i18n.Language) (parts, error) {
	folder := "templates/" + language.Tag() + "/"
	words := []string{folder + "common.tmpl", folder + string(name) + ".tmpl"}

	text, err := texttemplate.ParseFS(files, append(words, "templates/layout.txt.tmpl")...)
	if err != nil {
		return parts{}, err
	}
	html, err := htmltemplate.ParseFS(files, append(words, "templates/layout.html.tmpl")...)
	return parts{text: text, html: html}, err
}

// Write writes a letter, which Load must have found.
func (s *Set) Write(name mail.Template, language i18n.Language, data Data) (Letter, error) {
	p, ok := s.letters[key{name, language}]
	if !ok {
		return Letter{}, fmt.Errorf("letter: there is no %s in language %d", name, language)
	}
	words := struct {
		Data
		Product  string
		Language string
	}{data, s.product, language.Tag()}

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
	return Letter{
		Subject: strings.Join(strings.Fields(subject.String()), " "),
		Text:    text.String(),
		HTML:    html.String(),
	}, nil
}
