// Package query reads the query of a request strictly: no parameter that the
// endpoint does not know, each once, in UTF-8. What is wrong with single
// parameters is collected, so that a client hears of all of it at once.
package query

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// maxText bounds a parameter, in characters.
const maxText = 1000

// Values is a query that is being read, parameter by parameter.
type Values struct {
	values     url.Values
	violations fault.Violations
}

// Read takes the query of a request. What cannot even be split into parameters
// is found by Err.
func Read(r *http.Request) *Values {
	values, err := url.ParseQuery(r.URL.RawQuery)
	q := &Values{values: values}
	if err != nil {
		q.violations.Add("query", "validation.query")
	}
	return q
}

// Text reads a text; an absent one is "".
func (q *Values) Text(name string) string {
	value, _ := q.take(name)
	return value
}

// Int reads an integer from least to most; an absent one is nil.
func (q *Values) Int(name string, least, most int) *int {
	value, ok := q.take(name)
	if !ok {
		return nil
	}
	n, err := strconv.Atoi(value)
	switch {
	case err != nil || strconv.Itoa(n) != value: // one spelling: no sign, no zero before it
		q.violations.Add(name, "validation.integer")
		return nil
	case n < least || n > most:
		q.violations.Add(name, "validation.between", "Min", least, "Max", most)
		return nil
	}
	return &n
}

// Bool reads a truth value; an absent one is the fallback.
func (q *Values) Bool(name string, fallback bool) bool {
	value, ok := q.take(name)
	switch {
	case !ok:
		return fallback
	case value == "true" || value == "1":
		return true
	case value == "false" || value == "0":
		return false
	}
	q.violations.Add(name, "validation.boolean")
	return fallback
}

// Time reads a time (RFC 3339); an absent one is nil.
func (q *Values) Time(name string) *time.Time {
	value, ok := q.take(name)
	if !ok {
		return nil
	}
	t, err := time.Parse(time.RFC3339Nano, value)
	if err != nil {
		q.violations.Add(name, "validation.time")
		return nil
	}
	return &t
}

// Ref reads the name of an object, its number or its hash; an absent one is
// nil.
func (q *Values) Ref(name string) *api.Ref {
	value, ok := q.take(name)
	if !ok {
		return nil
	}
	named, ok := api.ParseRef(value)
	if !ok {
		q.violations.Add(name, "validation.reference")
		return nil
	}
	return &named
}

// maxPage keeps the offset of a page within a list of any length.
const maxPage = 1_000_000

// Page reads which page of a list is asked for, and of which size.
func (q *Values) Page() api.Page {
	p := api.Page{Number: 1, Size: api.DefaultPageSize}
	if n := q.Int("page", 1, maxPage); n != nil {
		p.Number = *n
	}
	if n := q.Int("per_page", 1, api.MaxPageSize); n != nil {
		p.Size = *n
	}
	return p
}

// maxUnknown bounds how many unknown parameters are named.
const maxUnknown = 20

// Err is what is wrong with the query, after all known parameters have been
// read; more are violations found in the values.
func (q *Values) Err(more ...fault.Violations) error {
	for _, found := range more {
		for field, messages := range found {
			if q.violations == nil {
				q.violations = fault.Violations{}
			}
			q.violations[field] = append(q.violations[field], messages...)
		}
	}
	unknown := slices.Sorted(maps.Keys(q.values))
	for _, name := range unknown[:min(len(unknown), maxUnknown)] {
		q.violations.Add(shorten(name), "validation.unknown_field")
	}
	return q.violations.Err()
}

// take gives a parameter and strikes it off. ok tells whether it is there and
// readable.
func (q *Values) take(name string) (value string, ok bool) {
	values, there := q.values[name]
	delete(q.values, name)
	if !there {
		return "", false
	}
	value = values[0]
	switch {
	case len(values) > 1:
		q.violations.Add(name, "validation.once")
	case !utf8.ValidString(value):
		q.violations.Add(name, "validation.utf8")
	case strings.ContainsFunc(value, unicode.IsControl):
		q.violations.Add(name, "validation.control_characters")
	case utf8.RuneCountInString(value) > maxText:
		q.violations.Add(name, "validation.max_length", "Max", maxText)
	default:
		return value, true
	}
	return "", false
}

// shorten keeps an answer from echoing a name at any length, and as text.
func shorten(name string) string {
	runes := []rune(strings.ToValidUTF8(name, "\uFFFD"))
	return string(runes[:min(len(runes), 64)])
}
