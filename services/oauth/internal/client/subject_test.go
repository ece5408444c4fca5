package client

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func raw(tb testing.TB, name pkix.RDNSequence) []byte {
	tb.Helper()
	der, err := asn1.Marshal(name)
	require.NoError(tb, err)
	return der
}

func part(oid asn1.ObjectIdentifier, value any) pkix.RelativeDistinguishedNameSET {
	return pkix.RelativeDistinguishedNameSET{{Type: oid, Value: value}}
}

var (
	cn = attributeTypes["CN"]
	ou = attributeTypes["OU"]
	o  = attributeTypes["O"]
	c  = attributeTypes["C"]
)

func TestSubjectsAreCompared(t *testing.T) {
	t.Parallel()
	subject := raw(t, pkix.RDNSequence{part(c, "DE"), part(o, "Müller, Söhne"), part(cn, "app")})
	double := raw(t, pkix.RDNSequence{{{Type: cn, Value: "app"}, {Type: ou, Value: "a+b"}}})
	number := raw(t, pkix.RDNSequence{part(asn1.ObjectIdentifier{1, 2, 3}, 7)})
	twins := raw(t, pkix.RDNSequence{{{Type: cn, Value: "app"}, {Type: cn, Value: "app"}}})
	tests := map[string]struct {
		der  []byte
		name string
		same bool
	}{
		"as is":                    {subject, `CN=app,O=Müller\, Söhne,C=DE`, true},
		"spaces":                   {subject, `CN = app , O = Müller\, Söhne, C=DE`, true},
		"types in another case":    {subject, `cn=app,o=Müller\, Söhne,c=DE`, true},
		"numbers for types":        {subject, `2.5.4.3=app,2.5.4.10=Müller\, Söhne,2.5.4.6=DE`, true},
		"escapes in hexadecimal":   {subject, `CN=\61pp,O=M\c3\bcller\2C S\C3\B6hne,C=DE`, true},
		"encoded values":           {subject, `CN=#0c03617070,O=Müller\, Söhne,C=#13024445`, true},
		"the other way round":      {subject, `C=DE,O=Müller\, Söhne,CN=app`, false},
		"a part":                   {subject, `CN=app`, false},
		"more":                     {subject, `OU=x,CN=app,O=Müller\, Söhne,C=DE`, false},
		"another value":            {subject, `CN=App,O=Müller\, Söhne,C=DE`, false},
		"another type":             {subject, `OU=app,O=Müller\, Söhne,C=DE`, false},
		"not escaped":              {subject, `CN=app,O=Müller, Söhne,C=DE`, false},
		"two in one":               {double, `CN=app+OU=a\+b`, true},
		"in any order":             {double, `OU=a\+b + CN=app`, true},
		"one of the two":           {double, `CN=app`, false},
		"the same twice is other":  {twins, `CN=app+OU=a\+b`, false},
		"two where one is":         {raw(t, pkix.RDNSequence{part(cn, "app")}), `CN=app+CN=app`, false},
		"a value that is no text":  {number, `1.2.3=#020107`, true},
		"another number":           {number, `1.2.3=#020108`, false},
		"empty":                    {subject, ``, false},
		"an empty subject":         {raw(t, nil), ``, false},
		"no type":                  {subject, `app`, false},
		"unknown type":             {subject, `XX=app`, false},
		"a comma at the end":       {subject, `CN=app,O=Müller\, Söhne,C=DE,`, false},
		"an escape at the end":     {subject, `CN=app\`, false},
		"not hexadecimal":          {subject, `CN=#zz`, false},
		"trailing DER":             {subject, `CN=#0c0361707000`, false},
		"not UTF-8":                {subject, "CN=\xff", false},
		"escaped, and not UTF-8":   {subject, `CN=\ff`, false},
		"quotes of older RFCs":     {subject, `CN="app",O=Müller\, Söhne,C=DE`, false},
		"an empty value":           {raw(t, pkix.RDNSequence{part(cn, "")}), `CN=`, false},
		"an empty value, encoded":  {raw(t, pkix.RDNSequence{part(cn, asn1.NullRawValue)}), `CN=#0500`, false},
		"a space that is escaped":  {raw(t, pkix.RDNSequence{part(cn, " app ")}), `CN=\ app\ `, true},
		"a space that is not":      {raw(t, pkix.RDNSequence{part(cn, " app ")}), `CN= app `, false},
		"a hash that is a hash":    {raw(t, pkix.RDNSequence{part(cn, "#app")}), `CN=\#app`, true},
		"a subject that is no DER": {[]byte("x"), `CN=app`, false},
	}
	for name, test := range tests {
		assert.Equal(t, test.same, sameSubject(test.der, test.name), name)
	}
}

// What Go itself writes for a subject is read back as that subject.
func FuzzSubjects(f *testing.F) {
	for _, text := range []string{"app", " a", "a ", "#a", `a\b`, "a,b+c", "ä\x7f", `"<>;=`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		name := pkix.RDNSequence{part(o, "x"), part(cn, text)}
		der, err := asn1.Marshal(name)
		var read pkix.RDNSequence
		if err != nil || text == "" {
			return
		}
		if _, err := asn1.Unmarshal(der, &read); err != nil {
			return
		}
		if ValidSubject(read.String()) && !sameSubject(der, read.String()) {
			t.Errorf("%q is not %q", read.String(), text)
		}
		_, _ = parseName(text)
	})
}
