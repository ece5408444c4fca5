package portal

import (
	"bytes"
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/gatehouse-id/gatehouse/pkg/i18n"
)

//go:embed templates
var templateFiles embed.FS

// loadTemplates parses each page together with the layout and the parts that
// pages share.
func loadTemplates() (map[string]*template.Template, error) {
	shared, err := template.ParseFS(templateFiles, "templates/layout.html", "templates/parts.html")
	if err != nil {
		return nil, err
	}
	files, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		return nil, err
	}
	pages := map[string]*template.Template{}
	for _, file := range files {
		name := strings.TrimSuffix(path.Base(file), ".html")
		if name == "layout" || name == "parts" {
			continue
		}
		page, err := shared.Clone()
		if err != nil {
			return nil, err
		}
		if pages[name], err = page.ParseFS(templateFiles, file); err != nil {
			return nil, err
		}
	}
	return pages, nil
}

// page is what a template sees.
type page struct {
	visit *visit
	// Title is the page's heading and the document's title.
	Title string
	// Problems are what is wrong with the form on the page.
	Problems []problem
	Form     *form
	Data     any
}

// show answers with a page.
func (v *visit) show(status int, name string, p page) error {
	p.visit = v
	t, ok := v.portal.templates[name]
	if !ok {
		return fmt.Errorf("portal: there is no template %q", name)
	}
	var body bytes.Buffer
	if err := t.ExecuteTemplate(&body, "layout", p); err != nil {
		return fmt.Errorf("portal: render %s: %w", name, err)
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", v.lang.Tag())
	h.Set("Content-Security-Policy", v.allowed.policy())
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	v.w.WriteHeader(status)
	_, _ = v.w.Write(body.Bytes()) // the client went away; nothing to tell it
	return nil
}

// T is a text of the catalogue; args are key, value pairs.
func (p page) T(id string, args ...any) string { return p.visit.text(id, args...) }

// Lang is the tag of the page's language.
func (p page) Lang() string { return p.visit.lang.Tag() }

// Asset is the path of an embedded file.
func (p page) Asset(name string) string { return p.visit.portal.assets.path(name) }

// Script is the path of the page's script; empty: it has none.
func (p page) Script() string { return p.Asset(p.visit.allowed.script) }

// Product names the installation.
func (p page) Product() string { return p.visit.portal.deps.Product }

// SelfRegistration tells whether people may register by themselves.
func (p page) SelfRegistration() bool { return p.visit.portal.deps.SelfRegistration }

// DocumentTitle is the content of the title element. A page with errors says so
// first, because that is what a screen reader reads first.
func (p page) DocumentTitle() string {
	title := p.T("page.document_title", "Title", p.Title, "Product", p.Product())
	if len(p.Problems) > 0 {
		return p.T("page.error_title", "Title", title)
	}
	return title
}

// ProblemsTitle heads the problems. Where none is with a field there are no entries
// to check.
func (p page) ProblemsTitle() string {
	if slices.ContainsFunc(p.Problems, func(one problem) bool { return one.Field != "" }) {
		return p.T("page.problems")
	}
	return p.T("page.problems_elsewhere")
}

// languageLink leads to the same page in a language.
type languageLink struct {
	Tag, Name, Path string
	Current         bool
}

// Languages are the links of the language switch.
func (p page) Languages() []languageLink {
	var links []languageLink
	for _, l := range i18n.Languages() {
		links = append(links, languageLink{
			Tag:     l.Tag(),
			Name:    p.T("page.language_name." + l.Tag()),
			Path:    p.visit.inLanguage(l),
			Current: l == p.visit.lang,
		})
	}
	return links
}

// inLanguage is where the present page is to be had in a language: its own
// address if it can be had again, else the start page.
func (v *visit) inLanguage(l i18n.Language) string {
	u := url.URL{Path: cmp.Or(v.page, "/")}
	q := url.Values{}
	if v.page != "" {
		for name, values := range v.query {
			q[name] = values
		}
		// What a form carried is part of the address when it is reloaded.
		for _, name := range []string{"authorization", "prompt", "hub"} {
			if s := v.value(name); s != "" {
				q.Set(name, s)
			}
		}
	}
	q.Set(languageParameter, l.Tag())
	u.RawQuery = q.Encode()
	return u.String()
}

// with is a path of ours with parameters: key, value pairs, of which the empty
// ones are left out.
func with(path string, params ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(params); i += 2 {
		if params[i+1] != "" {
			q.Set(params[i], params[i+1])
		}
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// ok answers with a page that has nothing to complain about.
func (v *visit) ok(name string, p page) error { return v.show(http.StatusOK, name, p) }
