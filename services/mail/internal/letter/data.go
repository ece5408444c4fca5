package letter

import (
	"fmt"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/i18n"
)

// Data is what a letter can mention. Its texts are on one line, and whoever
// fills them has made sure that none becomes a link but URL.
type Data struct {
	URL     string // absolute, http or https; empty: no button
	Hub     string // may be empty
	Code    string
	Minutes int // that Code works; of a recovery, Hours
	Hours   int
	Name    string // of the user it is about; may be empty
	Email   string // of that user

	Event   mail.Event // of a security notice, else empty
	Time    time.Time  // of the event
	Address string     // from where it came; may be empty
	Device  string     // by which it came; may be empty
	Subject string     // what the event is about; may be empty
	Due     time.Time  // when what it announces will happen; may be zero
}

// byOthers are the events that somebody else may have brought about, or that the
// recipient cannot undo with a new password.
var byOthers = map[mail.Event]bool{
	mail.EmailChanged: true, mail.RecoveryRejected: true, mail.Impersonated: true, mail.RoleChanged: true,
	mail.MemberRemoved: true, mail.AccountDisabled: true, mail.AccountDeleted: true,
}

// Answerable tells whether a new password is what helps against an event that
// was not the recipient's doing.
func Answerable(e mail.Event) bool { return !byOthers[e] }

// words are what templates see.
type words struct {
	Data

	Product    string
	Language   string
	Answerable bool
	Due        string // shadows Data's
	Details    []detail
}

// detail is a line about the circumstances. Kind is time, address or device.
type detail struct{ Kind, Value string }

func (s *Set) words(language i18n.Language, data Data) words {
	w := words{
		Data: data, Product: s.product, Language: language.Tag(), Answerable: data.Event != "" && Answerable(data.Event),
	}
	if !data.Due.IsZero() {
		w.Due = moment(language, data.Due)
	}
	if !data.Time.IsZero() {
		w.Details = append(w.Details, detail{"time", moment(language, data.Time)})
	}
	if data.Device != "" {
		w.Details = append(w.Details, detail{"device", data.Device})
	}
	if data.Address != "" {
		w.Details = append(w.Details, detail{"address", data.Address})
	}
	return w
}

var germanMonths = [...]string{
	"Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember",
}

// moment is a time in words. Nobody knows the reader's zone, so it names its own.
func moment(language i18n.Language, t time.Time) string {
	t = t.UTC()
	if language == i18n.German {
		return fmt.Sprintf("%d. %s %d, %s Uhr (UTC)", t.Day(), germanMonths[t.Month()-1], t.Year(), t.Format("15:04"))
	}
	return t.Format("2 January 2006, 15:04") + " (UTC)"
}
