package wire

import (
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// Accepts tells whether the request asks for that media type by name (RFC 9110
// section 12.5.1). Wildcards ask for nothing in particular.
func Accepts(r *http.Request, mediaType string) bool {
	for _, header := range r.Header.Values("Accept") {
		for part := range strings.SplitSeq(header, ",") {
			name, parameters, err := mime.ParseMediaType(part)
			if err != nil || name != mediaType {
				continue
			}
			weight, err := strconv.ParseFloat(parameters["q"], 64)
			return err != nil || weight > 0
		}
	}
	return false
}

// JWT writes an answer that is a JWT and that nobody may keep.
func JWT(w http.ResponseWriter, mediaType, text string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write([]byte(text)) // the client went away; nothing to tell it
}
