package config_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/config"
)

type settings struct {
	shared
	Issuer   url.URL       `env:"GATEHOUSE_ISSUER,required" doc:"the public address"`
	Idle     time.Duration `env:"GATEHOUSE_IDLE" envDefault:"15m" doc:"how long a session may be idle"`
	Attempts int           `env:"GATEHOUSE_ATTEMPTS" envDefault:"5"`
	Strict   bool          `env:"GATEHOUSE_STRICT"`
	Ratio    float64       `env:"GATEHOUSE_RATIO" envDefault:"0.5"`
	Small    uint8         `env:"GATEHOUSE_SMALL"`
	Level    slog.Level    `env:"GATEHOUSE_LOG_LEVEL" envDefault:"info"`
	Origins  []string      `env:"GATEHOUSE_ORIGINS"`
	Delays   []time.Duration
	Backoff  []time.Duration   `env:"GATEHOUSE_BACKOFF" envDefault:"1s,5s" envSeparator:","`
	Peers    map[string]string `env:"GATEHOUSE_PEERS"`
	Optional *int              `env:"GATEHOUSE_OPTIONAL"`
	Mail     mailSettings      `envPrefix:"GATEHOUSE_MAIL_"`
	Consul   string            `env:"CONSUL_HTTP_ADDR"`
	ignored  string
}

type shared struct {
	Listen string `env:"GATEHOUSE_LISTEN" envDefault:":8080" doc:"address to listen on"`
}

type mailSettings struct {
	Host  string `env:"HOST" envDefault:"localhost"`
	Retry struct {
		Limit int `env:"LIMIT" envDefault:"3"`
	} `envPrefix:"RETRY_"`
}

const issuer = "GATEHOUSE_ISSUER=https://id.example.org"

func TestLoadTakesDefaults(t *testing.T) {
	t.Parallel()
	var s settings
	require.NoError(t, config.Load(&s, []string{issuer, "PATH=/bin", "malformed"}))
	assert.Equal(t, settings{
		shared:   shared{Listen: ":8080"},
		Issuer:   url.URL{Scheme: "https", Host: "id.example.org"},
		Idle:     15 * time.Minute,
		Attempts: 5,
		Ratio:    0.5,
		Backoff:  []time.Duration{time.Second, 5 * time.Second},
		Mail: mailSettings{Host: "localhost", Retry: struct {
			Limit int `env:"LIMIT" envDefault:"3"`
		}{Limit: 3}},
	}, s)
	assert.Empty(t, s.ignored)
}

