package mail

import (
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
)

// How a mail is tried.
const (
	firstWait   = 30 * time.Second
	longestWait = time.Hour
	// tryFor is how long after its acceptance a mail is given up. Until then
	// there are about 80 attempts, or more after restarts; the outbox's own
	// limit is only there for what ends the process each time.
	tryFor      = 3 * 24 * time.Hour
	maxAttempts = 1000
)

// topics of the outbox, by medium.
var topics = map[mail.Medium]string{mail.Email: "smtp", mail.SMS: "sms"}

// queues are what waits, by medium. They share a table and nothing else: an SMTP
// server that says nothing keeps all attempts of its queue waiting for as long as
// one may take, and the code that goes by SMS instead is good for minutes. What is of
// the whole table, such as a list of the dead, any of them knows.
type queues map[mail.Medium]*outbox.Outbox

// newQueues makes them, with the handlers that deliver a mail and an SMS.
func newQueues(d Deps, byMail, bySMS outbox.Handler) queues {
	made := queues{}
	for medium, handler := range map[mail.Medium]outbox.Handler{mail.Email: byMail, mail.SMS: bySMS} {
		made[medium] = outbox.New(outbox.Options{
			DB: d.DB, Ring: d.Ring, Clock: d.Clock,
			Logger: d.Obs.Logger, Registry: d.Obs.Registry, Tracer: d.Obs.Tracer,
			Handlers: map[string]outbox.Handler{topics[medium]: handler},
			Backoff:  outbox.Exponential(firstWait, longestWait), MaxAttempts: maxAttempts,
		})
	}
	return made
}
