package config

import (
	"encoding"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
)

// Table describes the settings of dst (a struct or a pointer to one, of which
// only the type counts) as a Markdown table: name, default, meaning.
func Table(dst any) string {
	var b strings.Builder
	b.WriteString("| Name | Default | Meaning |\n|---|---|---|\n")
	for s := range once(describe(reflect.New(structType(dst)).Elem()).flatten()) {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", s.name, s.defaultCell(), cell.Replace(s.meaning()))
	}
	return b.String()
}

func structType(dst any) reflect.Type {
	t := reflect.TypeOf(dst)
	if t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || t.Kind() != reflect.Struct {
		panic(fmt.Sprintf("config: %T is not a struct of settings", dst))
	}
	return t
}

func (s setting) defaultCell() string {
	switch {
	case s.fallback != "" && s.secret:
		return "*secret*"
	case s.fallback != "":
		return "`" + cell.Replace(s.fallback) + "`"
	case s.required:
		return "*required*"
	default:
		return ""
	}
}

func (s setting) meaning() string {
	if !s.secret {
		return s.doc
	}
	return strings.TrimSpace(s.doc + " *Secret*: `" + s.name + fileSuffix + "` may name a file that holds it.")
}

var cell = strings.NewReplacer("|", `\|`, "\n", " ")

// What [Redacted] shows for a secret.
const (
	SecretSet   = "[set]"
	SecretUnset = "[not set]"
)

// Redacted returns the values in dst, a struct or a pointer to one, by the
// names of their variables. Of secrets it tells only whether they are set, and
// from URLs it removes the password.
func Redacted(dst any) map[string]string {
	v := reflect.New(structType(dst)).Elem()
	if given := reflect.Indirect(reflect.ValueOf(dst)); given.IsValid() {
		v.Set(given)
	}
	shown := map[string]string{}
	for _, s := range describe(v).flatten() {
		switch {
		case !s.secret:
			shown[s.name] = display(s.value)
		case s.value.IsZero():
			shown[s.name] = SecretUnset
		default:
			shown[s.name] = SecretSet
		}
	}
	return shown
}

func display(v reflect.Value) string {
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return ""
	}
	switch value := v.Interface().(type) {
	case url.URL:
		return value.Redacted()
	case encoding.TextMarshaler:
		text, err := value.MarshalText()
		if err != nil {
			return err.Error()
		}
		return string(text)
	case fmt.Stringer:
		return value.String()
	case string:
		return withoutPassword(value)
	case []byte:
		return string(value)
	}
	return displayKind(v)
}

func displayKind(v reflect.Value) string {
	var items []string
	switch v.Kind() {
	case reflect.Pointer:
		return display(v.Elem())
	case reflect.String:
		return withoutPassword(v.String())
	case reflect.Slice:
		for i := range v.Len() {
			items = append(items, display(v.Index(i)))
		}
	case reflect.Map:
		for entry := v.MapRange(); entry.Next(); {
			items = append(items, display(entry.Key())+":"+display(entry.Value()))
		}
		slices.Sort(items)
	default:
		return fmt.Sprint(v.Interface())
	}
	return strings.Join(items, ",")
}

func withoutPassword(s string) string {
	if u, err := url.Parse(s); err == nil && u.User != nil {
		return u.Redacted()
	}
	return s
}
