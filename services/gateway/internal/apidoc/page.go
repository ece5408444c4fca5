package apidoc

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/swaggest/swgui/v5/static"
)

// Paths under which the description is served.
const (
	documentPath = "/v1/openapi.json"
	pagePath     = "/v1/docs"
	assetsPath   = "/v1/docs/"
)

//go:embed page
var page embed.FS

// pagePolicy is the content security policy of the page: all from this origin,
// and no scripts but the ones in files. Swagger UI sets style attributes, and
// its style sheet has pictures in data URLs.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// file is something that is served as it is.
type file struct {
	mediaType string
	text      []byte
	zipped    []byte // nil: only as text
	tag       string
}

// Handler serves the document and the page: mount it as Routes says.
type Handler struct {
	document, page file
	assets         map[string]file
}

// NewHandler makes a Handler. Its error says that something embedded is broken.
func NewHandler() (*Handler, error) {
	document, err := newFile("application/json", JSON())
	if err != nil {
		return nil, err
	}
	h := &Handler{document: document, assets: map[string]file{}}
	index, err := page.ReadFile("page/index.html")
	if err != nil {
		return nil, err
	}
	if h.page, err = newFile("text/html; charset=utf-8", index); err != nil {
		return nil, err
	}
	for _, name := range []string{"docs.css", "docs.js", "icon.svg"} {
		text, err := page.ReadFile("page/" + name)
		if err != nil {
			return nil, err
		}
		if h.assets[name], err = newFile(mediaTypes[path.Ext(name)], text); err != nil {
			return nil, err
		}
	}
	for _, name := range []string{"swagger-ui.css", "swagger-ui-bundle.js"} {
		zipped, err := static.FS.ReadFile(name + ".gz")
		if err != nil {
			return nil, err
		}
		// Unpacked only for whoever cannot read it as it is.
		h.assets[name] = file{mediaType: mediaTypes[path.Ext(name)], zipped: zipped, tag: tagOf(zipped)}
	}
	return h, nil
}

var mediaTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

func newFile(mediaType string, text []byte) (file, error) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := z.Write(text); err != nil {
		return file{}, err
	}
	if err := z.Close(); err != nil {
		return file{}, err
	}
	return file{mediaType: mediaType, text: text, zipped: zipped.Bytes(), tag: tagOf(text)}, nil
}

func tagOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:16])
}

// Routes are the handlers by pattern. What the page needs beside itself is
// below its path and no part of the API.
func (h *Handler) Routes() map[string]http.Handler {
	routes := map[string]http.Handler{
		"GET " + documentPath: http.HandlerFunc(h.serveDocument),
		"GET " + pagePath:     http.HandlerFunc(h.servePage),
	}
	for name, asset := range h.assets {
		routes["GET "+assetsPath+name] = http.HandlerFunc(asset.serve)
	}
	return routes
}

// serveDocument lets every origin read: tools on other sites draw the document.
func (h *Handler) serveDocument(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	if head.Get("Access-Control-Allow-Origin") == "" { // not one of the origins that may call the API
		head.Set("Access-Control-Allow-Origin", "*")
	}
	head.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.document.serve(w, r)
}

func (h *Handler) servePage(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Security-Policy", pagePolicy)
	h.page.serve(w, r)
}

// serve answers with the content, packed for whoever can unpack it. The tag is
// weak where there is one, because it names both forms.
func (f file) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.mediaType)
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", `W/"`+f.tag+`"`)
	h.Add("Vary", "Accept-Encoding")
	content := f.text
	switch {
	case acceptsGzip(r.Header.Get("Accept-Encoding")):
		h.Set("Content-Encoding", "gzip")
		content = f.zipped
	case content == nil:
		unpacked, err := unpack(f.zipped)
		if err != nil {
			panic(err) // it is embedded; every test finds it
		}
		content = unpacked
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

// acceptsGzip reads Accept-Encoding (RFC 9110 section 12.5.3) as far as it
// matters here: whether gzip is named and not refused.
func acceptsGzip(header string) bool {
	for item := range strings.SplitSeq(header, ",") {
		coding, weight, _ := strings.Cut(item, ";")
		if strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			weight = strings.ReplaceAll(weight, " ", "")
			return strings.Trim(strings.TrimPrefix(weight, "q="), "0.") != "" || weight == ""
		}
	}
	return false
}

func unpack(zipped []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(zipped))
	if err != nil {
		return nil, fmt.Errorf("apidoc: %w", err)
	}
	return io.ReadAll(z)
}
