package resource

import (
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestValid(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"https://api.example", "https://api.example/v1?x=y", "urn:example:api", "http://127.0.0.1:8080/"} {
		assert.True(t, Valid(good), good)
	}
	for _, bad := range []string{
		"", "api", "/api", "//api.example", "https:", "https://", "https://api.example/#", "https://api.example/#x", "://", "https://a.example/ https://b.example/", "https://api.example/ü", "%zz:",
		"https://api.example/" + strings.Repeat("x", 500),
	} {
		assert.False(t, Valid(bad), bad)
	}
}

func TestAskedAndNarrowed(t *testing.T) {
	t.Parallel()
	allowed := []string{"https://a.example", "https://b.example", "https://c.example"}
	tests := map[string]struct {
		named          []string
		asked, granted []string
		refused        bool
	}{
		"none":          {nil, nil, allowed, false},
		"empty":         {[]string{""}, nil, allowed, false},
		"one":           {allowed[:1], allowed[:1], allowed[:1], false},
		"two":           {[]string{allowed[2], allowed[0]}, []string{allowed[2], allowed[0]}, []string{allowed[2], allowed[0]}, false},
		"twice":         {[]string{allowed[0], allowed[0]}, allowed[:1], allowed[:1], false},
		"another":       {[]string{"https://d.example"}, nil, nil, true},
		"one of two":    {[]string{allowed[0], "https://d.example"}, nil, nil, true},
		"other case":    {[]string{"https://A.example"}, nil, nil, true},
		"with a slash":  {[]string{"https://a.example/"}, nil, nil, true},
		"with fragment": {[]string{"https://a.example#"}, nil, nil, true},
		"relative":      {[]string{"a.example"}, nil, nil, true},
	}
	for name, test := range tests {
		form := url.Values{Parameter: test.named}
		asked, err := Asked(form, allowed)
		granted, err2 := Narrowed(form, allowed)
		if test.refused {
			require.ErrorIs(t, err, ErrTarget, name)
			require.ErrorIs(t, err2, ErrTarget, name)
			continue
		}
		require.NoError(t, err, name)
		require.NoError(t, err2, name)
		assert.Equal(t, test.asked, asked, name)
		assert.Equal(t, test.granted, granted, name)
	}
	var many []string
	for i := range maxResources + 1 {
		many = append(many, "urn:x:"+strconv.Itoa(i))
	}
	_, err := Asked(url.Values{Parameter: many}, many)
	require.ErrorIs(t, err, ErrTarget)
	_, err = Asked(url.Values{Parameter: many[1:]}, many)
	require.NoError(t, err)
}
