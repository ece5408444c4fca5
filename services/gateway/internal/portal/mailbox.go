package portal

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// maxMailbox is how many mails the development mailbox shows.
const maxMailbox = 500

// letter is a mail on the mailbox page, or an SMS, which has no subject.
type letter struct {
	To, Subject   string
	SMS           bool
	Text          []fragment
	HTML          string // path of the HTML part; empty if there is none
	Sent, SentISO string
}

// fragment is a piece of text; Link tells that it is a URL.
type fragment struct {
	Text string
	Link bool
}

// mailbox shows the mails of a development installation; NotFound where mails
// are delivered.
func (p *Portal) mailbox(v *visit) error {
	box, err := v.readMailbox(mail.MailboxRequest{})
	if err != nil {
		return err
	}
	letters := make([]letter, 0, len(box.Messages))
	for _, m := range box.Messages {
		l := letter{
			To: m.To, Subject: m.Subject, SMS: m.Medium == mail.SMS, Text: fragments(m.Text),
			Sent:    p.deps.Texts.Relative(v.lang, m.SentTime, p.deps.Edge.Now()),
			SentISO: m.SentTime.UTC().Format(time.RFC3339),
		}
		if m.HTML != "" {
			l.HTML = "/mailbox/" + strconv.FormatInt(m.ID, 10) + "/html"
		}
		letters = append(letters, l)
	}
	return v.ok("mailbox", page{Title: v.text("page.mailbox.title"), Data: letters})
}

// mailHTML is the HTML part of a mail as it was sent, in a sandbox.
func (p *Portal) mailHTML(v *visit) error {
	box, err := v.readMailbox(mail.MailboxRequest{Limit: maxMailbox})
	if err != nil {
		return err
	}
	for _, m := range box.Messages {
		if strconv.FormatInt(m.ID, 10) != v.r.PathValue("id") || m.HTML == "" {
			continue
		}
		h := v.w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", mailPolicy)
		v.w.WriteHeader(http.StatusOK)
		_, _ = v.w.Write([]byte(m.HTML)) // the client went away; nothing to tell it
		return nil
	}
	return fault.New(fault.NotFound, "")
}

// readMailbox gives mails to visitors of the public host only: the links in them
// open accounts.
func (v *visit) readMailbox(r mail.MailboxRequest) (mail.Mailbox, error) {
	if err := v.portal.deps.Edge.CheckHost(v.r); err != nil {
		return mail.Mailbox{}, err
	}
	return v.portal.deps.Mail.Mailbox(v.r.Context(), r)
}

var webAddress = regexp.MustCompile(`https?://[^\s<>"]+`)

// fragments splits a text into URLs and what is between them. A full stop after
// a URL is the sentence's.
func fragments(text string) []fragment {
	var list []fragment
	add := func(s string, link bool) {
		if s != "" {
			list = append(list, fragment{s, link})
		}
	}
	end := 0
	for _, at := range webAddress.FindAllStringIndex(text, -1) {
		address := strings.TrimRight(text[at[0]:at[1]], ".,;:!?)")
		add(text[end:at[0]], false)
		add(address, true)
		end = at[0] + len(address)
	}
	add(text[end:], false)
	return list
}
