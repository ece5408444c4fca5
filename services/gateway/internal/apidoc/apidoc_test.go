package apidoc

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheDocumentKeepsItsOrder(t *testing.T) {
	t.Parallel()
	text := string(JSON())
	require.True(t, json.Valid(JSON()))
	assert.True(t, strings.HasPrefix(text, `{"openapi":"3.1.1","info":`), text[:100])
	assert.Less(t, strings.Index(text, `"/v1/auth":`), strings.Index(text, `"/v1/activation/initiate":`))
	assert.NotContains(t, text, "x-shared")
	assert.NotContains(t, text, `"<<"`)
}

// TestReferencesLeadSomewhere also finds components that nothing refers to.
func TestReferencesLeadSomewhere(t *testing.T) {
	t.Parallel()
	var document struct {
		Components map[string]map[string]any `json:"components"`
	}
	require.NoError(t, json.Unmarshal(JSON(), &document))
	referred := map[string]bool{}
	for _, ref := range regexp.MustCompile(`"#/components/(\w+/[\w-]+)"`).FindAllStringSubmatch(string(JSON()), -1) {
		referred[ref[1]] = true
	}
	for kind, components := range document.Components {
		if kind == "securitySchemes" {
			continue // which are referred to by name
		}
		for name := range components {
			assert.True(t, referred[kind+"/"+name], "nothing refers to %s/%s", kind, name)
			delete(referred, kind+"/"+name)
		}
	}
	assert.Empty(t, referred, "references to nowhere")
}

func TestNoPartIsLeftOut(t *testing.T) {
	t.Parallel()
	files, err := parts.ReadDir("openapi")
	require.NoError(t, err)
	for _, file := range files {
		if name := strings.TrimSuffix(file.Name(), ".yaml"); name != "shared" {
			assert.Contains(t, partNames, name)
		}
	}
}

func TestOperations(t *testing.T) {
	t.Parallel()
	all := Operations()
	assert.Contains(t, all, "POST /v1/auth")
	assert.Contains(t, all, "PUT /v1/user/{user}")
	assert.IsIncreasing(t, all)
}

func TestJoiningRefusesWhatIsThereTwice(t *testing.T) {
	t.Parallel()
	part := func(path string) *object {
		paths, whole := &object{}, &object{}
		paths.set(path, "x")
		whole.set("paths", paths)
		return whole
	}
	whole := &object{}
	require.NoError(t, whole.join(part("/a"), 2))
	require.NoError(t, whole.join(part("/b"), 2))
	require.ErrorContains(t, whole.join(part("/a"), 2), `"/a" is there twice`)
}

func get(t *testing.T, path string, header map[string]string) *httptest.ResponseRecorder {
	t.Helper()
	h, err := NewHandler()
	require.NoError(t, err)
	mux := http.NewServeMux()
	for pattern, handler := range h.Routes() {
		mux.Handle(pattern, handler)
	}
	r := httptest.NewRequest(http.MethodGet, path, http.NoBody)
	for name, value := range header {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	return w
}

func TestTheDocumentIsServed(t *testing.T) {
	t.Parallel()
	w := get(t, "/v1/openapi.json", nil)
	assert.Equal(t, http.StatusOK, w.Code)
	assert.Equal(t, "application/json", w.Header().Get("Content-Type"))
	assert.Equal(t, "*", w.Header().Get("Access-Control-Allow-Origin"))
	assert.Equal(t, "Accept-Encoding", w.Header().Get("Vary"))
	assert.Equal(t, JSON(), w.Body.Bytes())

	tag := w.Header().Get("ETag")
	require.NotEmpty(t, tag)
	again := get(t, "/v1/openapi.json", map[string]string{"If-None-Match": tag})
	assert.Equal(t, http.StatusNotModified, again.Code)
	assert.Empty(t, again.Body.Bytes())
}

func TestFilesArePackedForWhoCanUnpackThem(t *testing.T) {
	t.Parallel()
	for _, path := range []string{
		"/v1/openapi.json", "/v1/docs", "/v1/docs/docs.css", "/v1/docs/docs.js", "/v1/docs/icon.svg",
		"/v1/docs/swagger-ui.css", "/v1/docs/swagger-ui-bundle.js",
	} {
		plain := get(t, path, nil)
		require.Equal(t, http.StatusOK, plain.Code, path)
		assert.Empty(t, plain.Header().Get("Content-Encoding"), path)
		for _, accepted := range []string{"gzip", "br, gzip;q=0.5", "deflate, GZIP ; q=1.0"} {
			packed := get(t, path, map[string]string{"Accept-Encoding": accepted})
			assert.Equal(t, "gzip", packed.Header().Get("Content-Encoding"), path)
			text, err := unpack(packed.Body.Bytes())
			require.NoError(t, err)
			assert.Equal(t, plain.Body.Bytes(), text, path)
		}
		for _, refused := range []string{"br", "gzip;q=0", "gzip; q=0.0", "identity"} {
			assert.Empty(t, get(t, path, map[string]string{"Accept-Encoding": refused}).Header().Get("Content-Encoding"), refused)
		}
	}
	assert.Equal(t, http.StatusNotFound, get(t, "/v1/docs/else", nil).Code)
}

// TestThePageStaysHere finds scripts and styles within the page, which the
// policy forbids, and addresses of other servers.
func TestThePageStaysHere(t *testing.T) {
	t.Parallel()
	w := get(t, "/v1/docs", nil)
	policy := w.Header().Get("Content-Security-Policy")
	assert.Contains(t, policy, "default-src 'none'; script-src 'self';")
	assert.NotContains(t, policy, "http")
	text := w.Body.String()
	for _, script := range regexp.MustCompile(`<script[^>]*>`).FindAllString(text, -1) {
		assert.Contains(t, script, ` src="/v1/docs/`)
	}
	assert.NotRegexp(t, `<style|\son\w+=|\sstyle=|https?://`, text)
	for _, path := range []string{"/v1/docs/docs.js", "/v1/docs/docs.css"} {
		assert.NotRegexp(t, `https?://|@import`, get(t, path, nil).Body.String(), path)
	}
}
