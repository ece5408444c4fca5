package app

import (
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPeers(t *testing.T) {
	t.Parallel()
	var peers Peers
	if err := peers.UnmarshalText([]byte(" accounts = a:1 | [::1]:2, sessions=b:3 ,")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Peers{"accounts": {"a:1", "[::1]:2"}, "sessions": {"b:3"}}, peers); diff != "" {
		t.Error(diff)
	}
	text, err := peers.MarshalText()
	if err != nil || string(text) != "accounts=a:1|[::1]:2,sessions=b:3" {
		t.Errorf("%s, %v", text, err)
	}
	for _, wrong := range []string{"accounts", "accounts=", "=a:1", "accounts=a", "accounts=a:1|", "accounts=:1", "accounts=a:", "a=b:1,a=b:2"} {
		if err := peers.UnmarshalText([]byte(wrong)); err == nil {
			t.Errorf("%q was accepted", wrong)
		}
	}
}

func TestBaseIsValidated(t *testing.T) {
	t.Parallel()
	good := Base{Listen: ":1", DebugListen: ":2", LogFormat: "json", Shutdown: time.Second}
	if problems := good.Validate(); len(problems) > 0 {
		t.Error(problems)
	}
	for name, test := range map[string]struct {
		spoil func(*Base)
		want  string
	}{
		"listen":     {func(b *Base) { b.Listen = "8080" }, "GATEHOUSE_LISTEN"},
		"debug":      {func(b *Base) { b.DebugListen = "x" }, "GATEHOUSE_DEBUG_LISTEN"},
		"format":     {func(b *Base) { b.LogFormat = "xml" }, "GATEHOUSE_LOG_FORMAT"},
		"drain":      {func(b *Base) { b.Drain = -1 }, "GATEHOUSE_DRAIN"},
		"shutdown":   {func(b *Base) { b.Shutdown = 0 }, "GATEHOUSE_SHUTDOWN"},
		"half TLS":   {func(b *Base) { b.TLSCert = "x" }, "belong together"},
		"both":       {func(b *Base) { b.TLSCert, b.TLSKey, b.TLSCA, b.InsecureInternal = "x", "y", "z", true }, "exclude"},
		"root key":   {func(b *Base) { b.RootKey = "x" }, "GATEHOUSE_ROOT_KEY"},
		"advertise":  {func(b *Base) { b.Advertise = "host:http" }, "GATEHOUSE_ADVERTISE"},
		"advertise2": {func(b *Base) { b.Advertise = "http://host" }, "GATEHOUSE_ADVERTISE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := good
			test.spoil(&b)
			problems := b.Validate()
			if !slices.ContainsFunc(problems, func(p string) bool { return strings.Contains(p, test.want) }) {
				t.Errorf("%q", problems)
			}
		})
	}
}

func TestAdvertised(t *testing.T) {
	t.Parallel()
	machine, err := machineAddress()
	if err != nil {
		t.Logf("this machine has only loopback addresses: %v", err)
	}
	at := func(ip string, port int) *Server {
		return &Server{listener: fixedListener{addr: &net.TCPAddr{IP: net.ParseIP(ip), Port: port}}}
	}
	for _, test := range []struct {
		listen, advertise string
		host              string
		port              int
		check             string
	}{
		{"127.0.0.1", "", "127.0.0.1", 1, "http://127.0.0.1:2/readyz"},
		{"::1", "", "::1", 1, "http://[::1]:2/readyz"},
		{"::", "mail-0.mail", "mail-0.mail", 1, "http://mail-0.mail:2/readyz"},
		{"::", "10.0.0.1:80", "10.0.0.1", 80, "http://10.0.0.1:2/readyz"},
		{"::", "fd00::1", "fd00::1", 1, "http://[fd00::1]:2/readyz"},
		{"0.0.0.0", "", machine, 1, "http://" + net.JoinHostPort(machine, "2") + "/readyz"},
	} {
		rt := &Runtime{Base: Base{Advertise: test.advertise}, debug: at("::", 2)}
		host, port, check, err := rt.advertised(at(test.listen, 1))
		if test.host == "" {
			continue
		}
		if err != nil || host != test.host || port != test.port || check != test.check {
			t.Errorf("%+v: %s %d %s %v", test, host, port, check, err)
		}
	}
}

type fixedListener struct {
	net.Listener
	addr net.Addr
}

func (l fixedListener) Addr() net.Addr { return l.addr }