func TestLoadReadsValues(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		environ []string
		got     func(settings) any
		want    any
	}{
		"a string":                   {[]string{"GATEHOUSE_LISTEN=:9"}, func(s settings) any { return s.Listen }, ":9"},
		"a value with =":             {[]string{"GATEHOUSE_LISTEN=a=b"}, func(s settings) any { return s.Listen }, "a=b"},
		"the last one of two":        {[]string{"GATEHOUSE_LISTEN=:1", "GATEHOUSE_LISTEN=:2"}, func(s settings) any { return s.Listen }, ":2"},
		"an empty value is not set":  {[]string{"GATEHOUSE_LISTEN="}, func(s settings) any { return s.Listen }, ":8080"},
		"a duration":                 {[]string{"GATEHOUSE_IDLE=1h30m"}, func(s settings) any { return s.Idle }, 90 * time.Minute},
		"a number":                   {[]string{"GATEHOUSE_ATTEMPTS=12"}, func(s settings) any { return s.Attempts }, 12},
		"a truth":                    {[]string{"GATEHOUSE_STRICT=true"}, func(s settings) any { return s.Strict }, true},
		"a type that reads text":     {[]string{"GATEHOUSE_LOG_LEVEL=debug"}, func(s settings) any { return s.Level }, slog.LevelDebug},
		"a list":                     {[]string{"GATEHOUSE_ORIGINS=a,b"}, func(s settings) any { return s.Origins }, []string{"a", "b"}},
		"a list with spaces":         {[]string{"GATEHOUSE_ORIGINS= a , b ,, "}, func(s settings) any { return s.Origins }, []string{"a", "b"}},
		"a list of nothing":          {[]string{"GATEHOUSE_ORIGINS= , "}, func(s settings) any { return s.Origins }, []string(nil)},
		"a list of durations":        {[]string{"GATEHOUSE_BACKOFF=1m, 2m"}, func(s settings) any { return s.Backoff }, []time.Duration{time.Minute, 2 * time.Minute}},
		"a map":                      {[]string{"GATEHOUSE_PEERS=mail:a,oauth:b"}, func(s settings) any { return s.Peers }, map[string]string{"mail": "a", "oauth": "b"}},
		"a pointer":                  {[]string{"GATEHOUSE_OPTIONAL=0"}, func(s settings) any { return *s.Optional }, 0},
		"a nested value":             {[]string{"GATEHOUSE_MAIL_HOST=mx"}, func(s settings) any { return s.Mail.Host }, "mx"},
		"a value nested in nested":   {[]string{"GATEHOUSE_MAIL_RETRY_LIMIT=9"}, func(s settings) any { return s.Mail.Retry.Limit }, 9},
		"a name of somebody else's":  {[]string{"CONSUL_HTTP_ADDR=consul:8500"}, func(s settings) any { return s.Consul }, "consul:8500"},
		"an unknown name of another": {[]string{"CONSUL_HTTP_ADR=consul:8500"}, func(s settings) any { return s.Consul }, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var s settings
			require.NoError(t, config.Load(&s, append([]string{issuer}, c.environ...)))
			assert.Equal(t, c.want, c.got(s))
		})
	}
}

