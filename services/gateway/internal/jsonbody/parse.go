package jsonbody

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxDepth bounds how deep values may be nested.
const maxDepth = 32

// parse splits one object into its fields. It refuses what encoding/json lets
// pass: keys that come twice, on any level, of which readers would disagree
// which one counts (RFC 8259 section 4); depth without end; anything after the
// object.
func parse(text []byte) (map[string]json.RawMessage, error) {
	if err := checkStructure(text); err != nil {
		return nil, err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, fmt.Errorf("the body is not an object: %w", err)
	}
	if fields == nil {
		return nil, errors.New("the body is null")
	}
	return fields, nil
}

// level is an object or a list whose end has not come yet.
type level struct {
	keys  map[string]bool // nil in a list
	isKey bool            // the next token is a key
}

// checkStructure reads the tokens once.
func checkStructure(text []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var open []*level
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return nil // json.Unmarshal finds out whether it came too early
		}
		if err != nil {
			return fmt.Errorf("the body is not JSON: %w", err)
		}
		switch delim, _ := token.(json.Delim); delim {
		case '{', '[':
			if err := enter(&open, delim); err != nil {
				return err
			}
			continue
		case '}', ']':
			open = open[:len(open)-1]
		default:
			if err := note(open, token); err != nil {
				return err
			}
			continue
		}
		valueEnded(open)
	}
}

func enter(open *[]*level, delim json.Delim) error {
	if len(*open) == maxDepth {
		return fmt.Errorf("the body is nested deeper than %d levels", maxDepth)
	}
	l := &level{}
	if delim == '{' {
		l.keys, l.isKey = map[string]bool{}, true
	}
	*open = append(*open, l)
	return nil
}

// note takes a key or a plain value.
func note(open []*level, token json.Token) error {
	if len(open) == 0 {
		return nil
	}
	l := open[len(open)-1]
	if !l.isKey {
		valueEnded(open)
		return nil
	}
	key, _ := token.(string)
	if l.keys[key] {
		return errors.New("a key comes twice")
	}
	l.keys[key] = true
	l.isKey = false
	return nil
}

// valueEnded makes the innermost open object expect a key.
func valueEnded(open []*level) {
	if len(open) > 0 {
		l := open[len(open)-1]
		l.isKey = l.keys != nil
	}
}
