package compose

import "github.com/gatehouse-id/gatehouse/pkg/api/mail"

// Mail is a message in the development mailbox.
type Mail struct {
	ID       int64       `json:"id"`
	Medium   mail.Medium `json:"medium,omitempty"` // sms; absent from a mail
	To       string      `json:"to"`               // an address, or a telephone number
	Subject  string      `json:"subject"`
	Text     string      `json:"text"`
	HTML     string      `json:"html"`
	SentTime Time        `json:"sent_time"`
}

// Mails lists messages in the order given; never null.
func Mails(messages []mail.Message) []Mail {
	list := make([]Mail, 0, len(messages))
	for _, m := range messages {
		list = append(list, Mail{
			ID: m.ID, Medium: m.Medium, To: m.To, Subject: m.Subject, Text: m.Text, HTML: m.HTML, SentTime: Time(m.SentTime),
		})
	}
	return list
}
