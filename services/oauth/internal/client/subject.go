package client

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// attributeTypes are the short names of attributes in distinguished names (RFC
// 4514 section 3), with those that certificates of services have besides.
var attributeTypes = map[string]asn1.ObjectIdentifier{
	"CN":                     {2, 5, 4, 3},
	"SN":                     {2, 5, 4, 4},
	"SERIALNUMBER":           {2, 5, 4, 5},
	"C":                      {2, 5, 4, 6},
	"L":                      {2, 5, 4, 7},
	"ST":                     {2, 5, 4, 8},
	"STREET":                 {2, 5, 4, 9},
	"O":                      {2, 5, 4, 10},
	"OU":                     {2, 5, 4, 11},
	"TITLE":                  {2, 5, 4, 12},
	"POSTALCODE":             {2, 5, 4, 17},
	"GIVENNAME":              {2, 5, 4, 42},
	"ORGANIZATIONIDENTIFIER": {2, 5, 4, 97},
	"UID":                    {0, 9, 2342, 19200300, 100, 1, 1},
	"DC":                     {0, 9, 2342, 19200300, 100, 1, 25},
	"EMAILADDRESS":           {1, 2, 840, 113549, 1, 9, 1},
}

var errName = errors.New("client: not a distinguished name (RFC 4514)")

// ValidSubject tells whether a certificate's subject could be compared with it.
func ValidSubject(name string) bool {
	_, err := parseName(name)
	return err == nil
}

// sameSubject compares a certificate's subject with a name in the form of RFC
// 4514: the same attributes with the same values in the same order, whatever
// kinds of strings the values are encoded as. The parts of one that has several
// may come in any order.
func sameSubject(raw []byte, name string) bool {
	registered, err := parseName(name)
	if err != nil {
		return false
	}
	var subject pkix.RDNSequence
	if rest, err := asn1.Unmarshal(raw, &subject); err != nil || len(rest) > 0 {
		return false
	}
	slices.Reverse(registered) // the text has the last part first
	return slices.EqualFunc(subject, registered, func(set pkix.RelativeDistinguishedNameSET, want []string) bool {
		var have []string
		for _, part := range set {
			have = append(have, attribute(part.Type.String(), part.Value))
		}
		slices.Sort(have)
		return slices.Equal(have, want)
	})
}

// attribute is a part of a name in a form that can be compared: its value as
// text or, where that is no text, as it is encoded.
func attribute(kind string, value any) string {
	if text, ok := value.(string); ok {
		return fmt.Sprintf("%s=%q", kind, text)
	}
	encoded, err := asn1.Marshal(value)
	if err != nil {
		return "" // equals nothing that was parsed
	}
	return fmt.Sprintf("%s=#%x", kind, encoded)
}

// parseName reads a name's parts in the order in which they are written, each
// of them as its sorted attributes.
func parseName(name string) ([][]string, error) {
	if name == "" || !utf8.ValidString(name) {
		return nil, errName
	}
	var parts [][]string
	var part []string
	for separator := byte(','); separator != 0; {
		var a string
		var err error
		if a, separator, name, err = parseAttribute(name); err != nil {
			return nil, err
		}
		part = append(part, a)
		if separator != '+' {
			slices.Sort(part)
			parts, part = append(parts, part), nil
		}
	}
	return parts, nil
}

// parseAttribute reads one type=value and what separates it from the next: ','
// or '+', or 0 at the end.
func parseAttribute(s string) (a string, separator byte, rest string, err error) {
	name, s, ok := strings.Cut(s, "=")
	kind := typeOf(strings.TrimSpace(name))
	if !ok || kind == "" {
		return "", 0, "", errName
	}
	s = strings.TrimLeft(s, " ")
	end, err := valueEnd(s)
	if err != nil {
		return "", 0, "", err
	}
	if end < len(s) {
		separator, rest = s[end], s[end+1:]
	}
	value, err := parseValue(s[:end])
	return attribute(kind, value), separator, rest, err
}

func typeOf(name string) string {
	if oid, ok := attributeTypes[strings.ToUpper(name)]; ok {
		return oid.String()
	}
	numbers := strings.Split(name, ".")
	for _, n := range numbers {
		if v, err := strconv.ParseUint(n, 10, 31); err != nil || strconv.FormatUint(v, 10) != n {
			return ""
		}
	}
	if len(numbers) < 2 {
		return ""
	}
	return name
}

// valueEnd is where the value ends: at a separator that is not escaped.
func valueEnd(s string) (int, error) {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case ',', '+':
			return i, nil
		case '"', ';', '<', '>', 0:
			return 0, errName // RFC 4514 has these escaped
		}
	}
	return len(s), nil
}

// parseValue reads a value, which may be given as the hexadecimal of its
// encoding.
func parseValue(s string) (any, error) {
	encoded, ok := strings.CutPrefix(s, "#")
	if !ok {
		return unescape(s)
	}
	der, err := hex.DecodeString(strings.TrimRight(encoded, " "))
	if err != nil {
		return nil, errName
	}
	var value any
	if rest, err := asn1.Unmarshal(der, &value); err != nil || len(rest) > 0 || value == nil {
		return nil, errName
	}
	return value, nil
}

// unescape undoes the escapes of a value, and drops spaces around it that are
// not escaped.
func unescape(s string) (string, error) {
	var plain []byte
	keep := 0 // spaces after it are none of the value
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			plain = append(plain, s[i])
			if s[i] != ' ' {
				keep = len(plain)
			}
			continue
		}
		switch rest := s[i+1:]; {
		case rest != "" && strings.IndexByte(` "#+,;<=>\`, rest[0]) >= 0:
			plain = append(plain, rest[0])
			i++
		case len(rest) >= 2:
			b, err := hex.DecodeString(rest[:2])
			if err != nil {
				return "", errName
			}
			plain = append(plain, b...)
			i += 2
		default:
			return "", errName
		}
		keep = len(plain)
	}
	if plain = plain[:keep]; len(plain) == 0 || !utf8.Valid(plain) {
		return "", errName
	}
	return string(plain), nil
}
