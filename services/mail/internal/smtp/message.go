package smtp

import (
	"crypto/sha256"
	"encoding/hex"
	"net/mail"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	gomail "github.com/wneessen/go-mail"
	"golang.org/x/net/idna"
)

// Mail is a message to one recipient.
type Mail struct {
	Key     string // names the mail, for its Message-ID
	To      string // an address without a name
	Subject string
	Text    string
	HTML    string
	Date    time.Time // when it was accepted for delivery
}

// MessageID is that of the mail with the key, without angle brackets. It does
// not change from one try to the next.
func MessageID(key, domain string) string { return digest("id", key) + "@" + domain }

func digest(use, key string) string {
	sum := sha256.Sum256([]byte("gatehouse mail " + use + "\x00" + key))
	return hex.EncodeToString(sum[:16])
}

// compose makes the same bytes of the same mail every time.
func compose(from *mail.Address, m Mail) (*gomail.Msg, error) {
	to, err := Recipient(m.To)
	if err != nil {
		return nil, err
	}
	_, domain, _ := strings.Cut(from.Address, "@")

	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent(), gomail.WithBoundary(digest("boundary", m.Key)))
	msg.FromMailAddress(from)
	msg.ToMailAddress(&mail.Address{Address: to})
	msg.Subject(m.Subject)
	msg.SetDateWithValue(m.Date.UTC())
	msg.SetMessageIDWithValue(MessageID(m.Key, domain))
	// Vacation notices and the like shall not answer (RFC 3834 section 5).
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetGenHeader(gomail.HeaderXAutoResponseSuppress, "All")
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	return msg, nil
}

// maxAddress is the longest usable address in bytes (RFC 5321 section
// 4.5.3.1.3, less the angle brackets).
const maxAddress = 254

// Recipient checks an address and writes its domain as the DNS has it. The
// part before it stays, and needs a server that takes SMTPUTF8 if it is not
// ASCII (RFC 6531). Display names, comments, quotes and anything that could
// end a line are refused.
func Recipient(address string) (string, error) {
	if !utf8.ValidString(address) || strings.ContainsFunc(address, unicode.IsControl) {
		return "", errAddress
	}
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Name != "" || parsed.Address != address {
		return "", errAddress // whose text, unlike err's, does not repeat the address
	}
	at := strings.LastIndexByte(address, '@')
	domain, err := idna.Lookup.ToASCII(address[at+1:])
	if err != nil || domain == "" || at+1+len(domain) > maxAddress {
		return "", errAddress
	}
	return address[:at+1] + domain, nil
}
