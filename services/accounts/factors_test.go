package accounts

import (
	"encoding/xml"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/challenge"
)

const olliNumber = "+4915123456789"

// as is a session of the user's, in their hub.
func as(i accounts.Identity) api.Actor {
	a := api.Actor{User: i.User.ID, Session: 1, Origin: browser}
	if i.Hub != nil {
		a.Hub = &i.Hub.ID
	}
	return a
}

// enrol begins a factor.
func (f *fixture) enrol(a api.Actor, channel accounts.Channel) accounts.Enrolment {
	f.t.Helper()
	r := accounts.EnrolFactorRequest{Actor: a, Channel: channel}
	if channel == accounts.ChannelSMS {
		r.Number = olliNumber
	}
	e, err := f.EnrolFactor(f.t.Context(), r)
	require.NoError(f.t, err)
	return e
}

// codeFor is what confirms a factor. It takes a new time step of an app.
func (f *fixture) codeFor(e accounts.Enrolment) string {
	f.t.Helper()
	if e.Factor.Channel == accounts.ChannelSMS {
		return f.lastCode(olliNumber)
	}
	f.clock.Advance(challenge.Period * time.Second)
	code, err := totp.GenerateCode(e.Secret, f.clock.Now())
	require.NoError(f.t, err)
	return code
}

// lastCode is the one that was sent there last.
func (f *fixture) lastCode(to string) string {
	f.t.Helper()
	f.deliver()
	sent := f.mail.to(to)
	for i := len(sent) - 1; i >= 0; i-- {
		if code := sent[i].Data["code"]; code != "" {
			return code
		}
	}
	require.Fail(f.t, "no code was sent", "to %s", to)
	return ""
}

func (f *fixture) confirmFactor(a api.Actor, e accounts.Enrolment, code string) (accounts.ConfirmedFactor, error) {
	return f.ConfirmFactor(f.t.Context(), accounts.ConfirmFactorRequest{Actor: a, Factor: api.Ref{ID: e.Factor.ID}, Code: code})
}

// give gives the user a confirmed factor.
func (f *fixture) give(a api.Actor, channel accounts.Channel) (accounts.Enrolment, accounts.ConfirmedFactor) {
	f.t.Helper()
	e := f.enrol(a, channel)
	confirmed, err := f.confirmFactor(a, e, f.codeFor(e))
	require.NoError(f.t, err)
	return e, confirmed
}

func (f *fixture) listFactors(a api.Actor) accounts.FactorList {
	f.t.Helper()
	list, err := f.ListFactors(f.t.Context(), accounts.ActorRequest{Actor: a})
	require.NoError(f.t, err)
	return list
}

// different is a code of as many digits that is another one.
func different(code string) string { return string('0'+(code[0]-'0'+1)%10) + code[1:] }

func requireInvalid(t *testing.T, err error, field, message string) {
	t.Helper()
	got := requireFault(t, err, fault.Invalid, "fault.invalid")
	require.Len(t, got.Fields[field], 1, "%v", err)
	require.Equal(t, message, got.Fields[field][0].ID)
}

