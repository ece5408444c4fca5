package i18n_test

import (
	"encoding/json"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/i18n"
)

func catalogue(tb testing.TB) *i18n.Catalogue {
	tb.Helper()
	c, err := i18n.New()
	require.NoError(tb, err)
	return c
}

func TestText(t *testing.T) {
	t.Parallel()
	c := catalogue(t)
	tests := map[string]struct {
		id              string
		args            map[string]any
		english, german string
	}{
		"plain": {
			"fault.invalid", nil,
			"The given data was invalid.", "Die angegebenen Daten sind ungültig.",
		},
		"with a field": {
			"validation.required", map[string]any{"Field": "email"},
			"The email field is required.", "Das Feld „E-Mail-Adresse“ muss ausgefüllt werden.",
		},
		"with a field of two words": {
			"validation.required", map[string]any{"Field": "first name"},
			"The first name field is required.", "Das Feld „Vorname“ muss ausgefüllt werden.",
		},
		"with a field that has no name of its own": {
			"validation.required", map[string]any{"Field": "session limit"},
			"The session limit field is required.", "Das Feld „session limit“ muss ausgefüllt werden.",
		},
		"plural": {
			"validation.max_length", map[string]any{"Field": "name", "Max": 1000},
			"The name field may not be longer than 1000 characters.", "Das Feld „Name“ darf nicht länger als 1000 Zeichen sein.",
		},
		"singular": {
			"validation.min_length", map[string]any{"Field": "name", "Min": 1},
			"The name field must have at least 1 character.", "Das Feld „Name“ muss mindestens 1 Zeichen lang sein.",
		},
		"unknown id":          {"fault.nonsense", nil, "fault.nonsense", "fault.nonsense"},
		"empty id":            {"", nil, "", ""},
		"an argument missing": {"validation.required", nil, "validation.required", "validation.required"},
		"an argument too many": {
			"fault.gone", map[string]any{"Field": "email", "Nonsense": 1},
			"This is no longer available.", "Das ist nicht mehr verfügbar.",
		},
		"an argument is text, not a template": {
			"validation.one_of", map[string]any{"Field": "{{.Values}}", "Values": "<b>"},
			"The {{.Values}} field must be one of: <b>.", "Das Feld „{{.Values}}“ muss einen dieser Werte haben: <b>.",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tt.english, c.Text(i18n.English, tt.id, tt.args))
			assert.Equal(t, tt.german, c.Text(i18n.German, tt.id, tt.args))
			assert.Equal(t, tt.english, c.Text(i18n.Language(7), tt.id, tt.args), "no such language")
		})
	}
}

// Arguments cross services as JSON and come back as floats.
func TestTextOfArgumentsFromTheWire(t *testing.T) {
	t.Parallel()
	c := catalogue(t)
	wire, err := json.Marshal(fault.Message{
		ID: "validation.max_length", Args: map[string]any{"Field": "name", "Max": 5_000_000},
	})
	require.NoError(t, err)
	var m fault.Message
	require.NoError(t, json.Unmarshal(wire, &m))

	assert.Equal(t, "The name field may not be longer than 5000000 characters.", c.Text(i18n.English, m.ID, m.Args))
	assert.Equal(t, map[string]any{"Field": "name", "Max": 5e6}, m.Args, "the caller's arguments are left alone")

	m.Args["Max"] = 1.0
	assert.Equal(t, "The name field may not be longer than 1 character.", c.Text(i18n.English, m.ID, m.Args))
}

func TestEveryKindOfFaultHasAText(t *testing.T) {
	t.Parallel()
	c := catalogue(t)
	for _, kind := range fault.Kinds() {
		id := fault.New(kind, "").Message.ID
		assert.True(t, c.Has(id), "no text %s", id)
	}
	assert.False(t, c.Has("fault.nonsense"))
}

func TestCatalogueIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	c := catalogue(t)
	args := map[string]any{"Field": "email", "Max": 3.0}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for _, l := range i18n.Languages() {
				assert.NotEmpty(t, c.Text(l, "validation.max_length", args))
				assert.NotEmpty(t, c.Relative(l, now, now))
				assert.Equal(t, l, c.Match(l.Tag()))
			}
		})
	}
	wg.Wait()
}

func BenchmarkText(b *testing.B) {
	c := catalogue(b)
	args := map[string]any{"Field": "first name", "Max": 1000}
	b.ReportAllocs()
	for b.Loop() {
		c.Text(i18n.German, "validation.max_length", args)
	}
}

func BenchmarkMatch(b *testing.B) {
	c := catalogue(b)
	b.ReportAllocs()
	for b.Loop() {
		c.Match("", "de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7")
	}
}
