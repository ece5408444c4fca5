package letter

import (
	"flag"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/i18n"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

const link = "https://id.example.org/activation/8db560a23013ff54838d45e59a3f3f39f6720c86"

func each(t *testing.T, test func(t *testing.T, name mail.Template, language i18n.Language)) {
	t.Helper()
	for _, name := range mail.Templates() {
		for _, language := range i18n.Languages() {
			t.Run(string(name)+"."+language.Tag(), func(t *testing.T) {
				t.Parallel()
				test(t, name, language)
			})
		}
	}
}

func write(t *testing.T, name mail.Template, language i18n.Language, data Data) Letter {
	t.Helper()
	set, err := Load("Pförtner & Co.")
	require.NoError(t, err)
	l, err := set.Write(name, language, data)
	require.NoError(t, err)
	return l
}

func TestLettersReadAsAgreed(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, name mail.Template, language i18n.Language) {
		l := write(t, name, language, Data{URL: link, Hub: "Müller & <Söhne>"})
		golden(t, string(name)+"."+language.Tag()+".txt", "Subject: "+l.Subject+"\n\n"+l.Text)
		golden(t, string(name)+"."+language.Tag()+".html", l.HTML)
	})
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	path := filepath.Join("testdata", file)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), got)
}

// Whoever reads the mail by machine takes the 40 hex at a line's end.
func TestLinkEndsALineOfTheText(t *testing.T) {
	t.Parallel()
	hash := regexp.MustCompile(`(?m)^https://\S+/([0-9a-f]{40})$`)
	each(t, func(t *testing.T, name mail.Template, language i18n.Language) {
		found := hash.FindAllStringSubmatch(write(t, name, language, Data{URL: link}).Text, -1)
		require.Len(t, found, 1)
		assert.Equal(t, "8db560a23013ff54838d45e59a3f3f39f6720c86", found[0][1])
	})
}

func TestTextSaysAllThatTheHTMLSays(t *testing.T) {
	t.Parallel()
	tags := regexp.MustCompile(`(?s)<style>.*</style>|<[^>]*>`)
	each(t, func(t *testing.T, name mail.Template, language i18n.Language) {
		l := write(t, name, language, Data{URL: link, Hub: "Example"})
		shown := flat(html.UnescapeString(tags.ReplaceAllString(l.HTML, " ")))
		for _, paragraph := range strings.Split(strings.Replace(l.Text, "-- \n", "", 1), "\n\n") {
			assert.Contains(t, shown, flat(paragraph))
		}
		assert.Contains(t, l.HTML, `<html lang="`+language.Tag()+`">`)
		assert.Contains(t, l.HTML, `href="`+link+`"`)
	})
}

func TestDataCannotBecomeMarkup(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, name mail.Template, language i18n.Language) {
		data := Data{URL: `https://id.example.org/"><script>alert(1)</script>`, Hub: `</p><img src=x onerror=alert(1)>{{.URL}}`}
		l := write(t, name, language, data)
		assert.NotContains(t, l.HTML, "<script")
		assert.NotContains(t, l.HTML, "<img")
		assert.NotContains(t, l.Subject, "\n")
	})
}

func TestUnknownLetterIsAnError(t *testing.T) {
	t.Parallel()
	set, err := Load("Gatehouse")
	require.NoError(t, err)
	_, err = set.Write("spam", i18n.English, Data{})
	require.Error(t, err)
	_, err = set.Write(mail.Activation, 7, Data{})
	require.Error(t, err)
}

func flat(s string) string { return strings.Join(strings.Fields(s), " ") }
