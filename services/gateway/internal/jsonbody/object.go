// Package jsonbody reads the body of a request strictly: one JSON object in
// UTF-8, each key once, nothing after it, no key that the endpoint does not
// know. What is wrong with single fields is collected, so that a client hears of
// all of it at once.
package jsonbody

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
)

// Object is a body that is being read, field by field.
type Object struct {
	fields     map[string]json.RawMessage
	violations fault.Violations
}

// Read takes the body of a request. The error is ready for the edge: 415 if it
// is not declared as JSON, 413 if it is too large, 400 if it is not one object.
func Read(r *http.Request) (*Object, error) {
	if err := checkType(r); err != nil {
		return nil, err
	}
	text, err := readAll(r)
	if err != nil {
		return nil, err
	}
	return objectOf(text)
}

// ReadOptional is Read for endpoints that need no body: none is an empty object.
func ReadOptional(r *http.Request) (*Object, error) {
	if err := checkType(r); err != nil {
		return nil, err
	}
	text, err := readAll(r)
	if err != nil {
		return nil, err
	}
	if len(text) == 0 {
		return &Object{}, nil
	}
	return objectOf(text)
}

func objectOf(text []byte) (*Object, error) {
	fields, err := parse(text)
	if err != nil {
		return nil, edge.ErrMalformed(err)
	}
	return &Object{fields: fields}, nil
}

// None makes sure that a request whose endpoint takes no fields has none: no
// body, or an empty object.
func None(r *http.Request) error {
	o, err := ReadOptional(r)
	if err != nil {
		return err
	}
	return o.Err()
}

// checkType refuses a body that is there and not declared as JSON.
func checkType(r *http.Request) error {
	if r.ContentLength == 0 || r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	mediaType, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != "application/json" {
		return edge.ErrUnsupportedMediaType()
	}
	if charset, ok := params["charset"]; ok && !strings.EqualFold(charset, "utf-8") {
		return edge.ErrUnsupportedMediaType()
	}
	return nil
}

func readAll(r *http.Request) ([]byte, error) {
	text, err := io.ReadAll(r.Body)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, edge.ErrTooLarge()
	case err != nil:
		return nil, edge.ErrMalformed(err)
	}
	return text, nil
}

// take gives the text of a field and strikes it off; nil if it is absent or
// null.
func (o *Object) take(name string) json.RawMessage {
	raw := o.fields[name]
	delete(o.fields, name)
	if string(raw) == "null" {
		return nil
	}
	return raw
}

// String reads a text; absent and null are "".
func (o *Object) String(name string) string {
	raw := o.take(name)
	if raw == nil {
		return ""
	}
	s, problem := text(raw)
	if problem != "" {
		o.violations.Add(name, problem)
	}
	return s
}

// text decodes a JSON string, or names the rule that it breaks.
func text(raw json.RawMessage) (s, problem string) {
	switch {
	case raw[0] != '"':
		return "", "validation.string"
	case !utf8.Valid(raw) || loneSurrogate(raw):
		return "", "validation.utf8"
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		return "", "validation.string"
	}
	return s, ""
}

// Bool reads a truth value; absent and null are the fallback.
func (o *Object) Bool(name string, fallback bool) bool {
	switch string(o.take(name)) {
	case "":
		return fallback
	case "true":
		return true
	case "false":
		return false
	}
	o.violations.Add(name, "validation.boolean")
	return fallback
}

// Add notes that the value of a field breaks a rule.
func (o *Object) Add(field, messageID string, args ...any) {
	if o.violations[field] == nil { // one per field is enough
		o.violations.Add(field, messageID, args...)
	}
}

// Has tells whether a field that has not been read yet is there.
func (o *Object) Has(name string) bool {
	return o.fields[name] != nil && string(o.fields[name]) != "null"
}

// maxUnknown bounds how many unknown fields are named.
const maxUnknown = 20

// Err is what is wrong with the fields, after all known ones have been read:
// the ones of a wrong type and the ones nobody knows. more are violations found
// in the values; they count for fields that are otherwise right.
func (o *Object) Err(more ...fault.Violations) error {
	for _, found := range more {
		for field, messages := range found {
			if o.violations[field] == nil {
				if o.violations == nil {
					o.violations = fault.Violations{}
				}
				o.violations[field] = messages
			}
		}
	}
	unknown := slices.Sorted(maps.Keys(o.fields))
	for _, name := range unknown[:min(len(unknown), maxUnknown)] {
		o.violations.Add(shorten(name), "validation.unknown_field")
	}
	return o.violations.Err()
}

// shorten keeps an answer from echoing a name at any length.
func shorten(name string) string {
	runes := []rune(name)
	return string(runes[:min(len(runes), 64)])
}

// loneSurrogate finds half of a UTF-16 pair in an escape, which stands for no
// character; encoding/json would replace it silently.
func loneSurrogate(raw []byte) bool {
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		if raw[i+1] != 'u' {
			i++ // an escaped backslash begins nothing
			continue
		}
		switch unit := hex4(raw[i+2:]); {
		case unit >= 0xd800 && unit < 0xdc00:
			if !bytes.HasPrefix(raw[i+6:], []byte(`\u`)) {
				return true
			}
			if low := hex4(raw[i+8:]); low < 0xdc00 || low > 0xdfff {
				return true
			}
			i += 11
		case unit >= 0xdc00 && unit < 0xe000:
			return true
		default:
			i += 5
		}
	}
	return false
}

// hex4 reads the four digits of an escape that has been found to be valid.
func hex4(b []byte) (unit int) {
	for _, c := range b[:4] {
		unit <<= 4
		switch {
		case c <= '9':
			unit |= int(c - '0')
		default:
			unit |= int(c|0x20) - 'a' + 10
		}
	}
	return unit
}
