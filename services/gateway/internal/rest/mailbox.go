package rest

import (
	"net/http"

	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/compose"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/envelope"
)

// Mailbox is GET /mailbox/messages: the mails of a development installation as
// a plain JSON array, newest first; 404 where there is no mailbox,
// and under another name than the public one.
func (a *API) Mailbox() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := a.deps.Edge.CheckHost(r); err != nil {
			a.write.Fail(w, r, err)
			return
		}
		box, err := a.deps.Mail.Mailbox(r.Context(), mail.MailboxRequest{})
		if err != nil {
			a.write.Fail(w, r, err)
			return
		}
		envelope.Bare(w, compose.Mails(box.Messages))
	})
}
