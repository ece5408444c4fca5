package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/caarlos0/env/v11"
)

// fileSuffix makes, of a secret's name, the name of the variable that tells
// which file the secret is in.
const fileSuffix = "_FILE"

// readFiles adds the secrets whose file is named to the values, and returns the
// problems by the setting's name.
func readFiles(all []setting, values map[string]string) map[string]string {
	problems := map[string]string{}
	for s := range once(all) {
		path := values[s.name+fileSuffix]
		if !s.secret || path == "" {
			continue
		}
		if values[s.name] != "" {
			problems[s.name] = fmt.Sprintf("%s and %s are both set: set one of them", s.name, s.name+fileSuffix)
			continue
		}
		secret, err := readSecret(path)
		if err != nil {
			problems[s.name] = fmt.Sprintf("%s: %v", s.name+fileSuffix, err)
			continue
		}
		values[s.name] = secret
	}
	return problems
}

// readSecret reads a file without the line break that editors and "echo" put at its end.
func readSecret(path string) (string, error) {
	content, err := os.ReadFile(path) // #nosec G304 -- the operator names the file
	if err != nil {
		reason := err
		if failed, ok := errors.AsType[*fs.PathError](err); ok {
			reason = failed.Err
		}
		return "", fmt.Errorf("the file %q cannot be read: %w", path, reason)
	}
	secret := strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r")
	if secret == "" {
		return "", fmt.Errorf("the file %q is empty", path)
	}
	return secret, nil
}

// tidyLists removes the spaces around the items of lists, and empty items.
func tidyLists(all []setting, values map[string]string) {
	for s := range once(all) {
		value, ok := values[s.name]
		if !ok || s.field.Type.Kind() != reflect.Slice || s.field.Type == reflect.TypeFor[[]byte]() {
			continue
		}
		separator := s.field.Tag.Get("envSeparator")
		if separator == "" {
			separator = ","
		}
		var items []string
		for item := range strings.SplitSeq(value, separator) {
			if item = strings.TrimSpace(item); item != "" {
				items = append(items, item)
			}
		}
		if values[s.name] = strings.Join(items, separator); len(items) == 0 {
			delete(values, s.name)
		}
	}
}

// unknown describes the variables that look like settings but are none.
func unknown(all []setting, environ []string) []string {
	known := map[string]bool{}
	for _, s := range all {
		known[s.name] = true
		if s.secret {
			known[s.name+fileSuffix] = true
		}
	}
	values := env.ToMap(environ)
	var problems []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !strings.HasPrefix(name, Prefix) || known[name] || isServiceLink(name, values) {
			continue
		}
		plain, isFile := strings.CutSuffix(name, fileSuffix)
		if isFile && known[plain] {
			problems = append(problems, fmt.Sprintf("%s is not a setting: only a secret can come from a file, and %s is none", name, plain))
			continue
		}
		problem := name + " is not a setting"
		if near := nearest(name, maps.Keys(known)); near != "" {
			problem += ": did you mean " + near + "?"
		}
		problems = append(problems, problem)
	}
	return problems
}

// serviceLink matches the variables that Kubernetes puts into every pod for each
// service in its namespace: GATEHOUSE_MAIL_SERVICE_HOST, GATEHOUSE_MAIL_PORT_8443_TCP_ADDR
// and so on, for a service called gatehouse-mail.
var serviceLink = regexp.MustCompile(`^(.+?)_(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?|PORT(?:_[0-9]+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)$`)

func isServiceLink(name string, values map[string]string) bool {
	match := serviceLink.FindStringSubmatch(name)
	if match == nil {
		return false
	}
	_, host := values[match[1]+"_SERVICE_HOST"]
	_, port := values[match[1]+"_SERVICE_PORT"]
	return host && port
}
