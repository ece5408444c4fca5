package smtp

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func composed(t *testing.T, m Mail) []byte {
	t.Helper()
	msg, err := compose(&mail.Address{Name: "Pförtner", Address: "no-reply@id.example.org"}, m)
	require.NoError(t, err)
	var b bytes.Buffer
	_, err = msg.WriteTo(&b)
	require.NoError(t, err)
	return b.Bytes()
}

func TestMessageIsMultipartAndUTF8(t *testing.T) {
	t.Parallel()
	m := letter()
	parsed, err := mail.ReadMessage(bytes.NewReader(composed(t, m)))
	require.NoError(t, err)
	subject, err := new(mime.WordDecoder).DecodeHeader(parsed.Header.Get("Subject"))
	require.NoError(t, err)
	from, err := parsed.Header.AddressList("From")
	require.NoError(t, err)
	date, err := parsed.Header.Date()
	require.NoError(t, err)
	assert.Equal(t, m.Subject, subject)
	assert.Equal(t, "Pförtner", from[0].Name)
	assert.Equal(t, "<"+recipient+">", parsed.Header.Get("To"))
	assert.Equal(t, "auto-generated", parsed.Header.Get("Auto-Submitted"))
	assert.Equal(t, "<"+MessageID(m.Key, "id.example.org")+">", parsed.Header.Get("Message-Id"))
	assert.True(t, m.Date.Equal(date))

	kind, parameters, err := mime.ParseMediaType(parsed.Header.Get("Content-Type"))
	require.NoError(t, err)
	assert.Equal(t, "multipart/alternative", kind)
	reader := multipart.NewReader(parsed.Body, parameters["boundary"])
	for _, want := range []struct{ kind, body string }{{"text/plain", m.Text}, {"text/html", m.HTML}} {
		part, err := reader.NextRawPart()
		require.NoError(t, err)
		kind, parameters, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
		require.NoError(t, err)
		body, err := io.ReadAll(quotedprintable.NewReader(part))
		require.NoError(t, err)
		assert.Equal(t, want.kind, kind)
		assert.Equal(t, "utf-8", strings.ToLower(parameters["charset"]))
		assert.Equal(t, want.body, strings.ReplaceAll(string(body), "\r\n", "\n"))
	}
	_, err = reader.NextPart()
	require.ErrorIs(t, err, io.EOF)
}

func TestEveryTryIsTheSameBytes(t *testing.T) {
	t.Parallel()
	first, again := composed(t, letter()), composed(t, letter())
	assert.Equal(t, string(first), string(again))
	other := letter()
	other.Key = "activation:8"
	assert.NotEqual(t, MessageID(letter().Key, "x"), MessageID(other.Key, "x"))
	assert.NotContains(t, MessageID("activation:7", "x"), "activation")
}

// The service refuses such input; this is the second line.
func TestHeadersCannotBeInjected(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"\r\nBcc: all@example.com", "\nBcc: all@example.com", "\rBcc: all@example.com"} {
		m := letter()
		m.Subject += line
		m.Text += line
		parsed, err := mail.ReadMessage(bytes.NewReader(composed(t, m)))
		require.NoError(t, err)
		assert.Empty(t, parsed.Header.Get("Bcc"))
		m = letter()
		m.To += line
		_, err = compose(&mail.Address{Address: "no-reply@id.example.org"}, m)
		require.Error(t, err)
		assert.True(t, Permanent(failure(t.Context(), err)))
	}
}

func TestInternationalDomain(t *testing.T) {
	t.Parallel()
	m := letter()
	m.To = "jürgen@müller.example"
	parsed, err := mail.ReadMessage(bytes.NewReader(composed(t, m)))
	require.NoError(t, err)
	to, err := parsed.Header.AddressList("To")
	require.NoError(t, err)
	assert.Equal(t, "jürgen@xn--mller-kva.example", to[0].Address)
}
