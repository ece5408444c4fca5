package registration

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"
)

// maxDepth bounds how deep a value is nested.
const maxDepth = 16

// distinct tells whether text is one JSON value, in UTF-8, in which no object has
// a name twice: readers differ in which of the two counts.
func distinct(text []byte) bool {
	if !utf8.Valid(text) {
		return false
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	if !distinctValue(decoder, maxDepth) {
		return false
	}
	_, err := decoder.Token()
	return errors.Is(err, io.EOF)
}

func distinctValue(decoder *json.Decoder, depth int) bool {
	token, err := decoder.Token()
	if err != nil || depth == 0 {
		return false
	}
	switch token {
	case json.Delim('{'):
		return distinctObject(decoder, depth-1)
	case json.Delim('['):
		for decoder.More() {
			if !distinctValue(decoder, depth-1) {
				return false
			}
		}
		_, err := decoder.Token()
		return err == nil
	}
	return true
}

func distinctObject(decoder *json.Decoder, depth int) bool {
	names := map[any]bool{}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil || names[name] || !distinctValue(decoder, depth) {
			return false
		}
		names[name] = true
	}
	_, err := decoder.Token()
	return err == nil
}
