package input

import (
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

func TestRequiredEmail(t *testing.T) {
	t.Parallel()
	label := strings.Repeat("d", 63)
	long := strings.Repeat("l", 64) + "@" + label + "." + label + "." + strings.Repeat("d", 57) + ".com" // 254
	for _, tt := range []struct {
		in, address, key, broken string
	}{
		{"titan@example.com", "titan@example.com", "titan@example.com", ""},
		{"  Titan@EXAMPLE.Com\n", "Titan@example.com", "titan@example.com", ""},
		{"o'neil+tag_1.x@sub.example.co.uk", "o'neil+tag_1.x@sub.example.co.uk", "o'neil+tag_1.x@sub.example.co.uk", ""},
		{"olli@Bücher.example", "olli@xn--bcher-kva.example", "olli@xn--bcher-kva.example", ""},
		{"olli@bu\u0308cher.example", "olli@xn--bcher-kva.example", "olli@xn--bcher-kva.example", ""},
		{"olli@XN--BCHER-KVA.example", "olli@xn--bcher-kva.example", "olli@xn--bcher-kva.example", ""},
		{"olli@straße.example", "olli@xn--strae-oqa.example", "olli@xn--strae-oqa.example", ""},
		{"olli@example。com", "olli@example.com", "olli@example.com", ""},
		{long, long, long, ""},

		{"", "", "", "validation.required"},
		{" \t", "", "", "validation.required"},
		{long + "x", "", "", "validation.max_length"},
		{strings.Repeat("l", 65) + "@example.com", "", "", "validation.email"},
		{"olli\xff@example.com", "", "", "validation.utf8"},
		{"olli", "", "", "validation.email"},
		{"@example.com", "", "", "validation.email"},
		{"olli@", "", "", "validation.email"},
		{"olli@localhost", "", "", "validation.email"},
		{"olli@example.com.", "", "", "validation.email"},
		{"olli@.example.com", "", "", "validation.email"},
		{"olli@example..com", "", "", "validation.email"},
		{"olli@-example.com", "", "", "validation.email"},
		{"olli@exa_mple.com", "", "", "validation.email"},
		{"olli@" + strings.Repeat("d", 64) + ".com", "", "", "validation.email"},
		{"olli@192.0.2.7", "", "", "validation.email"},
		{"olli@[192.0.2.7]", "", "", "validation.email"},
		{"olli@example.com:25", "", "", "validation.email"},
		{".olli@example.com", "", "", "validation.email"},
		{"olli.@example.com", "", "", "validation.email"},
		{"ol..li@example.com", "", "", "validation.email"},
		{"ol li@example.com", "", "", "validation.email"},
		{`"ol li"@example.com`, "", "", "validation.email"},
		{"Olli Kahn <olli@example.com>", "", "", "validation.email"},
		{"<olli@example.com>", "", "", "validation.email"},
		{"olli@example.com(comment)", "", "", "validation.email"},
		{"olli@example.com,other@example.com", "", "", "validation.email"},
		{"olli@other@example.com", "", "", "validation.email"},
		{"olli@example.com\r\nBcc: all@example.com", "", "", "validation.email"},
		{"olli\x00@example.com", "", "", "validation.email"},
		{"ölli@example.com", "", "", "validation.email"},
		{"olli@exa\u200bmple.com\x00", "", "", "validation.email"},
		{"оlli@example.com", "", "", "validation.email"}, // a Cyrillic o
	} {
		t.Run(tt.in, func(t *testing.T) {
			t.Parallel()
			var v fault.Violations
			got := RequiredEmail(&v, "email", tt.in)
			if broken := messages(v["email"]); tt.broken != "" && !slices.Equal(broken, []string{tt.broken}) ||
				tt.broken == "" && broken != nil {
				t.Fatalf("broken rules %v, want %q", broken, tt.broken)
			}
			if want := (Email{tt.address, tt.key}); got != want {
				t.Fatalf("got %+v, want %+v", got, want)
			}
		})
	}
}

func TestLoginKey(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, email, alias string }{
		{" Titan@Example.COM ", "titan@example.com", ""},
		{"olli@Bücher.example", "olli@xn--bcher-kva.example", ""},
		{"Olli.Kahn", "", "olli.kahn"},
		{"Ｏlli", "", "olli"}, // a full-width O
		{"", "", ""},
		{"olli@", "", ""},
		{"ol\x00li", "", ""},
		{"olli\xff", "", ""},
		{strings.Repeat("a", 2000), "", ""},
		{"' OR 1=1 --", "", "' or 1=1 --"},
	} {
		if email, alias := LoginKey(tt.in); email != tt.email || alias != tt.alias {
			t.Errorf("LoginKey(%q) = %q, %q, want %q, %q", tt.in, email, alias, tt.email, tt.alias)
		}
	}
}

func FuzzParseEmail(f *testing.F) {
	for _, seed := range []string{"titan@example.com", "olli@Bücher.example", "@", "a@b.c\x00", "\xff@x.y"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		first, err := ParseEmail(raw)
		if err != nil {
			return
		}
		again, err := ParseEmail(first.Address)
		if err != nil || again != first {
			t.Fatalf("%q became %+v, which became %+v (%v)", raw, first, again, err)
		}
		if len(first.Address) > MaxEmail || strings.ContainsAny(first.Address, "\x00\r\n <>,;:\"") {
			t.Fatalf("%q became %q", raw, first.Address)
		}
	})
}
