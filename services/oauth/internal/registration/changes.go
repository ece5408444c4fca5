package registration

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/scope"
)

// Where the fields of a client are, by their names in JSON.
var (
	metadataFields  = fieldsOf(reflect.TypeFor[oauth.Metadata]())
	privilegeFields = fieldsOf(reflect.TypeFor[oauth.Privileges]())
)

func fieldsOf(t reflect.Type) map[string]int {
	fields := map[string]int{}
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		fields[name] = i
	}
	return fields
}

// maxUnknown bounds how many unknown names an error lists.
const maxUnknown = 20

// apply changes the client to what the object says and names what it changed;
// null takes a choice back. The error is Invalid and names what is unknown or of
// another type. Privileges are unknown to whoever may not give them.
func apply(c *client.Client, changes json.RawMessage, privileges bool) ([]string, error) {
	object, err := readObject(changes)
	if err != nil {
		return nil, fault.Field("changes", "validation.object")
	}
	var v fault.Violations
	var changed []string
	for _, name := range slices.Sorted(maps.Keys(object)) {
		target, ok := field(&c.Client, name, privileges)
		if !ok {
			if len(v) < maxUnknown {
				v.Add(shorten(name), "validation.unknown_field")
			}
			continue
		}
		before := target.Interface()
		if err := decodeInto(target, object[name]); err != nil {
			v.Add(name, typeText(target.Kind()))
			continue
		}
		if !reflect.DeepEqual(before, target.Interface()) {
			changed = append(changed, name)
		}
	}
	if _, named := object[authMethod]; named { // with none it is chosen no more
		c.AnySecret = c.AuthMethod == ""
	}
	return changed, v.Err()
}

// authMethod is the name of the method of authentication in JSON.
const authMethod = "token_endpoint_auth_method"

// field finds a field of the client by its name in JSON.
func field(c *oauth.Client, name string, privileges bool) (reflect.Value, bool) {
	if i, ok := metadataFields[name]; ok {
		return reflect.ValueOf(&c.Metadata).Elem().Field(i), true
	}
	if i, ok := privilegeFields[name]; ok && privileges {
		return reflect.ValueOf(&c.Privileges).Elem().Field(i), true
	}
	return reflect.Value{}, false
}

// decodeInto sets the field to a value of its own: what was there may be shared.
func decodeInto(target reflect.Value, raw json.RawMessage) error {
	fresh := reflect.New(target.Type())
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields() // of trusted issuers
	if err := decoder.Decode(fresh.Interface()); err != nil {
		return err
	}
	target.Set(fresh.Elem())
	return nil
}

// typeText says what a field of that kind has to be.
func typeText(kind reflect.Kind) string {
	switch kind {
	case reflect.String:
		return "validation.string"
	case reflect.Bool:
		return "validation.boolean"
	case reflect.Int64, reflect.Pointer:
		return "validation.integer"
	case reflect.Slice:
		return "validation.list"
	default:
		return "validation.object"
	}
}

// shorten keeps an answer from echoing a name at any length.
func shorten(name string) string {
	runes := []rune(name)
	return string(runes[:min(len(runes), 64)])
}

var errObject = errors.New("registration: it is not one JSON object with each name once")

// readObject reads one JSON object, in which no object has a name twice.
func readObject(text []byte) (map[string]json.RawMessage, error) {
	if !distinct(text) {
		return nil, errObject
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(text, &object); err != nil || object == nil {
		return nil, errObject
	}
	return object, nil
}

// privilegesOf names the privileges that are given.
func privilegesOf(p oauth.Privileges) []string {
	var given []string
	value := reflect.ValueOf(p)
	for name, i := range privilegeFields {
		if !value.Field(i).IsZero() {
			given = append(given, name)
		}
	}
	slices.Sort(given)
	return given
}

// changedNames are the names of what differs.
func changedNames(before, after oauth.Metadata) []string {
	var names []string
	old, now := reflect.ValueOf(before), reflect.ValueOf(after)
	for name, i := range metadataFields {
		if !reflect.DeepEqual(old.Field(i).Interface(), now.Field(i).Interface()) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// ReadMetadata reads client metadata as clients send it (RFC 7591 section 2):
// names that mean nothing here are passed over, null is as if it was not there,
// and scope is one text. All members are in the answer, too. The error is Invalid
// and names what is of another type.
func ReadMetadata(text []byte) (oauth.Metadata, map[string]json.RawMessage, error) {
	var c oauth.Client
	object, err := readObject(text)
	if err != nil {
		return c.Metadata, nil, fault.New(fault.Invalid, "fault.malformed")
	}
	var v fault.Violations
	for name, raw := range object {
		target, ok := field(&c, name, false)
		if !ok || name == "scopes" || string(raw) == "null" {
			continue
		}
		if err := decodeInto(target, raw); err != nil {
			v.Add(name, typeText(target.Kind()))
		}
	}
	if raw, ok := object["scope"]; ok && string(raw) != "null" {
		var list string
		if err := json.Unmarshal(raw, &list); err != nil {
			v.Add("scope", "validation.string")
		}
		c.Scopes = scope.Parse(list)
	}
	return c.Metadata, object, v.Err()
}