func TestLoadReportsProblems(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		environ []string
		want    []string
	}{
		"missing":                {nil, []string{"GATEHOUSE_ISSUER is required: the public address"}},
		"missing because empty":  {[]string{"GATEHOUSE_ISSUER="}, []string{"GATEHOUSE_ISSUER is required: the public address"}},
		"not a duration":         {[]string{issuer, "GATEHOUSE_IDLE=15"}, []string{`GATEHOUSE_IDLE: "15" is not a duration such as "90s", "15m" or "12h"`}},
		"not a number":           {[]string{issuer, "GATEHOUSE_ATTEMPTS=many"}, []string{`GATEHOUSE_ATTEMPTS: "many" is not a whole number`}},
		"not a natural number":   {[]string{issuer, "GATEHOUSE_SMALL=-1"}, []string{`GATEHOUSE_SMALL: "-1" is not a whole number of 0 or more`}},
		"out of range":           {[]string{issuer, "GATEHOUSE_SMALL=256"}, []string{`GATEHOUSE_SMALL: "256" is out of range`}},
		"not a ratio":            {[]string{issuer, "GATEHOUSE_RATIO=half"}, []string{`GATEHOUSE_RATIO: "half" is not a number`}},
		"not a truth":            {[]string{issuer, "GATEHOUSE_STRICT=maybe"}, []string{`GATEHOUSE_STRICT: "maybe" is not "true" or "false"`}},
		"not a URL":              {[]string{"GATEHOUSE_ISSUER=:/x"}, []string{`GATEHOUSE_ISSUER: ":/x" is not a URL`}},
		"not a level":            {[]string{issuer, "GATEHOUSE_LOG_LEVEL=loud"}, []string{`GATEHOUSE_LOG_LEVEL: slog: level string "loud": unknown name`}},
		"not a list of those":    {[]string{issuer, "GATEHOUSE_BACKOFF=1s,soon"}, []string{`GATEHOUSE_BACKOFF: "1s,soon" is not a list of which each item is a duration such as "90s", "15m" or "12h"`}},
		"not a map":              {[]string{issuer, "GATEHOUSE_PEERS=mail"}, []string{`GATEHOUSE_PEERS: "mail" should be in "key:value" format`}},
		"nested":                 {[]string{issuer, "GATEHOUSE_MAIL_RETRY_LIMIT=x"}, []string{`GATEHOUSE_MAIL_RETRY_LIMIT: "x" is not a whole number`}},
		"a pointer":              {[]string{issuer, "GATEHOUSE_OPTIONAL=x"}, []string{`GATEHOUSE_OPTIONAL: "x" is not a whole number`}},
		"a line break":           {[]string{issuer, "GATEHOUSE_ATTEMPTS=1\n2"}, []string{`GATEHOUSE_ATTEMPTS: "1\n2" is not a whole number`}},
		"unknown":                {[]string{issuer, "GATEHOUSE_SOMETHING_ELSE=1"}, []string{"GATEHOUSE_SOMETHING_ELSE is not a setting"}},
		"unknown and empty":      {[]string{issuer, "GATEHOUSE_SOMETHING_ELSE="}, []string{"GATEHOUSE_SOMETHING_ELSE is not a setting"}},
		"a typing error":         {[]string{issuer, "GATEHOUSE_LISTN=1"}, []string{"GATEHOUSE_LISTN is not a setting: did you mean GATEHOUSE_LISTEN?"}},
		"letters swapped":        {[]string{issuer, "GATEHOUSE_ORIGNIS=1"}, []string{"GATEHOUSE_ORIGNIS is not a setting: did you mean GATEHOUSE_ORIGINS?"}},
		"a file for no secret":   {[]string{issuer, "GATEHOUSE_LISTEN_FILE=/x"}, []string{"GATEHOUSE_LISTEN_FILE is not a setting: only a secret can come from a file, and GATEHOUSE_LISTEN is none"}},
		"the prefix on its own":  {[]string{issuer, "GATEHOUSE_=1"}, []string{"GATEHOUSE_ is not a setting"}},
		"almost a service link":  {[]string{issuer, "GATEHOUSE_MAIL_PORT=tcp://10.0.0.1:80"}, []string{"GATEHOUSE_MAIL_PORT is not a setting: did you mean GATEHOUSE_MAIL_HOST?"}},
		"two in different kinds": {[]string{"GATEHOUSE_IDLE=x", "GATEHOUSE_LISTN=1"}, []string{"GATEHOUSE_ISSUER is required: the public address", `GATEHOUSE_IDLE: "x" is not a duration such as "90s", "15m" or "12h"`, "GATEHOUSE_LISTN is not a setting: did you mean GATEHOUSE_LISTEN?"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var s settings
			assert.Equal(t, c.want, problems(t, config.Load(&s, c.environ)))
		})
	}
}

func problems(t *testing.T, err error) []string {
	t.Helper()
	failed, ok := errors.AsType[*config.Error](err)
	require.True(t, ok, "got %v", err)
	return failed.Problems
}

func TestErrorHasALineForEachProblem(t *testing.T) {
	t.Parallel()
	var s settings
	require.EqualError(t, config.Load(&s, nil),
		"there is a problem with the configuration:\n  GATEHOUSE_ISSUER is required: the public address")
	err := config.Load(&s, []string{"GATEHOUSE_STRICT=x", "GATEHOUSE_RATIO=x"})
	assert.Equal(t, 3, strings.Count(err.Error(), "\n"))
	assert.True(t, strings.HasPrefix(err.Error(), "there are 3 problems with the configuration:\n"), err.Error())
}

func TestLoadLeavesKubernetesServiceLinksAlone(t *testing.T) {
	t.Parallel()
	var s settings
	require.NoError(t, config.Load(&s, []string{
		issuer,
		"GATEHOUSE_GATEWAY_SERVICE_HOST=10.0.0.1",
		"GATEHOUSE_GATEWAY_SERVICE_PORT=80",
		"GATEHOUSE_GATEWAY_SERVICE_PORT_HTTP=80",
		"GATEHOUSE_GATEWAY_PORT=tcp://10.0.0.1:80",
		"GATEHOUSE_GATEWAY_PORT_80_TCP=tcp://10.0.0.1:80",
		"GATEHOUSE_GATEWAY_PORT_80_TCP_PROTO=tcp",
		"GATEHOUSE_GATEWAY_PORT_80_TCP_PORT=80",
		"GATEHOUSE_GATEWAY_PORT_80_TCP_ADDR=10.0.0.1",
	}))
}

