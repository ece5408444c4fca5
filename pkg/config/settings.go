package config

import (
	"encoding"
	"fmt"
	"iter"
	"net/url"
	"reflect"
	"strings"
	"time"
)

// group is a struct of settings.
type group struct {
	value   reflect.Value
	members []member
}

// member is a setting or a struct of settings, in the order of the fields.
type member struct {
	setting *setting
	group   *group
}

// setting is one field that an environment variable fills.
type setting struct {
	name     string // the full name of the variable
	prefix   string // the part of the name that comes from enclosing structs
	fallback string // the default, or ""
	doc      string
	secret   bool
	required bool
	field    reflect.StructField
	value    reflect.Value
}

// describe finds the settings of a struct: fields with an env tag, and, within
// nested structs without one, theirs.
func describe(v reflect.Value) group {
	return describePrefixed(v, "")
}

func describePrefixed(v reflect.Value, prefix string) group {
	g := group{value: v}
	for i := range v.NumField() {
		field, value := v.Type().Field(i), v.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("env"), ",")
		switch {
		case name == "-" || !field.IsExported() && !field.Anonymous:
		case name != "" && field.IsExported():
			options = "," + options + ","
			g.members = append(g.members, member{setting: &setting{
				name:     prefix + name,
				prefix:   prefix,
				fallback: field.Tag.Get("envDefault"),
				doc:      field.Tag.Get("doc"),
				secret:   field.Tag.Get("secret") == "true",
				required: strings.Contains(options, ",required,") || strings.Contains(options, ",notEmpty,"),
				field:    field,
				value:    value,
			}})
		case value.Kind() == reflect.Struct:
			inner := describePrefixed(value, prefix+field.Tag.Get("envPrefix"))
			g.members = append(g.members, member{group: &inner})
		}
	}
	return g
}

// flatten lists the settings of a group and of the groups within it.
func (g group) flatten() []setting {
	var all []setting
	for _, m := range g.members {
		if m.setting != nil {
			all = append(all, *m.setting)
			continue
		}
		all = append(all, m.group.flatten()...)
	}
	return all
}

// consistent refuses structs that contradict themselves: a programming error.
func consistent(all []setting) error {
	first := map[string]setting{}
	for _, s := range all {
		earlier, known := first[s.name]
		if known && earlier.fallback != s.fallback {
			return fmt.Errorf("config: %s has two defaults, %q and %q", s.name, earlier.fallback, s.fallback)
		}
		if known && earlier.secret != s.secret {
			return fmt.Errorf("config: %s is a secret in one place and none in another", s.name)
		}
		if !known {
			first[s.name] = s
		}
	}
	for _, s := range all {
		if _, taken := first[s.name+fileSuffix]; s.secret && taken {
			return fmt.Errorf("config: %s is the file of the secret %s and cannot be a setting too", s.name+fileSuffix, s.name)
		}
	}
	return nil
}

// once yields the settings without those whose name came before.
func once(all []setting) iter.Seq[setting] {
	return func(yield func(setting) bool) {
		seen := map[string]bool{}
		for _, s := range all {
			if !seen[s.name] && !yield(s) {
				return
			}
			seen[s.name] = true
		}
	}
}

// expected tells in words what a value of that type looks like, or "" where
// the type's own error says it better.
func expected(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return `a duration such as "90s", "15m" or "12h"`
	case t == reflect.TypeFor[url.URL]():
		return "a URL"
	case reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		return ""
	}
	switch t.Kind() {
	case reflect.Bool:
		return `"true" or "false"`
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return "a whole number"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number of 0 or more"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Slice:
		if item := expected(t.Elem()); item != "" {
			return "a list of which each item is " + item
		}
	}
	return ""
}
