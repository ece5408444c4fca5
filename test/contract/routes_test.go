package contract_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

const gatewayPath = "../../services/gateway"

// documentedPattern is a pattern of http.ServeMux that belongs into the document.
var documentedPattern = regexp.MustCompile(`^(GET|POST|PUT|PATCH|DELETE) (/v1/|/mailbox/messages)`)

// mounted finds the patterns in the gateway's code.
func mounted(t *testing.T) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(gatewayPath, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
				if text, err := strconv.Unquote(literal.Value); err == nil && documentedPattern.MatchString(text) {
					all = append(all, text)
				}
			}
			return true
		})
		return nil
	})
	require.NoError(t, err)
	slices.Sort(all)
	return slices.Compact(all) // some are named again where they are limited
}

func TestTheDocumentListsWhatTheGatewayMounts(t *testing.T) {
	t.Parallel()
	var documented []string
	for _, o := range load(t).operations() {
		documented = append(documented, o.String())
	}
	slices.Sort(documented)
	assert.Equal(t, documented, mounted(t))
}

// TestOtherMethodsAreRefused asks a running gateway which methods each
// documented path has, and for paths that are planned but not there.
func TestOtherMethodsAreRefused(t *testing.T) {
	t.Parallel()
	d, s := load(t), system.Standalone(t)
	methods := map[string][]string{}
	for _, o := range d.operations() {
		methods[o.path] = append(methods[o.path], o.method)
		if o.method == http.MethodGet {
			methods[o.path] = append(methods[o.path], http.MethodHead)
		}
	}
	for path, want := range methods {
		if !strings.HasPrefix(path, "/v1/") {
			continue
		}
		res := s.Call(t, http.MethodPatch, concrete(path), "", nil)
		assert.Equal(t, http.StatusMethodNotAllowed, res.Status, path)
		assert.Equal(t, http.StatusMethodNotAllowed, res.Error.Status, path)
		assert.ElementsMatch(t, want, strings.Split(res.Header.Get("Allow"), ", "), path)
	}
	for _, path := range []string{
		"/v1", "/v1/", "/v1/auth/", "/v1/auth/code", "/v1/auth/hub", "/v1/auth/recovery/initiate", "/v1/password/reset/initiate",
		"/v1/user", "/v1/hub", "/v1/session", "/v1/mfa", "/v1/token", "/v1/client", "/v2/auth",
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			assert.Equal(t, http.StatusNotFound, s.Call(t, method, path, "", nil).Status, "%s %s", method, path)
		}
	}
}
