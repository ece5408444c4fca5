package app

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jonboulle/clockwork"

	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

type mailSettings struct {
	Base
	Sender string `env:"GATEHOUSE_MAIL_SENDER,required" doc:"Address that mails come from."`
}

func mailService() Service {
	return Service{
		Name:       "mail",
		Settings:   &mailSettings{},
		Migrations: migrations,
		Build:      func(context.Context, *Runtime) error { return nil },
	}
}

func TestCheckConfigTellsAllProblems(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"command": {"check-config"}, "flag": {"--check-config"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := run(t, mailService(), args,
				"GATEHOUSE_DRAIN=soon", "GATEHOUSE_LISTN=:1", "GATEHOUSE_PEERS=accounts", "GATEHOUSE_ROOT_KEY_FILE=/does/not/exist")
			r.want(2, "GATEHOUSE_DRAIN", "GATEHOUSE_LISTN is not a setting", "GATEHOUSE_PEERS", "GATEHOUSE_ROOT_KEY_FILE",
				"GATEHOUSE_MAIL_SENDER is required", "GATEHOUSE_DATABASE_URL (or GATEHOUSE_DATABASE_URL_FILE) is required", "Plaintext between services is refused")
			if text := r.stderr.String(); strings.Count(text, "GATEHOUSE_ROOT_KEY") != 1 {
				t.Errorf("the root key is a problem twice:\n%s", text)
			}
		})
	}
}

func TestCheckConfigPrintsNoSecrets(t *testing.T) {
	t.Parallel()
	r := run(t, mailService(), []string{"check-config"},
		"GATEHOUSE_MAIL_SENDER=a@b.test", "INSECURE_INTERNAL=true", "GATEHOUSE_PEERS=accounts=h:1|i:2",
		"GATEHOUSE_ROOT_KEY="+rootKey, "GATEHOUSE_DATABASE_URL=postgres://u:hunter2@db/x")
	r.want(0)
	text := r.stdout.String()
	for _, line := range []string{"GATEHOUSE_MAIL_SENDER=a@b.test\n", "GATEHOUSE_PEERS=accounts=h:1|i:2\n", "GATEHOUSE_LISTEN=:8080\n", "GATEHOUSE_ROOT_KEY=[set]\n"} {
		if !strings.Contains(text, line) {
			t.Errorf("standard output lacks %q:\n%s", line, text)
		}
	}
	if strings.Contains(text, "hunter2") || strings.Contains(text, rootKey) {
		t.Errorf("standard output has a secret:\n%s", text)
	}
}

func TestCheckConfigLooksIntoFiles(t *testing.T) {
	t.Parallel()
	broken := filepath.Join(t.TempDir(), "broken.pem")
	if err := os.WriteFile(broken, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := run(t, insecure(nil), []string{"check-config"},
		"GATEHOUSE_TLS_CERT="+broken, "GATEHOUSE_TLS_KEY="+broken, "GATEHOUSE_TLS_CA="+broken,
		"CONSUL_HTTP_ADDR=https://consul", "CONSUL_CACERT=/does/not/exist")
	r.want(2, "GATEHOUSE_TLS_*", "CONSUL_HTTP_ADDR")

	files := testkit.CA(t).Issue("mail")
	r = run(t, insecure(nil), []string{"check-config"},
		"GATEHOUSE_TLS_CERT="+files.Cert, "GATEHOUSE_TLS_KEY="+files.Key, "GATEHOUSE_TLS_CA="+files.CA, "CONSUL_HTTP_ADDR=consul:8500")
	r.want(0)
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args           []string
		code           int
		stdout, stderr string
	}{
		"version":         {[]string{"version"}, 0, "mail " + Version() + " (go", ""},
		"version flag":    {[]string{"--version"}, 0, "mail " + Version() + " (go", ""},
		"help":            {[]string{"help"}, 0, "| `GATEHOUSE_MAIL_SENDER` |", ""},
		"help flag":       {[]string{"--help"}, 0, "check-config", ""},
		"help of serve":   {[]string{"help", "serve"}, 0, "Run the service", ""},
		"unknown command": {[]string{"sreve"}, 2, "", `unknown command "sreve"`},
		"unknown flag":    {[]string{"--port"}, 2, "", "unknown flag: --port"},
		"too much":        {[]string{"serve", "now"}, 2, "", `unknown command "now"`},
		"serve":           {[]string{"serve"}, 2, "", "GATEHOUSE_MAIL_SENDER"},
		"default":         {nil, 2, "", "GATEHOUSE_MAIL_SENDER"},
		"migrate":         {[]string{"migrate"}, 2, "", "GATEHOUSE_MAIL_SENDER"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := run(t, mailService(), test.args)
			r.want(test.code, test.stderr)
			if !strings.Contains(r.stdout.String(), test.stdout) {
				t.Errorf("standard output: %s", r.stdout)
			}
		})
	}
}

func TestMigrateNeedsADatabase(t *testing.T) {
	t.Parallel()
	run(t, insecure(nil), []string{"migrate"}).want(2, `unknown command "migrate"`)
}

func TestPlaintextIsRefused(t *testing.T) {
	t.Parallel()
	r := run(t, insecure(nil), nil)
	r.want(2, "Plaintext between services is refused")
	if lines := strings.Count(r.stderr.String(), "\n"); lines != 2 {
		t.Errorf("%d lines for one problem:\n%s", lines, r.stderr)
	}
	alone := Service{Name: "standalone", Alone: true, Build: func(_ context.Context, rt *Runtime) error {
		rt.ServeInternal(http.NotFoundHandler())
		return nil
	}}
	start(t, alone, clockwork.NewRealClock()).want(1, "plaintext between services is refused")
}

func TestServicesThatCannotRun(t *testing.T) {
	t.Parallel()
	run(t, insecure(nil), nil, "INSECURE_INTERNAL=true", "GATEHOUSE_DEBUG_LISTEN=127.0.0.1:0").want(1, "has no Build")
	run(t, Service{Name: "mail", Settings: &struct{ Port int }{}}, nil).want(1, "no field of type app.Base")
	run(t, Service{Name: "mail", Settings: mailSettings{}}, nil).want(1, "not a pointer")
}

func TestHealthcheck(t *testing.T) {
	t.Parallel()
	address := make(chan string, 1)
	s := insecure(func(_ context.Context, rt *Runtime) error {
		address <- "GATEHOUSE_DEBUG_LISTEN=" + rt.debug.Addr().String()
		rt.ServePublic(http.NotFoundHandler())
		return nil
	})
	r := start(t, s, clockwork.NewRealClock(), "INSECURE_INTERNAL=true", "GATEHOUSE_DRAIN=0s")
	debug := <-address
	r.stderr.await(t, `"serving"`, 1)
	run(t, s, []string{"healthcheck"}, debug).want(0)
	r.stop()
	r.want(0)
	run(t, s, []string{"healthcheck"}, debug).want(1, "mail: ")
}