func TestAnAppIsEnrolled(t *testing.T) {
	onEach(t, func(f *fixture) {
		olli := as(f.register(olliMail))
		e := f.enrol(olli, accounts.ChannelApp)
		uri, err := url.Parse(e.URI)
		require.NoError(f.t, err)
		require.Equal(f.t, "otpauth://totp", uri.Scheme+"://"+uri.Host)
		require.Equal(f.t, "/Gate house:"+olliMail, uri.Path)
		require.Equal(f.t, "Gate house", uri.Query().Get("issuer"))
		require.Equal(f.t, e.Secret, uri.Query().Get("secret"))
		require.Regexp(f.t, `^[A-Z2-7]{32}$`, e.Secret)
		require.NotContains(f.t, f.dump("factors"), e.Secret)

		var svg struct {
			XMLName xml.Name `xml:"http://www.w3.org/2000/svg svg"`
			Paths   []struct {
				D string `xml:"d,attr"`
			} `xml:"path"`
		}
		require.NoError(f.t, xml.Unmarshal([]byte(e.QR), &svg))
		require.Len(f.t, svg.Paths, 1)
		require.Contains(f.t, svg.Paths[0].D, "M4 4h7v1h-7z", "the finder pattern within its margin")
		require.NotContains(f.t, e.QR, "script")

		list := f.listFactors(olli)
		require.Equal(f.t, accounts.FactorList{Factors: []accounts.Factor{e.Factor}}, list)
		require.False(f.t, e.Factor.Confirmed)

		confirmed, err := f.confirmFactor(olli, e, f.codeFor(e))
		require.NoError(f.t, err)
		require.True(f.t, confirmed.Factor.Confirmed)
		require.Len(f.t, confirmed.RecoveryCodes, 10)
		user, err := f.Describe(t.Context(), accounts.DescribeRequest{User: olli.User})
		require.NoError(f.t, err)
		require.True(f.t, user.User.LoginConfirmation)
		require.Equal(f.t, []string{string(mail.FactorAdded)}, f.notices(olliMail))
		require.Equal(f.t, 10, f.listFactors(olli).RecoveryCodes)

		_, err = f.confirmFactor(olli, e, f.codeFor(e))
		requireFault(f.t, err, fault.Conflict, "fault.factor_confirmed")
	}, func(c *Config, _ *Deps) { c.Product = "Gate:house" })
}

func TestATelephoneIsEnrolled(t *testing.T) {
	onEach(t, func(f *fixture) {
		olli := as(f.register(olliMail))
		e, err := f.EnrolFactor(t.Context(), accounts.EnrolFactorRequest{
			Actor: olli, Channel: accounts.ChannelSMS, Number: " +49 (151) 234-56789",
		})
		require.NoError(f.t, err)
		require.Equal(f.t, "+49 ••• 789", e.Factor.Number)
		require.Empty(f.t, e.Secret+e.URI+e.QR)
		require.NotContains(f.t, f.dump("factors"), "23456789")
		code := f.lastCode(olliNumber)
		_, err = f.confirmFactor(olli, e, different(code))
		requireInvalid(f.t, err, "code", "validation.wrong_code")
		confirmed, err := f.confirmFactor(olli, e, code[:3]+" "+code[3:])
		require.NoError(f.t, err)
		require.Equal(f.t, "+49 ••• 789", confirmed.Factor.Number)
		require.EqualValues(f.t, 1, f.count(`SELECT COUNT(*) FROM audit WHERE kind = 'code.failed'`))
		_, second := f.give(olli, accounts.ChannelApp)
		require.Nil(f.t, second.RecoveryCodes, "there are some already")
		require.Len(f.t, f.listFactors(olli).Factors, 2)
	})
}

func TestWhatCannotBeEnrolled(t *testing.T) {
	onEach(t, func(f *fixture) {
		olli := as(f.register(olliMail))
		for _, tt := range []struct {
			channel                accounts.Channel
			number, field, message string
		}{
			{0, "", "channel", "validation.one_of"},
			{accounts.ChannelEmail, "", "channel", "validation.one_of"},
			{4, "", "channel", "validation.one_of"},
			{accounts.ChannelSMS, "", "number", "validation.required"},
			{accounts.ChannelSMS, "015123456789", "number", "validation.phone"},
			{accounts.ChannelSMS, "+123456", "number", "validation.phone"},
			{accounts.ChannelSMS, "+1234567890123456", "number", "validation.phone"},
			{accounts.ChannelSMS, "+0123456789", "number", "validation.phone"},
			{accounts.ChannelSMS, "+49151\xff3456789", "number", "validation.phone"},
			{accounts.ChannelSMS, "+49151\n3456789", "number", "validation.phone"},
			{accounts.ChannelSMS, "+" + strings.Repeat(" ", 1000) + "4915123456789", "number", "validation.phone"},
		} {
			_, err := f.EnrolFactor(t.Context(), accounts.EnrolFactorRequest{Actor: olli, Channel: tt.channel, Number: tt.number})
			requireInvalid(f.t, err, tt.field, tt.message)
		}
		require.Empty(f.t, f.listFactors(olli).Factors)
	})
}

