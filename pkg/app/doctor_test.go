package app_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gatehouse-id/gatehouse/pkg/app"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

func TestDoctor(t *testing.T) {
	t.Parallel()
	ca := testkit.CA(t)
	run := func(service string, args ...string) (code int, text string) {
		files := ca.Issue(service)
		var out, fail strings.Builder
		code = app.Run(t.Context(), app.Service{Name: "mail"}, append([]string{"doctor"}, args...), []string{
			"GATEHOUSE_TLS_CERT=" + files.Cert, "GATEHOUSE_TLS_KEY=" + files.Key, "GATEHOUSE_TLS_CA=" + files.CA,
		}, &out, &fail)
		return code, out.String() + fail.String()
	}
	code, text := run("mail")
	assert.Zero(t, code, text)
	assert.Contains(t, text, "mail.gatehouse.internal expires in")
	code, text = run("oauth", "--output", "json")
	assert.Equal(t, 1, code)
	assert.Contains(t, text, `"status": "failure"`)
	code, _ = run("mail", "--output", "xml")
	assert.Equal(t, 2, code)
}
