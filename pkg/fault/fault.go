// Package fault is the closed set of ways in which a call can fail.
//
// A fault travels between services intact. It becomes a status and a
// localised message only at the edge, so it names a text of the catalogue
// instead of carrying one. Whatever is not a fault is Internal: its cause goes
// to the log under an id, and the caller learns nothing but that id.
package fault

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"
)

// Kind says what a caller can do about a failure.
type Kind string

// The kinds. Adding one means teaching the edge its status.
const (
	Invalid         Kind = "invalid"         // the input is wrong; Fields says where
	Unauthenticated Kind = "unauthenticated" // nobody, or somebody whose proof is not accepted
	Forbidden       Kind = "forbidden"       // somebody known who may not
	NotFound        Kind = "not_found"       // no such object, or none the caller may know of
	Conflict        Kind = "conflict"        // the object's state forbids it
	Gone            Kind = "gone"            // it was there and has been used up
	Throttled       Kind = "throttled"       // too often; RetryAfter says when again
	Unavailable     Kind = "unavailable"     // something behind us is away; the same call may succeed later
	Internal        Kind = "internal"        // our fault
)

// Kinds lists every kind, for metrics and exhaustive tests.
func Kinds() []Kind {
	return []Kind{
		Invalid, Unauthenticated, Forbidden, NotFound, Conflict, Gone, Throttled, Unavailable, Internal,
	}
}

// Message names a text of the catalogue and the arguments to fill it with.
type Message struct {
	ID   string         `json:"id"`
	Args map[string]any `json:"args,omitempty"`
}

// Fault is one failure. Its exported fields are what other services see.
type Fault struct {
	Kind    Kind    `json:"kind"`
	Message Message `json:"message"`
	// Fields holds the violated rules by input field; only with Invalid.
	Fields map[string][]Message `json:"fields,omitempty"`
	// RetryAfter is how long to wait before the same call makes sense.
	RetryAfter time.Duration `json:"retry_after,omitempty"`
	// ID ties an Internal fault to its entry in the log.
	ID string `json:"id,omitempty"`

	cause error
}

// New makes a fault of the kind with a text of the catalogue; args are key,
// value pairs. An empty messageID stands for the kind's own text.
func New(kind Kind, messageID string, args ...any) *Fault {
	if messageID == "" {
		messageID = "fault." + string(kind)
	}
	return &Fault{Kind: kind, Message: message(messageID, args)}
}

// Because keeps err as the cause. It is logged and unwrapped, never sent.
func (f *Fault) Because(err error) *Fault {
	c := *f
	c.cause = err
	return &c
}

// After says how long the caller should wait.
func (f *Fault) After(d time.Duration) *Fault {
	c := *f
	c.RetryAfter = d
	return &c
}

// Error is for logs; people read the catalogue's text.
func (f *Fault) Error() string {
	var b strings.Builder
	b.WriteString(string(f.Kind))
	b.WriteString(": ")
	b.WriteString(f.Message.ID)
	if len(f.Fields) > 0 {
		b.WriteString(" (")
		b.WriteString(strings.Join(slices.Sorted(maps.Keys(f.Fields)), ", "))
		b.WriteString(")")
	}
	if f.cause != nil {
		b.WriteString(": ")
		b.WriteString(f.cause.Error())
	}
	return b.String()
}

// Unwrap gives the cause, which is nil for a fault that came over the wire.
func (f *Fault) Unwrap() error { return f.cause }

// From makes any error a fault. A deadline or a cancellation is Unavailable,
// an error that is no fault is Internal with a fresh ID; nil stays nil.
func From(err error) *Fault {
	if err == nil {
		return nil
	}
	var f *Fault
	if errors.As(err, &f) {
		if f.Kind == Internal && f.ID == "" {
			c := *f
			c.ID = newID()
			return &c
		}
		return f
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return New(Unavailable, "").Because(err)
	}
	f = New(Internal, "").Because(err)
	f.ID = newID()
	return f
}

// Is tells whether err is, or wraps, a fault of that kind.
func Is(err error, kind Kind) bool {
	var f *Fault
	return errors.As(err, &f) && f.Kind == kind
}

// Violations collects the broken rules of one input, so that all are reported
// together. The zero value is ready for use.
type Violations map[string][]Message

// Add notes that field breaks a rule; the text is a catalogue entry. The
// field's name is always among the arguments, as Field.
func (v *Violations) Add(field, messageID string, args ...any) {
	if *v == nil {
		*v = Violations{}
	}
	m := message(messageID, append([]any{"Field", strings.ReplaceAll(field, "_", " ")}, args...))
	(*v)[field] = append((*v)[field], m)
}

// Err is nil if nothing was added, otherwise one Invalid fault with all of it.
func (v Violations) Err() error {
	if len(v) == 0 {
		return nil
	}
	f := New(Invalid, "")
	f.Fields = v
	return f
}

// Field is an Invalid fault about a single field.
func Field(field, messageID string, args ...any) error {
	var v Violations
	v.Add(field, messageID, args...)
	return v.Err()
}

func message(id string, args []any) Message {
	m := Message{ID: id}
	for i := 0; i+1 < len(args); i += 2 {
		key, ok := args[i].(string)
		if !ok {
			continue
		}
		if m.Args == nil {
			m.Args = map[string]any{}
		}
		m.Args[key] = args[i+1]
	}
	return m
}

func newID() string {
	b := make([]byte, 8)
	_, _ = rand.Read(b) // crypto/rand.Read never fails since Go 1.24
	return hex.EncodeToString(b)
}

// Sent is the fault as a caller in another service gets it: without its cause.
func (f *Fault) Sent() *Fault {
	c := *f
	c.cause = nil
	return &c
}
