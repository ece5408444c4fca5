package mail

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"time"
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

// maxKey bounds a key, in bytes.
const maxKey = 200

// queued is a message in the outbox. Of an SMS, only Text is there.
type queued struct {
	Template mail.Template `json:"template"`
	Medium   mail.Medium   `json:"medium,omitempty"`
	To       string        `json:"to"`
	Subject  string        `json:"subject"`
	Text     string        `json:"text"`
	HTML     string        `json:"html"`
	Expires  time.Time     `json:"expires,omitzero"`
}

// Send accepts a mail. A key that was accepted before succeeds, and does
// nothing.
func (s *Service) Send(ctx context.Context, r mail.SendRequest) (api.Nothing, error) {
	if r.Medium == mail.SMS && s.mailbox == nil && s.gateway == nil {
		s.logger.ErrorContext(ctx, "an SMS was refused: set GATEHOUSE_SMS_URL to send any", slog.String("template", string(r.Template)))
		return api.Nothing{}, fault.Field("medium", "validation.one_of", "Values", "email")
	}
	recipient, data, err := s.validate(r)
	if err != nil {
		return api.Nothing{}, err
	}
	m, err := s.write(r, data)
	if err != nil {
		return api.Nothing{}, err
	}
	m.To = recipient
	payload, err := json.Marshal(m)
	if err != nil {
		return api.Nothing{}, fmt.Errorf("mail: %w", err)
	}

	var accepted bool
	err = s.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		var err error
		if accepted, err = s.claim(ctx, tx, r.Key); err != nil || !accepted {
			return err
		}
		return s.queues[r.Medium].Add(ctx, tx, outbox.Message{Topic: topics[r.Medium], Key: r.Key, Payload: payload})
	})
	if err != nil {
		return api.Nothing{}, err
	}
	if accepted {
		s.metrics.count(m, stateAccepted)
	} else {
		s.metrics.count(m, stateRepeated)
	}
	return api.Nothing{}, nil
}

// write puts the message into words. It lacks its recipient.
func (s *Service) write(r mail.SendRequest, data letter.Data) (queued, error) {
	m := queued{Template: r.Template, Medium: r.Medium, Expires: r.Expires}
	language := i18n.Language(r.Language)
	if r.Medium == mail.SMS {
		var err error
		m.Text, err = s.letters.WriteShort(r.Template, language, data)
		return m, err
	}
	written, err := s.letters.Write(r.Template, language, data)
	m.Subject, m.Text, m.HTML = written.Subject, written.Text, written.HTML
	return m, err
}

// claim tells whether the key is new. Of two at once, one waits here until the
// other has committed or not.
func (s *Service) claim(ctx context.Context, tx *db.Tx, key string) (bool, error) {
	digest := sha256.Sum256([]byte(key))
	n, err := tx.Exec(ctx, `INSERT INTO mail_keys (digest, created_time) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING`,
		digest[:], db.Micros(s.clock.Now()))
	return n > 0, err
}

// validate gives the recipient's address as SMTP wants it, or the number, and
// what the letter is to say.
func (s *Service) validate(r mail.SendRequest) (recipient string, data letter.Data, err error) {
	var v fault.Violations
	if r.Key == "" || len(r.Key) > maxKey || !utf8.ValidString(r.Key) || strings.ContainsFunc(r.Key, unicode.IsControl) {
		v.Add("key", "validation.required")
	}
	if !i18n.Language(r.Language).Valid() {
		v.Add("language", "validation.one_of", "Values", fmt.Sprint(i18n.Languages()))
	}
	switch r.Medium {
	case mail.Email:
		if recipient, err = smtp.Recipient(r.To); err != nil {
			v.Add("to", "validation.email")
		}
	case mail.SMS:
		if recipient = r.To; !number.MatchString(r.To) {
			v.Add("to", "validation.phone")
		}
	default:
		v.Add("medium", "validation.one_of", "Values", "email, sms")
	}
	switch {
	case !slices.Contains(mail.Templates(), r.Template):
		v.Add("template", "validation.one_of", "Values", fmt.Sprint(mail.Templates()))
	case r.Medium == mail.SMS && r.Template != mail.Code:
		v.Add("template", "validation.one_of", "Values", mail.Code)
	default:
		data = s.read(&v, r)
	}
	return recipient, data, v.Err()
}

// number is a telephone number in the form of E.164.
var number = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
