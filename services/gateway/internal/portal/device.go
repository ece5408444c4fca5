package portal

import (
	"strings"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
)

// devicePath is where somebody answers a device that has no browser of its own
// (RFC 8628 section 3.3).
const devicePath = "/device"

// deviceMark stands before the code of a device where the id of an authorization
// request would be, so that the code comes along through a login. No id of a
// request has a colon.
const deviceMark = "device:"

// maxUserCode bounds what is taken for the code of a device, in bytes.
const maxUserCode = 32

// deviceCode is the code in an authorization that is one of a device.
func deviceCode(authorization string) (code string, ok bool) {
	return strings.CutPrefix(authorization, deviceMark)
}

// devicePage is what somebody decides on.
type devicePage struct {
	consentPage

	Code string
	// Hub is the form that changes to the hub of the app first; nil: no need.
	Hub *form
}

// showDevice asks for the code. One in the address is filled in, and looked up
// only when it is confirmed: whoever follows a link has to see where it leads,
// and nobody tries codes by opening pages.
func (p *Portal) showDevice(v *visit) error {
	return v.ok("device", v.userCodePage(v.query.Get("user_code")))
}

func (v *visit) userCodePage(code string) page {
	return page{
		Title: v.text("page.device.title"),
		Data:  plain{Text: v.text("page.device.text"), Quiet: v.text("page.device.beware")},
		Form: &form{
			Action: devicePath, Submit: v.text("page.device.submit"),
			Fields: []field{{
				Name: "user_code", Label: v.text("page.label.user_code"), Called: v.text("page.called.user_code"), Autocomplete: "off",
				Identifier: true, Capitals: true, Autofocus: true, Value: shorten(code, maxUserCode),
			}},
		},
	}
}

// device takes the code, and then the answer.
func (p *Portal) device(v *visit) error {
	code := strings.TrimSpace(v.form.Get("user_code"))
	switch {
	case code == "":
		return v.again(fault.Field("user_code", "validation.required"), "device", v.userCodePage(""))
	case len(code) > maxUserCode:
		return v.unknownDevice(code)
	}
	caller, in, err := v.inPerson()
	if err != nil {
		return err
	}
	if !in {
		return v.see(with("/login", "authorization", deviceMark+code))
	}
	found, err := p.deps.OAuth.FindDevice(v.r.Context(), oauth.DeviceRequest{UserCode: code, Subject: caller.Session.UserHash})
	switch {
	case fault.Is(err, fault.NotFound):
		return v.unknownDevice(code)
	case err != nil:
		return err
	}
	decision := v.form.Get("decision")
	switch {
	case v.form.Get("subject") != caller.Session.UserHash:
	case decision == "allow", decision == "deny":
		return v.decideDevice(found, caller, decision == "allow")
	case decision == "hub" && found.Client.Hub != nil:
		return v.changeHubForDevice(found, caller)
	}
	return v.askDevice(found, caller)
}

func (v *visit) unknownDevice(code string) error {
	return v.again(fault.Field("user_code", "page.device.unknown"), "device", v.userCodePage(code))
}

// askDevice shows what the device asks for. There is no way past this page,
// however well known the app is: the code may be somebody else's, who hopes that
// it will be entered (RFC 8628 section 5.4).
func (v *visit) askDevice(d oauth.Device, c edge.Caller) error {
	described, err := v.portal.deps.Flow.Current(v.r.Context(), c)
	if err != nil {
		return err
	}
	v.relearn()
	app := appName(d.Client)
	data := devicePage{Code: d.UserCode, consentPage: consentPage{
		App: app, About: v.about(d.Client), Scopes: v.scopes(d.Scopes), Name: nameOf(described.User), Email: described.User.Email,
		Subject: described.User.Hash, Action: devicePath,
		Other: with("/login", "authorization", deviceMark+d.UserCode, "prompt", oauth.PromptSelectAccount),
	}}
	if hub := d.Client.Hub; hub != nil && (c.Session.Hub == nil || *c.Session.Hub != *hub) {
		data.Hub = v.deviceHubForm(d, c)
	}
	return v.ok("allowdevice", page{Title: v.text("page.device.ask_title", "App", app), Data: data})
}

func (v *visit) deviceHubForm(d oauth.Device, c edge.Caller) *form {
	return &form{
		Action: devicePath, Submit: v.text("page.device.hub"),
		Hidden: []hidden{{"user_code", d.UserCode}, {"subject", c.Session.UserHash}, {"decision", "hub"}},
	}
}

func (v *visit) decideDevice(d oauth.Device, c edge.Caller, allow bool) error {
	_, err := v.portal.deps.OAuth.DecideDevice(v.r.Context(), oauth.DecideDeviceRequest{
		UserCode: d.UserCode, Login: *loginOf(c), Allow: allow,
	})
	switch {
	case fault.Is(err, fault.NotFound):
		return v.unknownDevice(d.UserCode) // answered in another tab, or too late
	case fault.Is(err, fault.Forbidden):
		return fault.New(fault.Forbidden, "page.device.forbidden").Because(err)
	case err != nil:
		return err
	case allow:
		return v.see(devicePath + "/done")
	}
	return v.see(devicePath + "/denied")
}

// changeHubForDevice moves the session into the hub of the app, and asks again.
func (v *visit) changeHubForDevice(d oauth.Device, c edge.Caller) error {
	done, err := v.portal.deps.Flow.SwitchHub(v.r.Context(), c, api.Ref{ID: *d.Client.Hub})
	switch {
	case says(err, "fault.provider_required"):
		return err // and says by which
	case fault.Is(err, fault.NotFound), fault.Is(err, fault.Forbidden):
		return fault.New(fault.Forbidden, "page.device.forbidden").Because(err)
	case err != nil:
		return err
	case !done.In():
		v.endFormer()
	}
	return v.proceed(done, deviceMark+d.UserCode)
}

// deviceAnswered is where somebody ends who has answered a device.
func deviceAnswered(texts string) handler {
	return func(v *visit) error {
		return v.ok("plain", page{
			Title: v.text("page.device." + texts + "_title"), Data: plain{Text: v.text("page.device." + texts)},
		})
	}
}
