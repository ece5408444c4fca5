package jsonbody_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/jsonbody"
)

func read(tb testing.TB, body string) (*jsonbody.Object, error) {
	tb.Helper()
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return jsonbody.Read(r)
}

func TestStrings(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]struct {
		value string
		rule  string // "": none is broken
	}{
		`"plain"`:              {"plain", ""},
		`"Hoeneß 日本 😀"`:        {"Hoeneß 日本 😀", ""},
		`"\u00e4\ud83d\ude00"`: {"ä😀", ""},
		`"\\ud83d"`:            {`\ud83d`, ""},
		`"\\\ud83d\ude00"`:     {`\😀`, ""},
		`"\"\ud83d\ude00"`:     {`"😀`, ""},
		`"\uFFFD"`:             {"\ufffd", ""},
		`""`:                   {"", ""},
		`null`:                 {"", ""},
		`"\ud83d"`:             {"", "validation.utf8"},
		`"\ud83d\u0041"`:       {"", "validation.utf8"},
		`"\ud83d\n"`:           {"", "validation.utf8"},
		`"\ude00\ud83d"`:       {"", "validation.utf8"},
		`"\uD83Dx"`:            {"", "validation.utf8"},
		"\"\xff\"":             {"", "validation.utf8"},
		"\"\xed\xa0\xbd\"":     {"", "validation.utf8"},
		`1`:                    {"", "validation.string"},
		`true`:                 {"", "validation.string"},
		`["a"]`:                {"", "validation.string"},
		`{"a": "b"}`:           {"", "validation.string"},
	} {
		t.Run(raw, func(t *testing.T) {
			t.Parallel()
			o, err := read(t, `{"field": `+raw+`}`)
			require.NoError(t, err)
			assert.Equal(t, want.value, o.String("field"))
			err = o.Err()
			if want.rule == "" {
				assert.NoError(t, err)
				return
			}
			assert.Equal(t, want.rule, fault.From(err).Fields["field"][0].ID)
		})
	}
}

func TestBools(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string][2]bool{ // with the fallbacks false and true
		"true": {true, true}, "false": {false, false}, "null": {false, true},
	} {
		for i, fallback := range []bool{false, true} {
			o, err := read(t, `{"field": `+raw+`}`)
			require.NoError(t, err)
			assert.Equal(t, want[i], o.Bool("field", fallback), raw)
			require.NoError(t, o.Err())
		}
	}
	for _, raw := range []string{"1", `"true"`, "[]", "{}"} {
		o, err := read(t, `{"field": `+raw+`}`)
		require.NoError(t, err)
		o.Bool("field", false)
		assert.Equal(t, "validation.boolean", fault.From(o.Err()).Fields["field"][0].ID)
	}
}

func TestUnknownFieldsAreNamedWithinBounds(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ä", 5000)
	var many strings.Builder
	for i := range 1000 {
		many.WriteString(`"` + strings.Repeat("x", i+1) + `":1,`)
	}
	o, err := read(t, "{"+many.String()+`"`+long+`":1}`)
	require.NoError(t, err)
	f := fault.From(o.Err())
	assert.LessOrEqual(t, len(f.Fields), 20)
	for name := range f.Fields {
		assert.LessOrEqual(t, utf8.RuneCountInString(name), 64)
	}
}

func TestOneViolationPerFieldIsEnough(t *testing.T) {
	t.Parallel()
	o, err := read(t, `{"a": 1}`)
	require.NoError(t, err)
	o.String("a")
	var v fault.Violations
	v.Add("a", "validation.required") // because it could not be read
	v.Add("b", "validation.required")
	f := fault.From(o.Err(v))
	require.Len(t, f.Fields["a"], 1)
	assert.Equal(t, "validation.string", f.Fields["a"][0].ID)
	assert.Len(t, f.Fields["b"], 1)
}

// What is read is what encoding/json reads, or an error.
func FuzzRead(f *testing.F) {
	for _, body := range []string{
		`{}`, `{"field": "a"}`, `{"field": "\ud83d\ude00"}`, `{"field": "\\ud83d"}`, `{"field":1,"field":2}`, `[[[[`, `{"a":{"b":[1,{"c":null}]}}`,
		"{\"field\": \"\xff\"}", `{"field": "\ud83d"}`, `{"field":{}}{`, `{"field": 1e999}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		o, err := read(t, string(body))
		if err != nil {
			return
		}
		got := o.String("field")
		if o.Err() != nil {
			return
		}
		var want struct{ Field string }
		if err := json.Unmarshal(body, &want); err != nil || want.Field != got || !utf8.ValidString(got) {
			t.Errorf("%q: read %q, encoding/json %q, %v", body, got, want.Field, err)
		}
	})
}
