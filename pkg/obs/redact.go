package obs

import (
	"encoding"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Redacted stands in the log where a secret would have been.
const Redacted = "[redacted]"

// secretWords make the value of a key that contains one of them a secret.
var secretWords = map[string]bool{
	"assertion": true, "authorization": true, "code": true, "cookie": true, "credential": true, "jwt": true,
	"otp": true, "passcode": true, "passphrase": true, "password": true, "passwd": true, "secret": true,
	"seed": true, "signature": true, "token": true, "totp": true, "verifier": true,
}

// plainEndings make it harmless again: token_type, secret_count, cookie_name,
// authorization_endpoint.
var plainEndings = map[string]bool{
	"algorithm": true, "attempt": true, "count": true, "endpoint": true, "enabled": true, "expiry": true, "expires": true,
	"format": true, "id": true, "kind": true, "length": true, "lifetime": true, "method": true, "name": true,
	"size": true, "status": true, "ttl": true, "type": true, "uri": true, "url": true,
}

// plainCodes come before "code" where it is no credential: status_code.
var plainCodes = map[string]bool{
	"country": true, "error": true, "exit": true, "http": true, "language": true, "reply": true, "response": true,
	"smtp": true, "sql": true, "status": true,
}

// secretNames are secrets, alone or at the end, that consist of words which are
// not.
var secretNames = map[string]bool{
	"apikey": true, "api.key": true, "dsn": true, "pin": true, "private.key": true, "root.key": true,
}

// Secret says whether the value under a key of that name (snake_case, kebab-case
// or camelCase) must not be written anywhere.
func Secret(key string) bool {
	words := split(key)
	if len(words) == 0 {
		return false
	}
	if secretNames[strings.Join(words[max(0, len(words)-2):], ".")] {
		return true
	}
	if plainEndings[words[len(words)-1]] {
		return false
	}
	for i, word := range words {
		if word == "code" && i > 0 && plainCodes[words[i-1]] {
			continue
		}
		if secretWords[word] || secretWords[strings.TrimSuffix(word, "s")] {
			return true
		}
	}
	return false
}

// split cuts a key into its words, in lower case.
func split(key string) []string {
	var words []string
	var word strings.Builder
	flush := func() {
		if word.Len() > 0 {
			words = append(words, word.String())
			word.Reset()
		}
	}
	runes := []rune(key)
	for i, r := range runes {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			flush()
			continue
		}
		if unicode.IsUpper(r) && i > 0 && startsWord(runes, i) {
			flush()
		}
		word.WriteRune(unicode.ToLower(r))
	}
	flush()
	return words
}

// startsWord is true at the T of idToken and at the T of JSONToken.
func startsWord(runes []rune, i int) bool {
	return !unicode.IsUpper(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])
}

// redact is slog's ReplaceAttr: it is called for every attribute that is not a
// group, with the names of the groups around it.
func redact(groups []string, a slog.Attr) slog.Attr {
	if Secret(a.Key) || slices.ContainsFunc(groups, Secret) {
		return slog.String(a.Key, Redacted)
	}
	switch a.Value.Kind() {
	case slog.KindString:
		if text := a.Value.String(); mayHoldSecret(text) {
			a.Value = slog.StringValue(scrub(text))
		}
	case slog.KindAny:
		a.Value = redactAny(a.Value)
	}
	return a
}

func redactAny(v slog.Value) slog.Value {
	switch x := v.Any().(type) {
	case nil, *slog.Source:
		return v
	case error:
		return slog.StringValue(scrub(errorText(x)))
	case encoding.TextMarshaler, json.Marshaler:
		return v
	case fmt.Stringer:
		return slog.StringValue(scrub(errorText(x)))
	default:
		return redactComposite(v, x)
	}
}

// errorText survives typed nil pointers and methods that panic, as slog does.
func errorText(x any) string { return fmt.Sprintf("%v", x) }

// redactComposite sees a struct, map or slice as its JSON, so that the keys
// within are known.
func redactComposite(v slog.Value, x any) slog.Value {
	t := reflect.TypeOf(x)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Struct, reflect.Map, reflect.Slice, reflect.Array, reflect.Interface:
	default:
		return v
	}
	text, err := json.Marshal(x)
	if err != nil {
		return slog.StringValue("!cannot be logged: " + t.String())
	}
	var tree any
	if err := json.Unmarshal(text, &tree); err != nil {
		return slog.StringValue("!cannot be logged: " + t.String())
	}
	return slog.AnyValue(redactTree(tree))
}

func redactTree(tree any) any {
	switch x := tree.(type) {
	case map[string]any:
		for key, value := range x {
			if Secret(key) {
				x[key] = Redacted
				continue
			}
			x[key] = redactTree(value)
		}
	case []any:
		for i, value := range x {
			x[i] = redactTree(value)
		}
	case string:
		return scrub(x)
	}
	return tree
}

var (
	secretParameter = regexp.MustCompile(`([?&#;]|^)([A-Za-z_]+)=([^&\s"'#;]+)`)
	bearer          = regexp.MustCompile(`(?i)\b(bearer|basic|dpop)\s+[A-Za-z0-9._~+/=-]{16,}`)
	userinfo        = regexp.MustCompile(`://([^:/?#\s@]*):[^@/\s]+@`)
)

func mayHoldSecret(s string) bool {
	return strings.ContainsAny(s, "=@") || bearer.MatchString(s)
}

// scrub takes secrets out of running text: query and form parameters of URLs,
// HTTP credentials, and the password of a database URL. Errors of net/http and
// of drivers quote such URLs.
func scrub(s string) string {
	if !mayHoldSecret(s) {
		return s
	}
	s = secretParameter.ReplaceAllStringFunc(s, func(match string) string {
		parts := secretParameter.FindStringSubmatch(match)
		if !Secret(parts[2]) {
			return match
		}
		return parts[1] + parts[2] + "=" + Redacted
	})
	s = bearer.ReplaceAllString(s, "$1 "+Redacted)
	return userinfo.ReplaceAllString(s, "://$1:"+Redacted+"@")
}
