package portal

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
)

// form is a form with one button.
type form struct {
	// ID is for buttons outside of the form that send it, too; empty: none.
	ID     string
	Action string
	Submit string
	// Second tells that it is not what most people want.
	Second bool
	Hidden []hidden
	Fields []field
}

// hidden is an input that nobody sees.
type hidden struct{ Name, Value string }

// field is one input with its label.
type field struct {
	Name  string
	Label string
	// Called is what messages call the field; empty: what the catalogue calls it
	// (field.*).
	Called string
	Hint   string
	// Type is the input's type; empty: text.
	Type         string
	Autocomplete string
	// Inputmode is the keyboard to show; empty: the type's.
	Inputmode string
	Value     string // never a password's
	// Autofocus puts the cursor there, on a page with one thing to do.
	Autofocus bool
	// Identifier tells the keyboard not to improve what is typed.
	Identifier bool
	// Capitals tells it to show capital letters.
	Capitals bool
	Optional bool
	ReadOnly bool
	Checked  bool // of a checkbox
	// Lines is how many lines to show of a text that may have several; 0: it has one.
	Lines int
	// Link leads to what a checkbox is about.
	Link *link
	// Errors are the rules that the value breaks; ErrorPrefix stands before each
	// for those who do not see the colour.
	Errors      []string
	ErrorPrefix string
}

type link struct{ Path, Text string }

// InputType is the type attribute.
func (f field) InputType() string { return cmp.Or(f.Type, "text") }

// Checkbox tells whether the field is one.
func (f field) Checkbox() bool { return f.Type == "checkbox" }

// DescribedBy are the ids of what explains the input.
func (f field) DescribedBy() string {
	var ids []string
	if f.Hint != "" {
		ids = append(ids, f.Name+"-hint")
	}
	if len(f.Errors) > 0 {
		ids = append(ids, f.Name+"-error")
	}
	return strings.Join(ids, " ")
}

// problem is a line of the error summary. Field is empty if no input is to
// blame.
type problem struct{ Field, Text string }

// problemStatuses are the failures that are the form's own: it is shown again,
// as it was filled in, and says what is wrong.
var problemStatuses = map[fault.Kind]int{
	fault.Invalid: http.StatusUnprocessableEntity,
	// Not 401, which would have to name an authentication scheme of HTTP.
	fault.Unauthenticated: http.StatusUnprocessableEntity,
	fault.Throttled:       http.StatusTooManyRequests,
}

// again shows a page whose form was refused; any other failure it gives back.
func (v *visit) again(err error, name string, p page) error {
	f := fault.From(err)
	status, ok := problemStatuses[f.Kind]
	if !ok {
		return err
	}
	if f.Kind == fault.Throttled {
		setRetryAfter(v.w.Header(), edge.Explain(v.r.Context(), err).RetryAfter)
	}
	p.Problems = v.blame(p.Form, f)
	if f.Kind == fault.Throttled && f.RetryAfter > 0 {
		wait := problem{Text: v.text("page.wait", "When", v.soon(f.RetryAfter))}
		if f.Message.ID == "fault.throttled" { // says the same, with less in it
			p.Problems = nil
		}
		p.Problems = append(p.Problems, wait)
	}
	if p.Form != nil {
		for i := range p.Form.Fields {
			p.Form.Fields[i].Autofocus = false // the summary of the problems has it
		}
	}
	return v.show(status, name, p)
}

// soon is when a wait is over, in words. A minute that has begun counts as one.
func (v *visit) soon(wait time.Duration) string {
	if wait > time.Minute {
		wait = (wait + time.Minute - 1).Truncate(time.Minute)
	}
	now := v.portal.deps.Clock.Now()
	return v.portal.deps.Texts.Relative(v.lang, now.Add(max(wait, time.Second)), now)
}

// blame writes the broken rules to the fields they are about and sums them up,
// in the order of the fields. There may be no form.
func (v *visit) blame(form *form, f *fault.Fault) []problem {
	if form == nil || len(f.Fields) == 0 {
		return []problem{{Text: v.message(f.Message, field{})}}
	}
	var problems []problem
	rest := maps.Clone(f.Fields)
	for i := range form.Fields {
		field := &form.Fields[i]
		for _, m := range rest[field.Name] {
			text := v.message(m, *field)
			field.Errors = append(field.Errors, text)
			problems = append(problems, problem{field.Name, text})
		}
		field.ErrorPrefix = v.text("page.error_prefix")
		delete(rest, field.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(rest)) {
		for _, m := range rest[name] {
			problems = append(problems, problem{Text: v.message(m, field{})})
		}
	}
	return problems
}

// message is the text of a message about a field.
func (v *visit) message(m fault.Message, f field) string {
	if f.Called == "" {
		return v.portal.deps.Texts.Text(v.lang, m.ID, m.Args)
	}
	args := map[string]any{}
	maps.Copy(args, m.Args)
	args["Field"] = f.Called
	return v.portal.deps.Texts.Text(v.lang, m.ID, args)
}

// says tells whether an error is a fault with that message.
func says(err error, id string) bool { return err != nil && fault.From(err).Message.ID == id }
