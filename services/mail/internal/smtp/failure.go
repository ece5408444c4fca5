package smtp

import (
	"context"
	"errors"
	"net/textproto"
	"regexp"
	"slices"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// Failure is why a mail was not taken. Its text holds no address.
type Failure struct {
	// Code is the server's reply code, 0 if it gave none.
	Code int
	// Permanent failures are about the recipient or the mail itself: trying
	// again is of no use.
	Permanent bool
	// Later failures are about them as well, but for now: greylisting, or a mailbox
	// that is full. Other mails may well be taken.
	Later bool

	text  string
	cause error
}

// Error says what happened, in the server's words where it said something.
func (f *Failure) Error() string { return "smtp: " + f.text }

// Unwrap gives the context's error if that ended the delivery.
func (f *Failure) Unwrap() error { return f.cause }

// Permanent tells whether err is a failure that will not go away.
func Permanent(err error) bool {
	var f *Failure
	return errors.As(err, &f) && f.Permanent
}

// Later tells whether err is the server's word that this mail is not to be had now,
// rather than that it takes none.
func Later(err error) bool {
	var f *Failure
	return errors.As(err, &f) && f.Later
}

// errAddress is of an address that nobody could have.
var errAddress = errors.New("the recipient's address is malformed")

// ourFault are 5xx replies about our credentials or encryption (RFC 4954
// section 6), which an operator can put right, at whichever command they come.
var ourFault = []int{503, 530, 534, 535, 538}

func failure(ctx context.Context, err error) *Failure {
	if cause := ended(ctx); cause != nil {
		return &Failure{text: "the delivery was interrupted", cause: cause}
	}
	f := &Failure{text: words(err), Permanent: errors.Is(err, errAddress)}
	var reply *textproto.Error
	if errors.As(err, &reply) {
		f.Code = reply.Code
	}
	var sending *gomail.SendError
	if errors.As(err, &sending) {
		f.Code = sending.ErrorCode()
		judged := aboutMail(sending.Reason) && !slices.Contains(ourFault, f.Code)
		f.Permanent = judged && f.Code >= 500
		f.Later = judged && f.Code >= 400 && f.Code < 500
	}
	return f
}

// ended is why the delivery's context is over, if it is. The connection has the
// same deadline and may notice before the context does.
func ended(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return nil
}

// aboutMail tells whether a step asks the server to judge the recipient or the
// mail. At MAIL FROM it judges us, the sender.
func aboutMail(r gomail.SendErrReason) bool {
	return r == gomail.ErrSMTPRcptTo || r == gomail.ErrSMTPData || r == gomail.ErrSMTPDataClose
}

// maxWords bounds the text of a failure, in bytes.
const maxWords = 300

var (
	// What the library adds to a server's reply.
	appendix = regexp.MustCompile(`, affected (recipient\(s\)|message ID): .*`)
	address  = regexp.MustCompile(`[^\s<>"',;:()]+@[^\s<>"',;:()]+`)
)

// words is the error's text on one line, without the addresses in it.
func words(err error) string {
	text := strings.Join(strings.Fields(err.Error()), " ")
	text = address.ReplaceAllString(appendix.ReplaceAllString(text, ""), "[address]")
	if len(text) > maxWords {
		text = text[:maxWords]
	}
	return strings.ToValidUTF8(text, "")
}
