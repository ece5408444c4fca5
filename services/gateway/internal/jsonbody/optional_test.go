package jsonbody_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/jsonbody"
)

func TestOptionalFields(t *testing.T) {
	t.Parallel()
	type object = jsonbody.Object
	noon := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	str := func(o *object) any { return deref(o.StringPtr("field")) }
	clearable := func(o *object) any { return deref(o.ClearableString("field")) }
	boolean := func(o *object) any { return deref(o.BoolPtr("field")) }
	integer := func(o *object) any { return deref(o.IntPtr("field")) }
	moment := func(o *object) any {
		if at := o.TimePtr("field"); at != nil {
			return at.UTC()
		}
		return nil
	}
	strs := func(o *object) any {
		if list := o.Strings("field"); list != nil {
			return list
		}
		return nil
	}
	for name, tt := range map[string]struct {
		read func(*object) any
		body string
		want any
		rule string // "": none is broken
	}{
		"text":                   {str, `{"field": "a"}`, "a", ""},
		"text, empty":            {str, `{"field": ""}`, "", ""},
		"text, absent":           {str, `{}`, nil, ""},
		"text, null":             {str, `{"field": null}`, nil, "validation.null"},
		"text, a number":         {str, `{"field": 1}`, "", "validation.string"},
		"text, not UTF-8":        {str, "{\"field\": \"\xff\"}", "", "validation.utf8"},
		"clearable":              {clearable, `{"field": "a"}`, "a", ""},
		"clearable, absent":      {clearable, `{}`, nil, ""},
		"clearable, null":        {clearable, `{"field": null}`, "", ""},
		"boolean":                {boolean, `{"field": false}`, false, ""},
		"boolean, absent":        {boolean, `{}`, nil, ""},
		"boolean, null":          {boolean, `{"field": null}`, nil, "validation.null"},
		"boolean, a text":        {boolean, `{"field": "true"}`, false, "validation.boolean"},
		"integer":                {integer, `{"field": -12}`, -12, ""},
		"integer, zero":          {integer, `{"field": 0}`, 0, ""},
		"integer, absent":        {integer, `{}`, nil, ""},
		"integer, null":          {integer, `{"field": null}`, nil, "validation.null"},
		"integer, a text":        {integer, `{"field": "1"}`, nil, "validation.integer"},
		"integer, a fraction":    {integer, `{"field": 1.0}`, nil, "validation.integer"},
		"integer, an exponent":   {integer, `{"field": 1e3}`, nil, "validation.integer"},
		"integer, beyond bounds": {integer, `{"field": 92233720368547758070}`, nil, "validation.integer"},
		"integer, a truth value": {integer, `{"field": true}`, nil, "validation.integer"},
		"time":                   {moment, `{"field": "2026-01-31T12:00:00Z"}`, noon, ""},
		"time, elsewhere":        {moment, `{"field": "2026-01-31T13:00:00.000+01:00"}`, noon, ""},
		"time, absent":           {moment, `{}`, nil, ""},
		"time, null":             {moment, `{"field": null}`, nil, "validation.null"},
		"time, a day":            {moment, `{"field": "2026-01-31"}`, nil, "validation.time"},
		"time, a number":         {moment, `{"field": 1769860800}`, nil, "validation.time"},
		"texts":                  {strs, `{"field": ["a", "ä"]}`, []string{"a", "ä"}, ""},
		"texts, none":            {strs, `{"field": []}`, []string{}, ""},
		"texts, absent":          {strs, `{}`, nil, ""},
		"texts, null":            {strs, `{"field": null}`, nil, "validation.null"},
		"texts, a text":          {strs, `{"field": "a"}`, nil, "validation.list"},
		"texts, a number in it":  {strs, `{"field": ["a", 1]}`, nil, "validation.string"},
		"texts, null in it":      {strs, `{"field": [null]}`, nil, "validation.string"},
		"texts, half a letter":   {strs, `{"field": ["\ud83d"]}`, nil, "validation.utf8"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, err := read(t, tt.body)
			require.NoError(t, err)
			assert.Equal(t, tt.want, tt.read(o))
			err = o.Err()
			if tt.rule == "" {
				assert.NoError(t, err)
				return
			}
			require.Error(t, err)
			assert.Equal(t, tt.rule, fault.From(err).Fields["field"][0].ID)
		})
	}
}

// deref makes a nil pointer nil, whatever its type.
func deref[T any](p *T) any {
	if p == nil {
		return nil
	}
	return *p
}
