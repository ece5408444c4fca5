package query_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/query"
)

func read(raw string) *query.Values {
	r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	r.URL = &url.URL{Path: "/", RawQuery: raw}
	return query.Read(r)
}

// asked is what all tests here know.
type asked struct {
	page  api.Page
	text  string
	role  *int
	own   bool
	from  *time.Time
	user  *api.Ref
	error error
}

func ask(raw string) asked {
	q := read(raw)
	a := asked{
		page: q.Page(), text: q.Text("query"), role: q.Int("role", 0, 5), own: q.Bool("own", false), from: q.Time("from"), user: q.Ref("user"),
	}
	a.error = q.Err()
	return a
}

func TestWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	a := ask("")
	require.NoError(t, a.error)
	assert.Equal(t, asked{page: api.Page{Number: 1, Size: 25}}, a)

	a = ask("page=3&per_page=100&query=Hoene%C3%9F+%26&role=0&own=true&from=2026-01-31T12:00:00Z&user=7")
	require.NoError(t, a.error)
	role, from := 0, time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	assert.Equal(t, asked{
		page: api.Page{Number: 3, Size: 100}, text: "Hoeneß &", role: &role, own: true, from: &from, user: &api.Ref{ID: 7},
	}, a)
}

func TestWhatIsWrong(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1001)
	for raw, want := range map[string]map[string]string{
		"page=0":                     {"page": "validation.between"},
		"page=-1":                    {"page": "validation.between"},
		"page=1000001":               {"page": "validation.between"},
		"page=":                      {"page": "validation.integer"},
		"page":                       {"page": "validation.integer"},
		"page=01":                    {"page": "validation.integer"},
		"page=%2B1":                  {"page": "validation.integer"},
		"page=1.0":                   {"page": "validation.integer"},
		"page=99999999999999999999":  {"page": "validation.integer"},
		"page=1&page=2":              {"page": "validation.once"},
		"per_page=101":               {"per_page": "validation.between"},
		"per_page=0":                 {"per_page": "validation.between"},
		"role=6":                     {"role": "validation.between"},
		"own=yes":                    {"own": "validation.boolean"},
		"from=yesterday":             {"from": "validation.time"},
		"user=0":                     {"user": "validation.reference"},
		"user=" + long[:40]:          {"user": "validation.reference"},
		"query=%ff":                  {"query": "validation.utf8"},
		"query=a%00b":                {"query": "validation.control_characters"},
		"query=" + long:              {"query": "validation.max_length"},
		"query=%zz":                  {"query": "validation.query"},
		"a=1;b=2":                    {"query": "validation.query"},
		"nonsense=1&role=6":          {"nonsense": "validation.unknown_field", "role": "validation.between"},
		"Page=1":                     {"Page": "validation.unknown_field"},
		"page%5B%5D=1":               {"page[]": "validation.unknown_field"},
		"%ff=1":                      {"\uFFFD": "validation.unknown_field"},
		"role=6&role=7&page=&own=no": {"role": "validation.once", "page": "validation.integer", "own": "validation.boolean"},
	} {
		t.Run(raw[:min(len(raw), 60)], func(t *testing.T) {
			t.Parallel()
			a := ask(raw)
			require.True(t, fault.Is(a.error, fault.Invalid))
			got := map[string]string{}
			for field, messages := range fault.From(a.error).Fields {
				got[field] = messages[0].ID
			}
			assert.Equal(t, want, got)
		})
	}
}

func TestUnknownParametersAreNamedWithinBounds(t *testing.T) {
	t.Parallel()
	var raw strings.Builder
	for i := range 500 {
		raw.WriteString(strings.Repeat("x", i+1) + "=1&")
	}
	f := fault.From(ask(raw.String()).error)
	assert.LessOrEqual(t, len(f.Fields), 20)
	for _, name := range slices.Collect(maps.Keys(f.Fields)) {
		assert.LessOrEqual(t, len(name), 64)
	}
}

func FuzzQueries(f *testing.F) {
	for _, raw := range []string{"", "page=2", "page=1&page=1", "%zz", "a;b", "query=%00", "%ff=%ff", "user=1", "from=2026-01-31T12:00:00Z"} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		a := ask(raw)
		if a.error != nil {
			if !fault.Is(a.error, fault.Invalid) || len(fault.From(a.error).Fields) == 0 {
				t.Errorf("%q: %v", raw, a.error)
			}
			return
		}
		if a.page.Number < 1 || a.page.Size < 1 || a.page.Size > api.MaxPageSize || a.page.Offset() < 0 {
			t.Errorf("%q: page %+v", raw, a.page)
		}
		if strings.ContainsFunc(a.text, func(r rune) bool { return r < ' ' }) {
			t.Errorf("%q: text %q", raw, a.text)
		}
	})
}
