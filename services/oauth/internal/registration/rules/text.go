package rules

import (
	"net/mail"
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxText bounds a text, in bytes, unless its field says otherwise.
	maxText = 2048
	// maxItems bounds a list.
	maxItems = 50
	// maxName bounds a client's name, in characters, maxLabel what describes its
	// software or reaches its makers, in bytes.
	maxName  = 100
	maxLabel = 255
	// maxShown bounds how much of a wrong value is shown, in characters.
	maxShown = 100
)

// texts looks at every text of the metadata, alone and in lists: what is wrong
// with the form of one keeps its field from being looked at further.
func (k *check) texts() {
	value := reflect.ValueOf(k.c.Metadata)
	for i := range value.NumField() {
		name, _, _ := strings.Cut(value.Type().Field(i).Tag.Get("json"), ",")
		switch field := value.Field(i).Interface().(type) {
		case string:
			k.text(name, field)
		case []string:
			if len(field) > maxItems {
				k.add(name, "validation.client_too_many", "Max", maxItems)
				continue
			}
			for _, item := range field {
				if item == "" {
					k.add(name, "validation.client_empty_item")
				}
				k.text(name, item)
			}
		}
	}
}

func (k *check) text(name, text string) {
	switch {
	case len(text) > maxText:
		k.add(name, "validation.max_length", "Max", maxText)
	case !utf8.ValidString(text):
		k.add(name, "validation.utf8")
	case strings.ContainsFunc(text, unfit):
		k.add(name, "validation.control_characters")
	}
}

// unfit are control characters, line breaks, and those that turn the direction
// of the text around them: with these a name can look like another one.
func unfit(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp) ||
		r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}

func (k *check) name() {
	switch {
	case !k.fine("client_name"):
	case k.c.Name == "":
		k.add("client_name", "validation.required")
	case utf8.RuneCountInString(k.c.Name) > maxName:
		k.add("client_name", "validation.max_length", "Max", maxName)
	}
	for name, label := range map[string]string{"software_id": k.c.SoftwareID, "software_version": k.c.SoftwareBuild} {
		if len(label) > maxLabel {
			k.add(name, "validation.max_length", "Max", maxLabel)
		}
	}
	if !k.fine("contacts") {
		return
	}
	for _, contact := range k.c.Contacts {
		if a, err := mail.ParseAddress(contact); err != nil || a.Address != contact || len(contact) > maxLabel {
			k.add("contacts", "validation.client_contact", "Value", shown(contact))
		}
	}
}

// shown is a wrong value as an error repeats it.
func shown(value string) string {
	runes := []rune(strings.ToValidUTF8(value, "?"))
	if len(runes) > maxShown {
		return string(runes[:maxShown]) + "…"
	}
	return string(runes)
}

// oneOf demands a value that is in the list, if there is a value.
func (k *check) oneOf(field, value string, list ...string) {
	if value == "" {
		return
	}
	k.allOf(field, []string{value}, list)
}

// allOf demands that all values are in the list.
func (k *check) allOf(field string, values, list []string) {
	if !k.fine(field) {
		return
	}
	for _, value := range values {
		if !contains(list, value) {
			k.add(field, "validation.client_unknown", "Value", shown(value), "Values", strings.Join(list, ", "))
		}
	}
}
