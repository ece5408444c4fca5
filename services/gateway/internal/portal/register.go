package portal

import (
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/flow"
)

// authorizationAge is how long an app's request waits for somebody who has to
// register first: as long as the oauth service keeps it.
const authorizationAge = time.Hour

func (p *Portal) showRegister(v *visit) error {
	_, in, err := v.signedIn()
	if err != nil {
		return err
	}
	if in {
		return v.see("/")
	}
	if err := p.registrationOpen(); err != nil {
		return err
	}
	return v.ok("register", v.registerPage(flow.Registration{}))
}

func (p *Portal) register(v *visit) error {
	if err := p.registrationOpen(); err != nil {
		return err
	}
	in := flow.Registration{
		FirstName: v.form.Get("first_name"), LastName: v.form.Get("last_name"), Email: v.form.Get("email"),
		Language: v.lang,
	}
	if err := p.deps.Flow.Register(v.r.Context(), in); err != nil {
		return v.again(err, "register", v.registerPage(in))
	}
	v.rememberAuthorization()
	return v.see("/register/sent")
}

func (p *Portal) registrationOpen() error {
	if p.deps.SelfRegistration {
		return nil
	}
	return fault.New(fault.Forbidden, "fault.registration_off")
}

// registered is the same page for every address, and does not name it.
func (p *Portal) registered(v *visit) error {
	// Where mails go to the development mailbox, that is where to look.
	_, err := p.deps.Mail.Mailbox(v.r.Context(), mail.MailboxRequest{Limit: 1})
	return v.ok("sent", page{Title: v.text("page.sent.title"), Data: struct{ Mailbox bool }{err == nil}})
}

// registerPage is the page with the form; Data is the way to the login page.
func (v *visit) registerPage(in flow.Registration) page {
	id := v.value("authorization")
	return page{
		Title: v.text("page.register.title"),
		Data:  with("/login", "authorization", id),
		Form: &form{
			Action: with("/register", "authorization", id),
			Submit: v.text("page.register.submit"),
			Fields: []field{
				{Name: "first_name", Label: v.text("page.label.first_name"), Autocomplete: "given-name", Value: in.FirstName},
				{Name: "last_name", Label: v.text("page.label.last_name"), Autocomplete: "family-name", Value: in.LastName},
				{
					Name: "email", Label: v.text("page.label.email"), Type: "email", Autocomplete: "email",
					Hint: v.text("page.register.email_hint"), Value: in.Email,
				},
			},
		},
	}
}
