package letter

import (
	"flag"
	"fmt"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/i18n"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

const link = "https://id.example.org/activation/8db560a23013ff54838d45e59a3f3f39f6720c86"

// loaded are the letters, parsed once for all tests.
var loaded = sync.OnceValues(func() (*Set, error) { return Load("Pförtner & Co.") })

// each runs the test for every letter, of which security notices are one per
// event.
func each(t *testing.T, test func(t *testing.T, name mail.Template, event mail.Event, language i18n.Language)) {
	t.Helper()
	for _, name := range mail.Templates() {
		for _, event := range events(name) {
			for _, language := range i18n.Languages() {
				t.Run(string(name)+"."+string(event)+"."+language.Tag(), func(t *testing.T) {
					t.Parallel()
					test(t, name, event, language)
				})
			}
		}
	}
}

// full is data with everything that the letter can say.
func full(name mail.Template, event mail.Event) Data {
	var data Data
	switch name {
	case mail.Code:
		data = Data{Code: "493021", Minutes: 10, Address: "203.0.113.7", Device: "Firefox, Windows"}
	case mail.RecoveryCode:
		data = Data{Code: "K7QF-93XD", Hours: 24}
	case mail.RecoveryRequest:
		data = Data{Name: "Olli <Kahn>", Email: "olli@example.com", Hub: "Müller & <Söhne>"}
	case mail.SecurityNotice:
		data = Data{
			Event: event, Time: time.Date(2026, time.March, 4, 17, 5, 6, 0, time.FixedZone("CET", 3600)),
			Address: "203.0.113.7", Device: "Firefox, Windows", Subject: "Müller & <Söhne>",
		}
		if Answerable(event) {
			data.URL = "https://id.example.org/forgot"
		}
		if event == mail.DeletionRequested {
			data.Subject, data.Due = "", data.Time.AddDate(0, 0, 14)
		}
	default:
		data = Data{URL: link, Hub: "Müller & <Söhne>"}
	}
	return data
}

func write(t *testing.T, name mail.Template, language i18n.Language, data Data) Letter {
	t.Helper()
	set, err := loaded()
	require.NoError(t, err)
	l, err := set.Write(name, language, data)
	require.NoError(t, err)
	return l
}

func TestLettersReadAsAgreed(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, name mail.Template, event mail.Event, language i18n.Language) {
		if event != "" && event != mail.NewDevice {
			return // they differ from it in words, which the next test reads
		}
		l := write(t, name, language, full(name, event))
		golden(t, string(name)+"."+language.Tag()+".txt", "Subject: "+l.Subject+"\n\n"+l.Text)
		golden(t, string(name)+"."+language.Tag()+".html", l.HTML)
	})
}

func TestNoticesReadAsAgreed(t *testing.T) {
	t.Parallel()
	for _, language := range i18n.Languages() {
		var all strings.Builder
		for _, event := range mail.Events() {
			with := full(mail.SecurityNotice, event)
			without := Data{Event: event, Time: with.Time}
			for _, data := range []Data{with, without} {
				l := write(t, mail.SecurityNotice, language, data)
				fmt.Fprintf(&all, "Subject: %s\n\n%s\n", l.Subject, l.Text)
			}
		}
		golden(t, "notices."+language.Tag()+".txt", all.String())
	}
}

