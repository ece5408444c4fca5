package device

import (
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/pkg/api"
)

func TestDevices(t *testing.T) {
	t.Parallel()
	const (
		windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
		android = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36"
	)
	for _, tt := range []struct {
		a, b string
		same bool
	}{
		{windows, strings.ReplaceAll(windows, "126", "127"), true},
		{windows, strings.ToUpper(windows), true},
		{"Mozilla/5.0 (X11; Linux; rv:109.0) Gecko/20100101 Firefox/115.0", "Mozilla/5.0 (X11; Linux; rv:131.2) Gecko/20100101 Firefox/131.0b3", true},
		{"a (CPU iPhone OS 17_4_1 like Mac OS X)", "a (CPU iPhone OS 18_0 like Mac OS X)", true},
		{"Browser/1", "Browser", true},
		{windows, windows + " Edg/126.0.0.0", false},
		{windows, android, false},
		{"Browser/1", "", false},
	} {
		a, b := Of(api.Origin{UserAgent: tt.a}).Device, Of(api.Origin{UserAgent: tt.b}).Device
		if (a == b) != tt.same {
			t.Errorf("%q and %q: %q and %q", tt.a, tt.b, a, b)
		}
		if strings.ContainsAny(a, "0123456789") {
			t.Errorf("%q has a number", a)
		}
	}
}

func TestNetworks(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ address, network, client string }{
		{"192.0.2.7", "192.0.0.0/16", "192.0.2.0/24"},
		{"::ffff:192.0.2.7", "192.0.0.0/16", "192.0.2.0/24"},
		{"2001:db8:1:2:3::4", "2001:db8::/32", "2001:db8:1:2::/64"},
		{"fe80::1%eth0", "fe80::/32", "fe80::/64"},
		{"", "", ""},
		{"no address", "no address", "no address"},
		{"\x00" + strings.Repeat("a", 100), strings.Repeat("a", 63), strings.Repeat("a", 63)},
	} {
		o := api.Origin{Address: tt.address}
		if got := Of(o).Network; got != tt.network {
			t.Errorf("network of %q is %q, want %q", tt.address, got, tt.network)
		}
		if got := Client(o); got != tt.client {
			t.Errorf("client of %q is %q, want %q", tt.address, got, tt.client)
		}
	}
}