func TestLoadRefusesWhatIsNoStructOfSettings(t *testing.T) {
	t.Parallel()
	type twoDefaults struct {
		A string `env:"GATEHOUSE_A" envDefault:"1"`
		B string `env:"GATEHOUSE_A" envDefault:"2"`
	}
	type halfSecret struct {
		A string `env:"GATEHOUSE_A" secret:"true"`
		B string `env:"GATEHOUSE_A"`
	}
	type fileTwice struct {
		A string `env:"GATEHOUSE_A" secret:"true"`
		B string `env:"GATEHOUSE_A_FILE"`
	}
	for want, dst := range map[string]any{
		"not into config_test.settings":          settings{},
		"not into *config_test.settings":         (*settings)(nil),
		"not into *int":                          new(int),
		"not into <nil>":                         nil,
		`GATEHOUSE_A has two defaults`:           &twoDefaults{},
		"GATEHOUSE_A is a secret in one place":   &halfSecret{},
		"GATEHOUSE_A_FILE is the file of the se": &fileTwice{},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			err := config.Load(dst, nil)
			require.ErrorContains(t, err, want)
			_, ok := errors.AsType[*config.Error](err)
			assert.False(t, ok, "a programming error is not the operator's problem")
		})
	}
}

func TestLoadReportsATypeItCannotRead(t *testing.T) {
	t.Parallel()
	var s struct {
		Channel chan int `env:"GATEHOUSE_CHANNEL"`
	}
	assert.Equal(t, []string{`GATEHOUSE_CHANNEL: env: no parser found for field "Channel" of type "chan int"`},
		problems(t, config.Load(&s, []string{"GATEHOUSE_CHANNEL=1"})))
}

type port int

func (p *port) Validate() []string {
	if *p < 1 || *p > 65535 {
		return []string{fmt.Sprintf("%d is not a port", *p)}
	}
	return nil
}

type limits struct {
	Low  int `env:"GATEHOUSE_LOW" envDefault:"1"`
	High int `env:"GATEHOUSE_HIGH" envDefault:"2"`
}

func (l limits) Validate() []string {
	if l.Low > l.High {
		return []string{"GATEHOUSE_LOW must not be more than GATEHOUSE_HIGH", "so turn them round"}
	}
	return nil
}

func TestLoadCollectsWhatValidatorsSay(t *testing.T) {
	t.Parallel()
	type validated struct {
		Limits limits
		limits
		Port  port `env:"GATEHOUSE_PORT" envDefault:"80"`
		Other int  `env:"GATEHOUSE_OTHER"`
	}
	cases := map[string]struct {
		environ []string
		want    []string
	}{
		"of a struct": {[]string{"GATEHOUSE_LOW=3"}, []string{"GATEHOUSE_LOW must not be more than GATEHOUSE_HIGH", "so turn them round"}},
		"of a type":   {[]string{"GATEHOUSE_PORT=0"}, []string{"GATEHOUSE_PORT: 0 is not a port"}},
		"not when a value beneath could not be read": {[]string{"GATEHOUSE_LOW=9", "GATEHOUSE_HIGH=x"}, []string{`GATEHOUSE_HIGH: "x" is not a whole number`}},
		"but when another could not": {[]string{"GATEHOUSE_LOW=3", "GATEHOUSE_OTHER=x"}, []string{
			"GATEHOUSE_LOW must not be more than GATEHOUSE_HIGH", "so turn them round", `GATEHOUSE_OTHER: "x" is not a whole number`}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var v validated
			assert.Equal(t, c.want, problems(t, config.Load(&v, c.environ)))
		})
	}
	require.NoError(t, config.Load(&validated{}, nil))
}
