package mail

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
	"github.com/gatehouse-id/gatehouse/services/mail/internal/sms"
)

const phone = "+4915123456789"

// texting is a good request.
func texting(key string) mail.SendRequest {
	return mail.SendRequest{
		Key: key, Template: mail.Code, Medium: mail.SMS, To: phone, Language: 1,
		Data: map[string]string{"code": "493021", "minutes": "10"},
	}
}

// gateway is an SMS gateway that answers as it is told.
type gateway struct {
	*httptest.Server

	mu      sync.Mutex
	answers []int // one after the other, then 202
	header  http.Header
	taken   []map[string]string
}

func newGateway(t *testing.T, answers ...int) *gateway {
	t.Helper()
	g := &gateway{answers: answers, header: http.Header{}}
	g.Server = httptest.NewServer(http.HandlerFunc(g.serve))
	t.Cleanup(g.Close)
	return g
}

func (g *gateway) serve(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	message := map[string]string{"token": r.Header.Get("Authorization"), "idempotency": r.Header.Get("Idempotency-Key")}
	_ = json.Unmarshal(body, &message)
	g.taken = append(g.taken, message)
	status := http.StatusAccepted
	if len(g.answers) > 0 {
		status, g.answers = g.answers[0], g.answers[1:]
	}
	for name := range g.header {
		w.Header().Set(name, g.header.Get(name))
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, "about "+message["to"])
}

func (g *gateway) got() []map[string]string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.taken
}

// onEachGateway runs the test with a service that has a mailbox for mails and a
// gateway for short messages.
func onEachGateway(t *testing.T, answers []int, test func(t *testing.T, f *fixture, g *gateway)) {
	t.Helper()
	t.Parallel()
	testkit.EachDB(t, mail.Name, Migrations, func(t *testing.T, d *db.DB) {
		g := newGateway(t, answers...)
		test(t, newFixture(t, d, Config{DevMailbox: true, SMS: SMS{URL: g.URL + "/messages", Token: "geheim", Sender: "Falcon"}}), g)
	})
}

func TestSMSReachesTheGateway(t *testing.T) {
	onEachGateway(t, nil, func(t *testing.T, f *fixture, g *gateway) {
		f.send(texting("a"))
		f.send(texting("a"))
		f.drain()
		require.Len(t, g.got(), 1)
		assert.Equal(t, map[string]string{
			"to": phone, "from": "Falcon", "id": sms.ID("a"), "idempotency": sms.ID("a"), "token": "Bearer geheim",
			"text": "493021 is your Gatehouse code. It works for 10 minutes. Do not pass it on.",
		}, g.got()[0])
		assert.Empty(t, f.box())
		assert.Equal(t, 1, f.texted(stateSent))
		assert.Equal(t, 1, f.texted(stateRepeated))
	})
}

func TestSMSIsTriedAgain(t *testing.T) {
	onEachGateway(t, []int{500, 408, 429, 302}, func(t *testing.T, f *fixture, g *gateway) {
		f.send(texting("a"))
		f.pass(20*time.Minute, 30*time.Second)
		require.Len(t, g.got(), 5)
		assert.Equal(t, g.got()[0], g.got()[4], "the id, too")
		assert.Equal(t, 4, f.texted(stateDeferred))
		assert.Equal(t, 1, f.texted(stateSent))
		assert.Empty(t, f.dead())
	})
}

func TestSMSThatIsRefusedIsDead(t *testing.T) {
	onEachGateway(t, []int{422}, func(t *testing.T, f *fixture, g *gateway) {
		f.send(texting("a"))
		f.pass(2*time.Hour, time.Hour)
		require.Len(t, g.got(), 1)
		require.Len(t, f.dead(), 1)
		assert.Equal(t, "sms: the gateway answered 422 Unprocessable Entity to message "+sms.ID("a"), f.dead()[0].Error)
		assert.NotContains(t, f.log.String(), "4915")
		assert.NotContains(t, f.log.String(), "geheim")
	})
}

func TestGatewayThatAsksToWait(t *testing.T) {
	onEachGateway(t, []int{503}, func(t *testing.T, f *fixture, g *gateway) {
		g.header.Set("Retry-After", "1200")
		f.send(texting("a"))
		f.drain()
		f.pass(19*time.Minute, time.Minute)
		require.Len(t, g.got(), 1)
		f.pass(time.Minute, time.Minute)
		require.Len(t, g.got(), 2)
	})
}

func TestSMSThatIsNoneIsRefused(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		for _, to := range []string{"", "015123456789", "+0151234567", "+49 151 23456789", "+49", "+4915123456789012", "mia@example.com", phone + "\n"} {
			r := texting("k")
			r.To = to
			_, err := f.Send(t.Context(), r)
			requireFault(t, err, fault.Invalid, "to")
		}
		r := texting("k")
		r.Template, r.Data = mail.Activation, complete()
		_, err := f.Send(t.Context(), r)
		requireFault(t, err, fault.Invalid, "template")
		r = texting("k")
		r.Medium = "pigeon"
		_, err = f.Send(t.Context(), r)
		requireFault(t, err, fault.Invalid, "medium")
	})
}

func TestMailboxShowsSMS(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		f.send(texting("a"))
		f.drain()
		require.Len(t, f.box(), 1)
		got := f.box()[0]
		assert.Equal(t, mail.Message{
			ID: got.ID, Medium: mail.SMS, To: phone, SentTime: f.clock.Now().UTC(),
			Text: "493021 is your Gatehouse code. It works for 10 minutes. Do not pass it on.",
		}, got)
	})
}

func TestNoSMSWithoutAGateway(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, mail.Name, Migrations, func(t *testing.T, d *db.DB) {
		g := newGateway(t, 500)
		f := newFixture(t, d, Config{
			SMTP: SMTP{Host: "localhost", From: "no-reply@id.example.org"}, SMS: SMS{URL: g.URL, Token: "geheim"},
		})
		f.send(texting("accepted before"))
		f.drain()
		f.c.SMS = SMS{}
		f.Service = f.replica()
		_, err := f.Send(t.Context(), texting("a"))
		requireFault(t, err, fault.Invalid, "medium")
		assert.Contains(t, f.log.String(), "GATEHOUSE_SMS_URL")
		f.pass(tryFor+2*time.Hour, time.Hour)
		require.Len(t, f.dead(), 1)
		assert.Equal(t, errNoGateway.Error(), f.dead()[0].Error)
	})
}

func TestExpiredIsGivenUpQuietly(t *testing.T) {
	onEachGateway(t, []int{500, 500, 500, 500, 500}, func(t *testing.T, f *fixture, g *gateway) {
		r := texting("a")
		r.Expires = f.clock.Now().Add(time.Minute)
		f.send(r)
		late := activation("b")
		late.Expires = f.clock.Now()
		f.send(late)
		f.drain()
		f.pass(time.Hour, time.Minute)
		assert.Len(t, g.got(), 1, "the next one would have been too late")
		assert.Equal(t, 1, f.texted(stateExpired))
		assert.Equal(t, 1, f.counted(stateExpired))
		assert.Zero(t, f.counted(stateSent))
		assert.Empty(t, f.box())
		assert.Empty(t, f.dead())
		assert.Equal(t, int64(2), f.count(`SELECT COUNT(*) FROM outbox WHERE payload IS NULL`), "nothing is left of them")
	})
}
