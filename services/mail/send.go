package mail

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/i18n"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
	"github.com/gatehouse-id/gatehouse/services/mail/internal/letter"
	"github.com/gatehouse-id/gatehouse/services/mail/internal/smtp"
)

// Bounds of a request.
const (
	maxKey = 200  // bytes
	maxURL = 2048 // bytes
	maxHub = 80   // characters that are shown
)

// queued is a mail in the outbox.
type queued struct {
	Template mail.Template `json:"template"`
	To       string        `json:"to"`
	Subject  string        `json:"subject"`
	Text     string        `json:"text"`
	HTML     string        `json:"html"`
}

// Send accepts a mail. A key that was accepted before succeeds, and does
// nothing.
func (s *Service) Send(ctx context.Context, r mail.SendRequest) (api.Nothing, error) {
	recipient, err := validate(r)
	if err != nil {
		return api.Nothing{}, err
	}
	written, err := s.letters.Write(r.Template, i18n.Language(r.Language), letter.Data{URL: r.Data["url"], Hub: shownName(r.Data["hub"])})
	if err != nil {
		return api.Nothing{}, err
	}
	payload, err := json.Marshal(queued{
		Template: r.Template, To: recipient, Subject: written.Subject, Text: written.Text, HTML: written.HTML,
	})
	if err != nil {
		return api.Nothing{}, fmt.Errorf("mail: %w", err)
	}

	var accepted bool
	err = s.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		var err error
		if accepted, err = s.claim(ctx, tx, r.Key); err != nil || !accepted {
			return err
		}
		return s.outbox.Add(ctx, tx, outbox.Message{Topic: topic, Key: r.Key, Payload: payload})
	})
	if err != nil {
		return api.Nothing{}, err
	}
	if accepted {
		s.metrics.count(r.Template, stateAccepted)
	} else {
		s.metrics.count(r.Template, stateRepeated)
	}
	return api.Nothing{}, nil
}

// claim tells whether the key is new. Of two at once, one waits here until the
// other has committed or not.
func (s *Service) claim(ctx context.Context, tx *db.Tx, key string) (bool, error) {
	digest := sha256.Sum256([]byte(key))
	n, err := tx.Exec(ctx, `INSERT INTO mail_keys (digest, created_time) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING`,
		digest[:], db.Micros(s.clock.Now()))
	return n > 0, err
}

// validate gives the recipient's address as SMTP wants it.
func validate(r mail.SendRequest) (recipient string, err error) {
	var v fault.Violations
	if r.Key == "" || len(r.Key) > maxKey || !utf8.ValidString(r.Key) || strings.ContainsFunc(r.Key, unicode.IsControl) {
		v.Add("key", "validation.required")
	}
	if !slices.Contains(mail.Templates(), r.Template) {
		v.Add("template", "validation.one_of", "Values", fmt.Sprint(mail.Templates()))
	}
	if !i18n.Language(r.Language).Valid() {
		v.Add("language", "validation.one_of", "Values", fmt.Sprint(i18n.Languages()))
	}
	recipient, err = smtp.Recipient(r.To)
	if err != nil {
		v.Add("to", "validation.email")
	}
	if !isLink(r.Data["url"]) {
		v.Add("url", "validation.required")
	}
	return recipient, v.Err()
}

// isLink accepts what a line of text can hold and a mail program makes a link:
// an absolute http or https URL of visible ASCII.
func isLink(s string) bool {
	outside := func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("<>\"\\^`{|}", r) }
	u, err := url.Parse(s)
	return err == nil && len(s) <= maxURL && !strings.ContainsFunc(s, outside) &&
		(u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && u.User == nil
}

// linkLike is what mail programs turn into a link or an address.
var linkLike = regexp.MustCompile(`(?i)://|www\.|@|[\pL\pN]\.\pL{2,}`)

// shownName is a name that a stranger may have chosen, on one line and of
// moderate length. One that would become a link is not shown at all: else
// invitations would carry anybody's advertisement.
func shownName(name string) string {
	name = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return ' '
		}
		if unicode.Is(unicode.Cf, r) { // invisible, or turns the direction of text
			return -1
		}
		return r
	}, name)), " ")
	if linkLike.MatchString(name) {
		return ""
	}
	if shown := []rune(name); len(shown) > maxHub {
		return strings.TrimSpace(string(shown[:maxHub-1])) + "…"
	}
	return name
}