func TestEnrollingAgain(t *testing.T) {
	onEach(t, func(f *fixture) {
		olli := as(f.register(olliMail))
		first := f.enrol(olli, accounts.ChannelApp)
		second := f.enrol(olli, accounts.ChannelApp)
		require.Len(f.t, f.listFactors(olli).Factors, 1)
		_, err := f.confirmFactor(olli, first, f.codeFor(first))
		requireFault(f.t, err, fault.NotFound, "fault.not_found")
		_, err = f.confirmFactor(olli, second, f.codeFor(first))
		requireInvalid(f.t, err, "code", "validation.wrong_code")
		_, err = f.confirmFactor(olli, second, f.codeFor(second))
		require.NoError(f.t, err)

		// A new telephone with the app on it takes the place of the old one.
		third, confirmed := f.give(olli, accounts.ChannelApp)
		require.Nil(f.t, confirmed.RecoveryCodes)
		list := f.listFactors(olli)
		require.Len(f.t, list.Factors, 1)
		require.Equal(f.t, third.Factor.ID, list.Factors[0].ID)

		for range 5 {
			f.enrol(olli, accounts.ChannelSMS)
		}
		_, err = f.EnrolFactor(t.Context(), accounts.EnrolFactorRequest{Actor: olli, Channel: accounts.ChannelSMS, Number: olliNumber})
		requireFault(f.t, err, fault.Throttled, "fault.throttled")
	})
}

func TestCodesThatDoNotConfirmAFactor(t *testing.T) {
	onEach(t, func(f *fixture) {
		olli := as(f.register(olliMail))
		sms := f.enrol(olli, accounts.ChannelSMS)
		code := f.lastCode(olliNumber)
		for typed, message := range map[string]string{
			"": "validation.required", "12345": "validation.wrong_code", "abcde-abcde": "validation.wrong_code",
			"\xff": "validation.wrong_code", strings.Repeat("1", 1<<16): "validation.wrong_code",
		} {
			_, err := f.confirmFactor(olli, sms, typed)
			requireInvalid(f.t, err, "code", message)
		}
		for range 5 {
			_, err := f.confirmFactor(olli, sms, different(code))
			requireInvalid(f.t, err, "code", "validation.wrong_code")
		}
		_, err := f.confirmFactor(olli, sms, code)
		requireInvalid(f.t, err, "code", "validation.wrong_code") // its attempts are used up

		sms = f.enrol(olli, accounts.ChannelSMS)
		code = f.lastCode(olliNumber)
		f.clock.Advance(10 * time.Minute)
		_, err = f.confirmFactor(olli, sms, code)
		requireInvalid(f.t, err, "code", "validation.wrong_code") // it has expired

		app := f.enrol(olli, accounts.ChannelApp)
		for range 3 {
			_, err = f.confirmFactor(olli, app, different(f.codeFor(app)))
			requireInvalid(f.t, err, "code", "validation.wrong_code")
		}
		_, err = f.confirmFactor(olli, app, f.codeFor(app))
		requireFault(f.t, err, fault.Throttled, "fault.throttled")
	})
}

func TestTheNumberIsToldToWhoAsks(t *testing.T) {
	onEach(t, func(f *fixture) {
		identity := f.register(olliMail)
		olli := as(identity)
		phone := func(asks bool) string {
			account, err := f.Claims(t.Context(), accounts.ClaimsRequest{Subject: identity.User.Hash, Phone: asks})
			require.NoError(f.t, err)
			return account.Phone
		}
		require.Empty(f.t, phone(true))
		sms := f.enrol(olli, accounts.ChannelSMS)
		require.Empty(f.t, phone(true), "it is not confirmed")
		_, err := f.confirmFactor(olli, sms, f.codeFor(sms))
		require.NoError(f.t, err)
		require.Equal(f.t, olliNumber, phone(true))
		require.Empty(f.t, phone(false))
	})
}
