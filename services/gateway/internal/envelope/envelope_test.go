package envelope_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/envelope"
)

func TestPagesOfLists(t *testing.T) {
	t.Parallel()
	for total, last := range map[int]int{0: 1, 1: 1, 25: 1, 26: 2, 50: 2, 51: 3} {
		got := envelope.PageOf(api.Page{Number: 2, Size: 25}, total)
		assert.Equal(t, &envelope.Meta{Page: 2, PerPage: 25, Total: total, LastPage: last}, got)
	}
}

func TestListsHaveMeta(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	writer := envelope.Writer{Clock: clockwork.NewFakeClockAt(time.UnixMilli(454683600000))}
	writer.Success(w, httptest.NewRequest(http.MethodGet, "/", http.NoBody), http.StatusOK, []int{1, 2}, &envelope.Meta{Page: 1, PerPage: 2, Total: 3, LastPage: 2})
	assert.JSONEq(t, `{
		"success": true, "hash": "`+envelope.Hash([]byte("[1,2]"))+`", "data": [1,2],
		"meta": {"page": 1, "per_page": 2, "total": 3, "last_page": 2}, "timestamp": 454683600000
	}`, w.Body.String())
}

func TestPreconditions(t *testing.T) {
	t.Parallel()
	data := map[string]int{"a": 1}
	tag := `"` + envelope.Hash([]byte(`{"a":1}`)) + `"`
	for name, tt := range map[string]struct {
		headers []string
		fails   bool
	}{
		"none":            {nil, false},
		"the same":        {[]string{tag}, false},
		"any":             {[]string{"*"}, false},
		"one of some":     {[]string{`"x", ` + tag}, false},
		"in two lines":    {[]string{`"x"`, tag}, false},
		"another":         {[]string{`"x"`}, true},
		"weak":            {[]string{"W/" + tag}, true},
		"without quotes":  {[]string{tag[1 : len(tag)-1]}, true},
		"empty":           {[]string{""}, true},
		"weak and strong": {[]string{"W/" + tag + "," + tag}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodPut, "/", http.NoBody)
			r.Header["If-Match"] = tt.headers
			err := envelope.Precondition(r, data)
			if !tt.fails {
				assert.NoError(t, err)
				return
			}
			assert.Equal(t, http.StatusPreconditionFailed, edge.Explain(t.Context(), err).Status)
		})
	}
}
