package mail

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/keyring"
)

// sealing is the ring's purpose for the mailbox.
const sealing = "mailbox"

// mailbox keeps mails instead of sending them, sealed as in the outbox.
type mailbox struct {
	db   *db.DB
	ring *keyring.Ring
}

// put adds a mail, unless one of that key is there, and lets the oldest go.
func (b *mailbox) put(ctx context.Context, key string, m queued, now time.Time) error {
	plain, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	content, err := b.ring.Seal(sealing, plain, []byte(key))
	if err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	return b.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO mailbox (mail_key, content, sent_time) VALUES ($1, $2, $3)
			ON CONFLICT (mail_key) DO NOTHING`, key, content, db.Micros(now))
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `DELETE FROM mailbox WHERE id <=
			(SELECT id FROM mailbox ORDER BY id DESC LIMIT 1 OFFSET $1)`, maxListed)
		return err
	})
}

// list gives the newest mails, newest first.
func (b *mailbox) list(ctx context.Context, limit int) ([]mail.Message, error) {
	rows, err := b.db.Query(ctx, `SELECT id, mail_key, content, sent_time FROM mailbox ORDER BY id DESC LIMIT $1`, limit)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err tells what went wrong
	messages := []mail.Message{}
	for rows.Next() {
		var id, sent int64
		var key string
		var content []byte
		if err := rows.Scan(&id, &key, &content, &sent); err != nil {
			return nil, err
		}
		plain, err := b.ring.Open(sealing, content, []byte(key))
		if err != nil {
			return nil, fmt.Errorf("mail: opening mail %d of the mailbox: %w", id, err)
		}
		var m queued
		if err := json.Unmarshal(plain, &m); err != nil {
			return nil, fmt.Errorf("mail: mail %d of the mailbox is no JSON", id)
		}
		messages = append(messages, mail.Message{
			ID: id, Medium: m.Medium, To: m.To, Subject: m.Subject, Text: m.Text, HTML: m.HTML, SentTime: db.FromMicros(sent),
		})
	}
	return messages, rows.Err()
}
