package edge

import (
	"context"
	"net/http"

	"github.com/gatehouse-id/gatehouse/pkg/i18n"
)

// speech is what decides the language of the answer.
type speech struct {
	content, accept string // the headers
	user            string // the user's own language, once known
	chosen          *i18n.Language
}

func heard(r *http.Request) speech {
	return speech{content: r.Header.Get("Content-Language"), accept: r.Header.Get("Accept-Language")}
}

// Language is the language to answer in: Content-Language as the API documents
// it, else Accept-Language, else the user's own as far as it is known by now.
func Language(ctx context.Context) i18n.Language {
	r := of(ctx)
	if r.speech.chosen == nil {
		if r.edge == nil {
			return i18n.Fallback
		}
		l := r.edge.options.Texts.Match(r.speech.content, r.speech.accept, r.speech.user)
		r.speech.chosen = &l
	}
	return *r.speech.chosen
}

// PreferLanguage tells the user's own language, which counts where the request
// names none.
func PreferLanguage(ctx context.Context, l i18n.Language) {
	r := of(ctx)
	r.speech.user, r.speech.chosen = l.Tag(), nil
}
