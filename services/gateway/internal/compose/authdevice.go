package compose

import "strings"

// part is a name for people and what stands for it in a User-Agent header.
type part struct{ mark, name string }

// Browsers and systems claim to be each other, so the more particular ones come
// first.
var (
	browsers = []part{
		{"Edg/", "Edge"}, {"EdgA/", "Edge"}, {"EdgiOS/", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser/", "Samsung Internet"},
		{"Vivaldi/", "Vivaldi"}, {"Firefox/", "Firefox"}, {"FxiOS/", "Firefox"}, {"CriOS/", "Chrome"}, {"Chrome/", "Chrome"},
		{"Safari/", "Safari"},
	}
	systems = []part{
		{"Windows", "Windows"}, {"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Mac OS X", "macOS"},
		{"CrOS", "ChromeOS"}, {"Linux", "Linux"},
	}
)

// Device names what a request came from, for people to recognise; empty if that
// cannot be told. It is a guess at what the client says of itself.
func Device(userAgent string) string {
	browser, system := first(browsers, userAgent), first(systems, userAgent)
	if browser == "" { // a program, which says its name first (RFC 9110 section 10.1.5)
		name, _, _ := strings.Cut(userAgent, "/")
		if name, _, _ = strings.Cut(name, " "); name != "Mozilla" {
			browser = name
		}
	}
	switch {
	case browser == "" || system == "":
		return browser + system
	default:
		return browser + ", " + system
	}
}

func first(parts []part, userAgent string) string {
	for _, p := range parts {
		if strings.Contains(userAgent, p.mark) {
			return p.name
		}
	}
	return ""
}
