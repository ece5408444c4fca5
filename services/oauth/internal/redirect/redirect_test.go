package redirect

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ confidential, public error }{
		"https://app.example/cb":                      {},
		"https://app.example":                         {},
		"https://app.example:8443/cb?x=y":             {},
		"http://localhost:3000/cb":                    {},
		"http://127.0.0.1/cb":                         {},
		"http://[::1]:80/cb":                          {},
		"com.example.app:/cb":                         {ErrScheme, nil},
		"com.example.app://cb":                        {ErrScheme, nil},
		"http://app.example/cb":                       {ErrScheme, ErrScheme},
		"http://127.0.0.2/cb":                         {ErrScheme, ErrScheme},
		"http://localhost.evil.example/cb":            {ErrScheme, ErrScheme},
		"http://localhost@evil.example/cb":            {ErrMalformed, ErrMalformed},
		"https://app.example/cb#":                     {ErrMalformed, ErrMalformed},
		"https://app.example/cb#x":                    {ErrMalformed, ErrMalformed},
		"https://*.app.example/cb":                    {ErrCharacter, ErrCharacter},
		"https://app.example/*":                       {ErrCharacter, ErrCharacter},
		"https://app.example/c b":                     {ErrCharacter, ErrCharacter},
		"https://app.example\\@evil/cb":               {ErrCharacter, ErrCharacter},
		"https://äpp.example/cb":                      {ErrCharacter, ErrCharacter},
		"https://app.example/cb\n":                    {ErrCharacter, ErrCharacter},
		"https:///cb":                                 {ErrMalformed, ErrMalformed},
		"https:app.example":                           {ErrMalformed, ErrMalformed},
		"//app.example/cb":                            {ErrMalformed, ErrMalformed},
		"/cb":                                         {ErrMalformed, ErrMalformed},
		"":                                            {ErrMalformed, ErrMalformed},
		"javascript:alert(1)":                         {ErrMalformed, ErrMalformed},
		"javascript:/alert(1)":                        {ErrScheme, ErrScheme},
		"data:/text":                                  {ErrScheme, ErrScheme},
		"myapp:/cb":                                   {ErrScheme, ErrScheme},
		"ftp://app.example/":                          {ErrScheme, ErrScheme},
		"https://a/" + strings.Repeat("x", MaxLength): {ErrTooLong, ErrTooLong},
	}
	for uri, want := range tests {
		assert.Equal(t, want.confidential, Check(uri, false), uri)
		assert.Equal(t, want.public, Check(uri, true), uri)
	}
}

func TestMatchWithoutARequestedURI(t *testing.T) {
	t.Parallel()
	got, ok := Match([]string{"https://a/"}, "")
	assert.True(t, ok)
	assert.Equal(t, "https://a/", got)
	for _, registered := range [][]string{nil, {"https://a/", "https://b/"}} {
		_, ok := Match(registered, "")
		assert.False(t, ok)
	}
	_, ok = Match([]string{"https://a/"}, "https://a/"+strings.Repeat("x", MaxLength))
	assert.False(t, ok)
}

func TestWithKeepsWhatIsRegistered(t *testing.T) {
	t.Parallel()
	v := url.Values{"code": {"a b"}}
	assert.Equal(t, "https://a/cb?code=a+b", With("https://a/cb", v))
	assert.Equal(t, "https://a/cb?z=%7E&a=1&code=a+b", With("https://a/cb?z=%7E&a=1", v))
	assert.Equal(t, "com.example.app:/cb?code=a+b", With("com.example.app:/cb", v))
}

func TestOrigin(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "https://a.example:8443", Origin("https://a.example:8443/cb?x"))
	assert.Equal(t, "com.example.app:", Origin("com.example.app:/cb"))
}
