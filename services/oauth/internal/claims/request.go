// Package claims says what relying parties may learn of a user: which claims a
// scope stands for (OpenID Connect Core 1.0 section 5.4), which a client asks
// for one by one (section 5.5), and what their values are.
package claims

import (
	"bytes"
	"errors"
	"io"

	"github.com/go-jose/go-jose/v4/json" // tells case apart and refuses members that are repeated
)

const (
	// MaxSize bounds a claims parameter, in bytes.
	MaxSize = 4 << 10
	// maxDepth bounds how deep it nests. A value may be an address, which is an
	// object.
	maxDepth = 8
)

// ErrRequest says that a claims parameter is not what the specification asks for.
var ErrRequest = errors.New("claims: not a claims request")

// Request is a claims parameter. Members that are not known are left out, as
// section 5.5 wants it.
type Request struct {
	UserInfo map[string]*Claim `json:"userinfo"`
	IDToken  map[string]*Claim `json:"id_token"`
}

// Claim is how a claim is asked for (section 5.5.1); nil: by its name alone.
type Claim struct {
	Essential bool  `json:"essential"`
	Value     any   `json:"value"`
	Values    []any `json:"values"`
}

// Texts are the values that are asked for, in their order, as far as they are
// text. It may be called on nil.
func (c *Claim) Texts() []string {
	if c == nil {
		return nil
	}
	var texts []string
	for _, v := range append([]any{c.Value}, c.Values...) {
		if s, ok := v.(string); ok && s != "" {
			texts = append(texts, s)
		}
	}
	return texts
}

// Parse reads a claims parameter, strictly; "" asks for nothing. The error is
// [ErrRequest].
func Parse(text string) (Request, error) {
	var r Request
	if text == "" {
		return r, nil
	}
	if len(text) > MaxSize || !shallow(text) || !bytes.HasPrefix(bytes.TrimSpace([]byte(text)), []byte("{")) {
		return Request{}, ErrRequest
	}
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.SetNumberType(json.UnmarshalJSONNumber)
	if err := decoder.Decode(&r); err != nil {
		return Request{}, ErrRequest
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Request{}, ErrRequest
	}
	return r, nil
}

// shallow tells whether the text nests no deeper than it may.
func shallow(text string) bool {
	depth, quoted, escaped := 0, false, false
	for _, b := range []byte(text) {
		switch {
		case escaped:
			escaped = false
		case quoted:
			escaped, quoted = b == '\\', b != '"'
		case b == '"':
			quoted = true
		case b == '{' || b == '[':
			depth++
		case b == '}' || b == ']':
			depth--
		}
		if depth > maxDepth {
			return false
		}
	}
	return true
}
