package jsonbody

import (
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// The readers of this file tell a field that is absent, which gives nil, from
// one that is null, which is wrong: a change of something leaves alone what it
// does not name. Where null means "none", ask Null first.

// Null takes a field that is null; the readers then find it absent. It tells
// whether it was.
func (o *Object) Null(name string) bool {
	if string(o.fields[name]) != "null" {
		return false
	}
	delete(o.fields, name)
	return true
}

// StringPtr reads a text.
func (o *Object) StringPtr(name string) *string {
	if !o.present(name) {
		return nil
	}
	s := o.String(name)
	return &s
}

// ClearableString reads a text that may be emptied, by "" or by null.
func (o *Object) ClearableString(name string) *string {
	if o.Null(name) {
		return new(string)
	}
	return o.StringPtr(name)
}

// BoolPtr reads a truth value.
func (o *Object) BoolPtr(name string) *bool {
	if !o.present(name) {
		return nil
	}
	b := o.Bool(name, false)
	return &b
}

// IntPtr reads an integer: digits, with a minus sign before them at most. The
// same number in another form, such as 1.0 or 1e0, is none.
func (o *Object) IntPtr(name string) *int {
	if !o.present(name) {
		return nil
	}
	n, err := strconv.Atoi(string(o.take(name)))
	if err != nil {
		o.violations.Add(name, "validation.integer")
		return nil
	}
	return &n
}

// TimePtr reads a time (RFC 3339), with any fraction of a second.
func (o *Object) TimePtr(name string) *time.Time {
	if !o.present(name) {
		return nil
	}
	var s string
	raw := o.take(name)
	if raw[0] == '"' && json.Unmarshal(raw, &s) == nil {
		if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
			return &t
		}
	}
	o.violations.Add(name, "validation.time")
	return nil
}

// Strings reads a list of texts; an empty one is not nil.
func (o *Object) Strings(name string) []string {
	if !o.present(name) {
		return nil
	}
	raw := o.take(name)
	if raw[0] != '[' {
		o.violations.Add(name, "validation.list")
		return nil
	}
	var items []json.RawMessage
	_ = json.Unmarshal(raw, &items) // the body has been found to be JSON
	list := make([]string, 0, len(items))
	for _, item := range items {
		s, problem := text(item)
		if problem != "" {
			o.violations.Add(name, problem)
			return nil
		}
		list = append(list, s)
	}
	return list
}

// present tells whether a field is there with a value. Null is a violation.
func (o *Object) present(name string) bool {
	if o.Null(name) {
		o.violations.Add(name, "validation.null")
		return false
	}
	_, ok := o.fields[name]
	return ok
}

// Raw reads an object as it is, for what another library reads; absent, null and
// whatever is no object are nil.
func (o *Object) Raw(name string) json.RawMessage {
	raw := o.take(name)
	switch {
	case raw == nil:
		return nil
	case raw[0] != '{':
		o.violations.Add(name, "validation.object")
		return nil
	case !utf8.Valid(raw) || loneSurrogate(raw):
		o.violations.Add(name, "validation.utf8")
		return nil
	}
	return raw
}

// Refuse takes a field that the caller may not give, whatever its value: it
// breaks the rule if it is there.
func (o *Object) Refuse(name, messageID string, args ...any) {
	if _, there := o.fields[name]; there {
		delete(o.fields, name)
		o.Add(name, messageID, args...)
	}
}

// Object reads an object whose fields are read one by one, too; absent and
// whatever is no object are nil. Its violations are taken over by [Object.Within].
func (o *Object) Object(name string) *Object {
	if !o.present(name) {
		return nil
	}
	raw := o.take(name)
	if raw[0] != '{' {
		o.violations.Add(name, "validation.object")
		return nil
	}
	inner := &Object{}
	_ = json.Unmarshal(raw, &inner.fields) // the body has been found to be JSON
	return inner
}

// Within takes over what is wrong with the fields of an object in the field of
// that name.
func (o *Object) Within(name string, inner *Object) {
	err := inner.Err()
	if err == nil {
		return
	}
	for field, messages := range fault.From(err).Fields {
		o.violations.Add(name+"."+field, messages[0].ID) // none of these rules has arguments
	}
}
