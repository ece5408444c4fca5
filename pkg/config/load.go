package config

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/caarlos0/env/v11"
)

// Error is what [Load] returns when settings are missing, malformed or unknown.
type Error struct {
	// Problems are in the order of the struct's fields. None has a line break
	// or the value of a secret in it.
	Problems []string
}

// Error has one line for each problem, after a line that counts them.
func (e *Error) Error() string {
	count := "is a problem"
	if len(e.Problems) > 1 {
		count = fmt.Sprintf("are %d problems", len(e.Problems))
	}
	return fmt.Sprintf("there %s with the configuration:\n  %s", count, strings.Join(e.Problems, "\n  "))
}

// Load reads the settings of dst, a pointer to a struct, from environ, which
// has the form of [os.Environ]. Its error is an [*Error], unless dst itself is
// not fit for settings.
func Load(dst any, environ []string) error {
	target := reflect.ValueOf(dst)
	if target.Kind() != reflect.Pointer || target.IsNil() || target.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("config: settings are loaded into a pointer to a struct, not into %T", dst)
	}
	root := describe(target.Elem())
	all := root.flatten()
	if err := consistent(all); err != nil {
		return err
	}

	values := env.ToMap(environ)
	maps.DeleteFunc(values, func(_, value string) bool { return value == "" })
	l := &loader{values: values, unread: readFiles(all, values)}
	tidyLists(all, values)
	l.group(root)
	l.problems = append(l.problems, unknown(all, environ)...)
	if len(l.problems) == 0 {
		return nil
	}
	return &Error{Problems: l.report(all)}
}

type loader struct {
	values   map[string]string // by name; files are read and empty values are gone
	unread   map[string]string // problems of secrets whose file could not be read, by name
	problems []string
}

// group loads a struct of settings and reports whether all of it could be read.
func (l *loader) group(g group) bool {
	sound := true
	for _, m := range g.members {
		if m.setting != nil {
			sound = l.setting(*m.setting) && sound
			continue
		}
		sound = l.group(*m.group) && sound
	}
	if sound {
		l.validate(g.value, "")
	}
	return sound
}

func (l *loader) setting(s setting) bool {
	if problem, ok := l.unread[s.name]; ok {
		l.problems = append(l.problems, problem)
		return false
	}
	if s.required && l.values[s.name] == "" && s.fallback == "" {
		l.problems = append(l.problems, s.missing())
		return false
	}
	if err := s.parse(l.values); err != nil {
		l.problems = append(l.problems, s.malformed(l.values[s.name], err))
		return false
	}
	return l.validate(s.value, s.name+": ")
}

func (l *loader) validate(v reflect.Value, prefix string) bool {
	if !v.CanInterface() {
		return true // an embedded struct of an unexported type: the struct around it has its methods
	}
	validator, ok := v.Addr().Interface().(Validator)
	if !ok {
		return true
	}
	found := validator.Validate()
	for _, problem := range found {
		l.problems = append(l.problems, prefix+problem)
	}
	return len(found) == 0
}

// report makes every problem one line, once, without the values of secrets. The
// texts of validators and of parsing errors are not all written here.
func (l *loader) report(all []setting) []string {
	var hide []string
	for _, s := range all {
		if value := l.values[s.name]; s.secret && len(value) > 3 {
			quoted := fmt.Sprintf("%q", value)
			hide = append(hide, value, "[secret]", quoted[1:len(quoted)-1], "[secret]")
		}
	}
	hide = append(hide, "\r", " ", "\n", " ")
	scrub := strings.NewReplacer(hide...)

	var report []string
	for _, problem := range l.problems {
		if line := scrub.Replace(problem); !slices.Contains(report, line) {
			report = append(report, line)
		}
	}
	return report
}

// parse has the library parse one setting, by way of a struct that has only
// this field: its errors name the field but not the variable.
func (s setting) parse(values map[string]string) error {
	field := s.field
	field.Anonymous = false
	single := reflect.New(reflect.StructOf([]reflect.StructField{field}))
	single.Elem().Field(0).Set(s.value)
	err := env.ParseWithOptions(single.Interface(), env.Options{
		Environment: values,
		Prefix:      s.prefix,
		FuncMap:     map[reflect.Type]env.ParserFunc{reflect.TypeFor[[]byte](): rawBytes},
	})
	if err != nil {
		return err
	}
	s.value.Set(single.Elem().Field(0))
	return nil
}

func rawBytes(v string) (any, error) { return []byte(v), nil }

func (s setting) missing() string {
	name := s.name
	if s.secret {
		name += " (or " + s.name + fileSuffix + ")"
	}
	if s.doc == "" {
		return name + " is required"
	}
	return name + " is required: " + s.doc
}

func (s setting) malformed(value string, err error) string {
	if value == "" {
		value = s.fallback
	}
	want := expected(s.field.Type)
	parse, parsed := errors.AsType[env.ParseError](err)
	switch {
	case s.secret && want != "":
		return fmt.Sprintf("%s is not %s", s.name, want)
	case s.secret:
		return s.name + " has a value that cannot be used"
	case !parsed:
		return fmt.Sprintf("%s: %v", s.name, err)
	case errors.Is(parse.Err, strconv.ErrRange):
		return fmt.Sprintf("%s: %q is out of range", s.name, value)
	case want != "":
		return fmt.Sprintf("%s: %q is not %s", s.name, value, want)
	default:
		return fmt.Sprintf("%s: %v", s.name, parse.Err)
	}
}
