// Package envelope is the form of every answer of the JSON API.
package envelope

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // G505: the documented checksum of a body; nothing is proved with it.
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/jonboulle/clockwork"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
)

// Empty is the data of an answer that only says that all went well.
type Empty struct{}

// Meta says which part of a list the data is.
type Meta struct {
	Page     int `json:"page"`
	PerPage  int `json:"per_page"`
	Total    int `json:"total"`
	LastPage int `json:"last_page"` // at least 1
}

// PageOf is the meta of a page of so many items in all.
func PageOf(p api.Page, total int) *Meta {
	return &Meta{Page: p.Number, PerPage: p.Size, Total: total, LastPage: max((total+p.Size-1)/p.Size, 1)}
}

// Writer writes envelopes.
type Writer struct {
	Clock clockwork.Clock // of the timestamps
}

// Success answers with data, and a list with its meta. A GET gets the checksum
// as its strong ETag, and 304 if the client has the same data already (RFC 9110
// section 13.1.2).
func (e Writer) Success(w http.ResponseWriter, r *http.Request, status int, data any, meta *Meta) {
	body, err := marshal(data)
	if err != nil {
		e.Fail(w, r, fmt.Errorf("encoding a %T: %w", data, err))
		return
	}
	hash := Hash(body)
	h := w.Header()
	describe(h, r)
	h.Set("Cache-Control", "no-store")
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		h.Set("Cache-Control", "private, no-cache")
		h.Set("ETag", `"`+hash+`"`)
		if status == http.StatusOK && matches(r.Header.Values("If-None-Match"), hash) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}

	var b bytes.Buffer
	b.Grow(len(body) + 128)
	b.WriteString(`{"success":true,"hash":"`)
	b.WriteString(hash)
	b.WriteString(`","data":`)
	b.Write(body)
	if meta != nil {
		text, _ := marshal(meta) // numbers always encode
		b.WriteString(`,"meta":`)
		b.Write(text)
	}
	b.WriteString(`,"timestamp":`)
	b.WriteString(strconv.FormatInt(e.Clock.Now().UnixMilli(), 10))
	b.WriteString("}\n")
	write(w, status, b.Bytes())
}

type failure struct {
	Success   bool   `json:"success"`
	Error     detail `json:"error"`
	Timestamp int64  `json:"timestamp"`
}

type detail struct {
	Status  int                 `json:"status"`
	Message string              `json:"message"`
	Errors  map[string][]string `json:"errors,omitzero"` // only with 422
	ID      string              `json:"id,omitempty"`    // only with 500: names the entry in the log
}

// Fail answers that something failed. It is an edge.FailFunc.
func (e Writer) Fail(w http.ResponseWriter, r *http.Request, err error) {
	p := edge.Explain(r.Context(), err)
	body, _ := marshal(failure{ // strings and numbers always encode
		Error:     detail{Status: p.Status, Message: p.Message, Errors: p.Errors, ID: p.ID},
		Timestamp: e.Clock.Now().UnixMilli(),
	})
	describe(w.Header(), r)
	p.SetHeaders(w.Header())
	write(w, p.Status, append(body, '\n'))
}

// Hash is the checksum of serialised data: of its bytes, except that an empty
// object counts as an empty list, as the documented API has it.
func Hash(data []byte) string {
	if string(data) == "{}" {
		data = []byte("[]")
	}
	sum := sha1.Sum(data) //nolint:gosec // G401: see the import.
	return hex.EncodeToString(sum[:])
}

// marshal leaves <, > and & as they are: this is never part of a page.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func describe(h http.Header, r *http.Request) {
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Content-Language", edge.Language(r.Context()).Tag())
	h.Add("Vary", "Authorization, Cookie, Content-Language, Accept-Language")
}

func write(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client went away; nothing to tell it
}

// matches tells whether one of the listed tags is ours. If-None-Match compares
// weakly (RFC 9110 section 13.1.2).
func matches(headers []string, hash string) bool {
	for _, header := range headers {
		for tag := range strings.SplitSeq(header, ",") {
			tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/")
			if tag == "*" || tag == `"`+hash+`"` {
				return true
			}
		}
	}
	return false
}

// Conditional tells whether a request is to change only what its client has
// seen.
func Conditional(r *http.Request) bool { return len(r.Header.Values("If-Match")) > 0 }

// Precondition holds a conditional request against what a GET would answer with
// now: an error ready for the edge (412) if the client has seen something else.
// If-Match compares strongly (RFC 9110 section 13.1.1), so a weak tag matches
// nothing.
func Precondition(r *http.Request, current any) error {
	if !Conditional(r) {
		return nil
	}
	body, err := marshal(current)
	if err != nil {
		return fmt.Errorf("encoding a %T: %w", current, err)
	}
	ours := `"` + Hash(body) + `"`
	for _, header := range r.Header.Values("If-Match") {
		for tag := range strings.SplitSeq(header, ",") {
			if tag = strings.TrimSpace(tag); tag == "*" || tag == ours {
				return nil
			}
		}
	}
	return edge.ErrPreconditionFailed()
}

// Bare answers with data alone, for what is no part of the API.
func Bare(w http.ResponseWriter, data any) {
	body, err := marshal(data)
	if err != nil {
		panic(err) // data of ours that has no JSON: a mistake in the code
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	write(w, http.StatusOK, body)
}
