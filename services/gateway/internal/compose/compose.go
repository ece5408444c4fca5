// Package compose makes the documents of the API out of what the services
// answer. Each endpoint has exactly the keys that are documented for it, and
// they differ: read a document's function to see which.
package compose

import (
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/i18n"
)

// Composer makes documents for one reader at one time.
type Composer struct {
	Texts    *i18n.Catalogue
	Language i18n.Language
	Now      time.Time
	// Product names the installation where no hub does.
	Product string
}

// Session names a session.
type Session struct {
	ID    int64  `json:"id"`
	Hash  string `json:"hash"`
	Model string `json:"model"`
}

func session(s sessions.Session) Session {
	return Session{ID: s.ID, Hash: s.Hash, Model: "UserSession"}
}

func fullName(u accounts.User) string { return strings.TrimSpace(u.FirstName + " " + u.LastName) }
