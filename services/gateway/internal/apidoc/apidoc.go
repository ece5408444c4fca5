// Package apidoc is the description of the JSON API: an OpenAPI document, which
// the gateway serves as it is and as a page to browse.
//
// The document is written in the parts of the folder openapi, one per subject.
package apidoc

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"go.yaml.in/yaml/v3"
)

//go:embed openapi
var parts embed.FS

// partNames are the parts in the order of the document.
var partNames = []string{
	"openapi", "authentication", "activation", "passwords", "factors", "recovery", "passkeys", "identities", "providers", "sessions", "members",
	"hubs", "clients", "images", "profiles", "audit", "account", "description", "documents", "values", "failures",
}

// JSON is the whole document. It is the same at every call; do not change it.
var JSON = sync.OnceValue(func() []byte {
	document, err := join()
	if err != nil {
		panic(fmt.Errorf("apidoc: %w", err)) // it is embedded: a mistake in the code, which every test finds
	}
	return document
})

// Operations lists what is described, as patterns of http.ServeMux: "GET /v1/auth".
func Operations() []string {
	var document struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal(JSON(), &document); err != nil {
		panic(fmt.Errorf("apidoc: %w", err)) // as above
	}
	var all []string
	for path, operations := range document.Paths {
		for _, method := range methods {
			if operations[method.key] != nil {
				all = append(all, method.name+" "+path)
			}
		}
	}
	slices.Sort(all)
	return all
}

var methods = []struct{ key, name string }{
	{"get", "GET"}, {"post", "POST"}, {"put", "PUT"}, {"patch", "PATCH"}, {"delete", "DELETE"},
}

// join reads the parts and makes one JSON document of them.
func join() ([]byte, error) {
	shared, err := parts.ReadFile("openapi/shared.yaml")
	if err != nil {
		return nil, err
	}
	whole := &object{}
	for _, name := range partNames {
		text, err := parts.ReadFile("openapi/" + name + ".yaml")
		if err != nil {
			return nil, err
		}
		var part yaml.Node
		if err := yaml.Unmarshal(slices.Concat(shared, text), &part); err != nil {
			return nil, fmt.Errorf("%s.yaml: %w", name, err)
		}
		value, err := convert(&part)
		if err != nil {
			return nil, fmt.Errorf("%s.yaml: %w", name, err)
		}
		if err := whole.join(value, 2); err != nil {
			return nil, fmt.Errorf("%s.yaml: %w", name, err)
		}
	}
	whole.remove("x-shared")
	return json.Marshal(whole)
}

// object is a JSON object that keeps the order of its keys, which is the order
// in which the page shows them.
type object struct {
	keys   []string
	values map[string]any
}

// set adds a key, or gives it another value.
func (o *object) set(key string, value any) {
	if _, ok := o.values[key]; !ok {
		o.keys = append(o.keys, key)
	}
	if o.values == nil {
		o.values = map[string]any{}
	}
	o.values[key] = value
}

func (o *object) remove(key string) {
	o.keys = slices.DeleteFunc(o.keys, func(k string) bool { return k == key })
	delete(o.values, key)
}

// join adds the keys of a part. Down to the depth, objects that both have are
// joined in turn; nothing else may be there twice.
func (o *object) join(value any, depth int) error {
	part, ok := value.(*object)
	if !ok {
		return errors.New("it is no object")
	}
	for _, key := range part.keys {
		if key == "x-shared" {
			continue
		}
		existing, twice := o.values[key]
		if !twice {
			o.set(key, part.values[key])
			continue
		}
		inner, ok := existing.(*object)
		if !ok || depth == 0 {
			return fmt.Errorf("%q is there twice", key)
		}
		if err := inner.join(part.values[key], depth-1); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return nil
}

// MarshalJSON implements json.Marshaler.
func (o *object) MarshalJSON() ([]byte, error) {
	text := []byte{'{'}
	for i, key := range o.keys {
		if i > 0 {
			text = append(text, ',')
		}
		name, err := json.Marshal(key)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(o.values[key])
		if err != nil {
			return nil, err
		}
		text = append(append(append(text, name...), ':'), value...)
	}
	return append(text, '}'), nil
}

// convert makes a value for encoding/json of a YAML node.
func convert(n *yaml.Node) (any, error) {
	switch n.Kind {
	case yaml.DocumentNode:
		return convert(n.Content[0])
	case yaml.AliasNode:
		return convert(n.Alias)
	case yaml.MappingNode:
		return convertMapping(n)
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, item := range n.Content {
			value, err := convert(item)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		return list, nil
	}
	if n.Tag == "!!timestamp" { // in JSON a text
		return n.Value, nil
	}
	var value any
	err := n.Decode(&value)
	return value, err
}

// mergeKey takes over the keys of another mapping, or of several.
const mergeKey = "!!merge"

func convertMapping(n *yaml.Node) (any, error) {
	o, own := &object{}, map[string]bool{}
	for i := 0; i < len(n.Content); i += 2 {
		key := n.Content[i]
		value, err := convert(n.Content[i+1])
		if err != nil {
			return nil, err
		}
		if key.Tag == mergeKey {
			if err := o.merge(value); err != nil {
				return nil, fmt.Errorf("line %d: %w", key.Line, err)
			}
			continue
		}
		if own[key.Value] {
			return nil, fmt.Errorf("line %d: %q is there twice", key.Line, key.Value)
		}
		own[key.Value] = true
		o.set(key.Value, value)
	}
	return o, nil
}

// merge takes over keys; the ones that are written out come later and win.
func (o *object) merge(value any) error {
	others, ok := value.([]any)
	if !ok {
		others = []any{value}
	}
	for _, other := range others {
		merged, ok := other.(*object)
		if !ok {
			return errors.New("what is merged is no object")
		}
		for _, key := range merged.keys {
			o.set(key, merged.values[key])
		}
	}
	return nil
}
