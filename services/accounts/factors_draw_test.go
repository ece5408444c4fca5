package accounts

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// TestAnAppIsDrawnAgain gives the same picture to who shows the secret, until the
// factor is confirmed, and tells others nothing.
func TestAnAppIsDrawnAgain(t *testing.T) {
	onEach(t, func(f *fixture) {
		olli, uli := as(f.register(olliMail)), as(f.register(uliMail))
		e := f.enrol(olli, accounts.ChannelApp)
		sms := f.enrol(olli, accounts.ChannelSMS)
		draw := func(a api.Actor, e accounts.Enrolment, secret string) (accounts.Enrolment, error) {
			return f.DrawFactor(t.Context(), accounts.DrawFactorRequest{Actor: a, Factor: api.Ref{Hash: e.Factor.Hash}, Secret: secret})
		}
		again, err := draw(olli, e, e.Secret)
		require.NoError(f.t, err)
		require.Equal(f.t, e, again)

		for name, secret := range map[string]string{
			"none": "", "another": strings.Repeat("A", len(e.Secret)), "in small letters": strings.ToLower(e.Secret), "more": e.Secret + "A",
		} {
			_, err := draw(olli, e, secret)
			requireFault(f.t, err, fault.NotFound, "fault.not_found")
			require.NotContains(f.t, err.Error(), e.Secret, name)
		}
		_, err = draw(uli, e, e.Secret)
		requireFault(f.t, err, fault.NotFound, "fault.not_found")
		_, err = draw(olli, sms, olliNumber)
		requireFault(f.t, err, fault.NotFound, "fault.not_found")
		acting := olli
		acting.Impersonator = &uli.User
		_, err = draw(acting, e, e.Secret)
		require.Equal(f.t, fault.Forbidden, fault.From(err).Kind)

		_, err = f.confirmFactor(olli, e, f.codeFor(e))
		require.NoError(f.t, err)
		_, err = draw(olli, e, e.Secret)
		requireFault(f.t, err, fault.NotFound, "fault.not_found")
	})
}
