package mail

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/mail/internal/letter"
	"github.com/gatehouse-id/gatehouse/services/mail/internal/smtp"
)

// Bounds of what is shown.
const (
	maxURL      = 2048 // bytes
	maxName     = 80   // characters
	maxDuration = 9999 // minutes or hours
)

// read takes from the request what its letter says, and notes what is missing.
func (s *Service) read(v *fault.Violations, r mail.SendRequest) letter.Data {
	d := r.Data
	switch r.Template {
	case mail.Activation, mail.AccountExists, mail.PasswordReset, mail.EmailChange, mail.Recovery, mail.AccountLocked:
		return letter.Data{URL: readLink(v, d)}
	case mail.Invitation:
		return letter.Data{URL: readLink(v, d), Hub: shownName(d["hub"])}
	case mail.Code:
		return letter.Data{
			Code: readCode(v, d), Minutes: readDuration(v, d, "minutes"),
			Address: shownAddress(d["address"]), Device: shownDevice(d["device"]),
		}
	case mail.RecoveryCode:
		return letter.Data{Code: readCode(v, d), Hours: readDuration(v, d, "hours")}
	case mail.RecoveryRequest:
		return readRecoveryRequest(v, d)
	case mail.SecurityNotice:
		return s.readNotice(v, d)
	default:
		v.Add("template", "validation.one_of", "Values", fmt.Sprint(mail.Templates()))
		return letter.Data{}
	}
}

func readRecoveryRequest(v *fault.Violations, d map[string]string) letter.Data {
	for _, field := range []string{"name", "hub"} {
		if d[field] == "" {
			v.Add(field, "validation.required")
		}
	}
	email, err := smtp.Recipient(d["email"])
	if err != nil {
		v.Add("email", "validation.email")
	}
	return letter.Data{Name: shownName(d["name"]), Email: email, Hub: shownName(d["hub"])}
}

func (s *Service) readNotice(v *fault.Violations, d map[string]string) letter.Data {
	event := mail.Event(d["event"])
	if !slices.Contains(mail.Events(), event) {
		v.Add("event", "validation.one_of", "Values", fmt.Sprint(mail.Events()))
	}
	data := letter.Data{
		Event: event, Time: readTime(v, d, "time"),
		Address: shownAddress(d["address"]), Device: shownDevice(d["device"]),
	}
	if s.publicURL != "" && letter.Answerable(event) {
		data.URL = s.publicURL + resetPage
	}
	switch {
	case event != mail.DeletionRequested:
		data.Subject = shownName(d["subject"])
	case d["subject"] != "":
		data.Due = readTime(v, d, "subject")
	}
	return data
}

// resetPage is where people ask for a new password.
const resetPage = "/forgot"

func readLink(v *fault.Violations, d map[string]string) string {
	if !isLink(d["url"]) {
		v.Add("url", "validation.required")
	}
	return d["url"]
}

var code = regexp.MustCompile(`^[0-9A-Za-z-]{4,64}$`)

func readCode(v *fault.Violations, d map[string]string) string {
	if !code.MatchString(d["code"]) {
		v.Add("code", "validation.required")
	}
	return d["code"]
}

func readDuration(v *fault.Violations, d map[string]string, field string) int {
	n, err := strconv.Atoi(d[field])
	if err != nil || n < 1 || n > maxDuration {
		v.Add(field, "validation.between", "Min", 1, "Max", maxDuration)
	}
	return n
}

func readTime(v *fault.Violations, d map[string]string, field string) time.Time {
	t, err := time.Parse(time.RFC3339, d[field])
	if err != nil {
		v.Add(field, "validation.time")
	}
	return t
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

// shownName is a text that a stranger may have chosen, on one line and of
// moderate length. One that would become a link is not shown at all: else
// invitations would carry anybody's advertisement, and notices look like ours
// and lead elsewhere.
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
	if shown := []rune(name); len(shown) > maxName {
		return strings.TrimSpace(string(shown[:maxName-1])) + "…"
	}
	return name
}

// shownDevice is a User-Agent for people.
func shownDevice(agent string) string {
	if name := letter.DeviceName(agent); name != "" {
		return name
	}
	return shownName(agent)
}

// shownAddress is an IP address; empty if it is none.
func shownAddress(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil || ip.Zone() != "" {
		return ""
	}
	return ip.Unmap().String()
}
