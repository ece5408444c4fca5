package claims

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	t.Parallel()
	r, err := Parse(` {
		"userinfo": {"given_name": {"essential": true}, "nickname": null, "picture": {}, "http://example.info/x": {"essential": false}},
		"id_token": {"acr": {"essential": true, "values": ["b", "c", 7, ""], "value": "a"}, "sub": {"value": "s"}, "auth_time": {"essential": true}},
		"extension": [1, {"deep": true}]
	} `)
	require.NoError(t, err)
	assert.True(t, r.UserInfo["given_name"].Essential)
	for _, name := range []string{"nickname", "picture", "http://example.info/x"} {
		assert.Contains(t, r.UserInfo, name)
		assert.Empty(t, r.UserInfo[name].Texts())
	}
	assert.Nil(t, r.UserInfo["nickname"])
	assert.Equal(t, []string{"a", "b", "c"}, r.IDToken["acr"].Texts())
	assert.Equal(t, []string{"s"}, r.IDToken["sub"].Texts())

	for _, empty := range []string{"", "{}", `{"userinfo": null}`} {
		r, err := Parse(empty)
		require.NoError(t, err, empty)
		assert.Empty(t, r, empty)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"no JSON":            "sub",
		"a number":           "1",
		"null":               "null",
		"a list":             "[]",
		"a string":           `"{}"`,
		"cut off":            `{"userinfo": {`,
		"two":                "{} {}",
		"trailing":           "{},",
		"repeated":           `{"userinfo": {}, "userinfo": {}}`,
		"repeated inside":    `{"id_token": {"sub": {"value": "a", "value": "b"}}}`,
		"userinfo list":      `{"userinfo": ["email"]}`,
		"userinfo text":      `{"userinfo": "email"}`,
		"claim true":         `{"userinfo": {"email": true}}`,
		"claim text":         `{"userinfo": {"email": "x"}}`,
		"essential text":     `{"userinfo": {"email": {"essential": "true"}}}`,
		"essential number":   `{"userinfo": {"email": {"essential": 1}}}`,
		"values text":        `{"id_token": {"acr": {"values": "a"}}}`,
		"too deep":           `{"id_token": {"x": {"value": ` + strings.Repeat("[", 8) + strings.Repeat("]", 8) + `}}}`,
		"too large":          `{"x": "` + strings.Repeat("x", MaxSize) + `"}`,
		"control characters": "{\"user\ninfo\": {}}",
	} {
		_, err := Parse(text)
		require.ErrorIs(t, err, ErrRequest, name)
	}
	r, err := Parse(`{"UserInfo": {"email": null}, "id_token": {"acr": {"Essential": true}}}`)
	require.NoError(t, err)
	assert.Empty(t, r.UserInfo, "another case is another name")
	assert.False(t, r.IDToken["acr"].Essential)
	_, err = Parse(`{"id_token": {"x": {"value": "` + strings.Repeat("{[", 9) + `\"{"}}}`)
	require.NoError(t, err, "brackets in text are text")
}

func FuzzParse(f *testing.F) {
	f.Add(`{"userinfo": {"email": {"essential": true}}, "id_token": {"acr": {"values": ["a"]}}}`)
	f.Add(`{"id_token": {"sub": {"value": "x\"]}"}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := Parse(text)
		if err != nil && len(r.IDToken)+len(r.UserInfo) > 0 {
			t.Fatal("an error, and a request")
		}
		for _, c := range r.IDToken {
			_ = c.Texts()
		}
	})
}
