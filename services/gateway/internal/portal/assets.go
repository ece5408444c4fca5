package portal

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed assets
var assetFiles embed.FS

// assetTypes are the media types of assets by extension.
var assetTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

// assets serves the embedded files under names that contain a hash of their
// content, so that browsers may keep them for good.
type assets struct{ files map[string]asset }

type asset struct {
	path    string // under which pages refer to it
	hash    string
	content []byte
}

func loadAssets() (*assets, error) {
	a := &assets{files: map[string]asset{}}
	// Style sheets come after the pictures that they refer to.
	for _, extension := range []string{".svg", ".css", ".js"} {
		names, err := fs.Glob(assetFiles, "assets/*"+extension)
		if err != nil {
			return nil, err
		}
		for _, file := range names {
			content, err := assetFiles.ReadFile(file)
			if err != nil {
				return nil, err
			}
			a.add(path.Base(file), a.resolve(content))
		}
	}
	return a, nil
}

// resolve replaces the names of files that are known already by their paths.
func (a *assets) resolve(content []byte) []byte {
	for name, file := range a.files {
		content = bytes.ReplaceAll(content, []byte(`url("`+name+`")`), []byte(`url("`+file.path+`")`))
	}
	return content
}

func (a *assets) add(name string, content []byte) {
	sum := sha256.Sum256(content)
	hash := hex.EncodeToString(sum[:8])
	stem, extension, _ := strings.Cut(name, ".")
	a.files[name] = asset{path: "/assets/" + stem + "." + hash + "." + extension, hash: hash, content: content}
}

// path is where a file is; empty for one that does not exist.
func (a *assets) path(name string) string { return a.files[name].path }

// ServeHTTP implements http.Handler. While a new version is being rolled out,
// the page may come from one gateway and the asset from another: one with
// another hash gets what there is, and must not keep it.
func (a *assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	stem, rest, _ := strings.Cut(r.PathValue("name"), ".")
	hash, extension, _ := strings.Cut(rest, ".")
	name := stem + "." + extension
	file, ok := a.files[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", assetTypes[path.Ext(name)])
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", `"`+file.hash+`"`)
	if hash == file.hash {
		h.Set("Cache-Control", "public, max-age=31536000, immutable") // a year
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(file.content))
}
