package portal

import (
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/i18n"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
)

const (
	languageParameter = "language"
	languageAge       = 365 * 24 * time.Hour
)

// chooseLanguage finds the language of the page: the one picked by the language
// links, now or earlier; else what the app asked for (ui_locales, OpenID Connect
// Core section 3.1.2.1); else what the browser and the account say.
func (v *visit) chooseLanguage() {
	if l, ok := i18n.ParseLanguage(v.query.Get(languageParameter)); ok {
		v.lang, v.settled = l, true
		v.portal.cookies.set(v.w, languageCookie, l.Tag(), languageAge)
		return
	}
	if l, ok := i18n.ParseLanguage(v.portal.cookies.get(v.r, languageCookie)); ok {
		v.lang, v.settled = l, true
		return
	}
	v.lang = edge.Language(v.r.Context())
	v.preferLocales(v.query.Get("ui_locales"))
}

// preferLocales speaks the first language of a ui_locales list that we know,
// unless the visitor has picked one.
func (v *visit) preferLocales(locales string) {
	if v.settled {
		return
	}
	for _, tag := range strings.Fields(locales) {
		if l, ok := i18n.ParseLanguage(tag); ok {
			v.lang, v.settled = l, true
			return
		}
	}
}

// relearn takes over what has become known of the account's language.
func (v *visit) relearn() {
	if !v.settled {
		v.lang = edge.Language(v.r.Context())
	}
}

// text is a text of the catalogue in the page's language; args are key, value
// pairs.
func (v *visit) text(id string, args ...any) string {
	return v.portal.deps.Texts.Text(v.lang, id, pairs(args))
}

func pairs(args []any) map[string]any {
	m := make(map[string]any, len(args)/2)
	for i := 0; i+1 < len(args); i += 2 {
		if key, ok := args[i].(string); ok {
			m[key] = args[i+1]
		}
	}
	return m
}