func TestShortMessagesReadAsAgreed(t *testing.T) {
	t.Parallel()
	set, err := Load("Pförtner")
	require.NoError(t, err)
	for language, want := range map[i18n.Language]string{
		i18n.English: "493021 is your Pförtner code. It works for 10 minutes. Do not pass it on.",
		i18n.German:  "493021 ist Ihr Code für Pförtner. Er gilt 10 Minuten. Geben Sie ihn nicht weiter.",
	} {
		got, err := set.WriteShort(mail.Code, language, Data{Code: "493021", Minutes: 10})
		require.NoError(t, err)
		assert.Equal(t, want, got)
		assert.LessOrEqual(t, len([]rune(got)), 160, "one message")
	}
	_, err = set.WriteShort(mail.Activation, i18n.English, Data{})
	require.Error(t, err)
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
	each(t, func(t *testing.T, name mail.Template, event mail.Event, language i18n.Language) {
		data := full(name, event)
		if data.URL != link {
			return
		}
		found := hash.FindAllStringSubmatch(write(t, name, language, data).Text, -1)
		require.Len(t, found, 1)
		assert.Equal(t, "8db560a23013ff54838d45e59a3f3f39f6720c86", found[0][1])
	})
}

func TestTextSaysAllThatTheHTMLSays(t *testing.T) {
	t.Parallel()
	tags := regexp.MustCompile(`(?s)<style>.*</style>|<[^>]*>`)
	each(t, func(t *testing.T, name mail.Template, event mail.Event, language i18n.Language) {
		data := full(name, event)
		l := write(t, name, language, data)
		shown := flat(html.UnescapeString(tags.ReplaceAllString(l.HTML, " ")))
		for _, paragraph := range strings.Split(strings.Replace(l.Text, "-- \n", "", 1), "\n\n") {
			assert.Contains(t, shown, flat(paragraph))
		}
		assert.Contains(t, l.HTML, `<html lang="`+language.Tag()+`">`)
		assert.Equal(t, data.URL != "", strings.Contains(l.HTML, `href="`+data.URL+`"`))
	})
}

func TestDataCannotBecomeMarkup(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, name mail.Template, event mail.Event, language i18n.Language) {
		const evil = `</p><img src=x onerror=alert(1)>{{.URL}}`
		l := write(t, name, language, Data{
			URL: `https://id.example.org/"><script>alert(1)</script>`, Hub: evil, Code: evil, Name: evil, Email: evil,
			Event: event, Time: time.Now(), Address: evil, Device: evil, Subject: evil,
		})
		assert.NotContains(t, l.HTML, "<script")
		assert.NotContains(t, l.HTML, "<img")
		assert.NotContains(t, l.Subject, "\n")
	})
}

func TestOneOfAKind(t *testing.T) {
	t.Parallel()
	assert.Contains(t, write(t, mail.Code, i18n.English, Data{Code: "1", Minutes: 1}).Text, "for 1 minute.")
	assert.Contains(t, write(t, mail.Code, i18n.German, Data{Code: "1", Minutes: 1}).Text, "1 Minute lang")
	assert.Contains(t, write(t, mail.RecoveryCode, i18n.English, Data{Code: "1", Hours: 1}).Text, "for 1 hour.")
	assert.Contains(t, write(t, mail.RecoveryCode, i18n.German, Data{Code: "1", Hours: 1}).Text, "1 Stunde lang")
}

func TestDeviceNames(t *testing.T) {
	t.Parallel()
	for agent, want := range map[string]string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:147.0) Gecko/20100101 Firefox/147.0":                                                        "Firefox, Windows",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0":           "Microsoft Edge, Windows",
		"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36":                         "Chrome, Android",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1": "Safari, iPhone",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15":                   "Safari, macOS",
		"Firefox/1": "Firefox", "curl/8.5.0": "", "": "",
	} {
		assert.Equal(t, want, DeviceName(agent), agent)
	}
}

func TestUnknownLetterIsAnError(t *testing.T) {
	t.Parallel()
	set, err := Load("Gatehouse")
	require.NoError(t, err)
	_, err = set.Write("spam", i18n.English, Data{})
	require.Error(t, err)
	_, err = set.Write(mail.Activation, 7, Data{})
	require.Error(t, err)
	_, err = set.Write(mail.SecurityNotice, i18n.English, Data{Event: "nothing"})
	require.Error(t, err)
}

func flat(s string) string { return strings.Join(strings.Fields(s), " ") }
