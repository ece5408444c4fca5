// Package subject names users to clients: by their hash, or by a name of their
// own for each sector, so that clients cannot tell that they have a user in
// common (OpenID Connect Core 1.0 section 8).
package subject

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/keyring"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
)

// Pairwise is the subject_type of clients to whom users have names of their own.
const Pairwise = "pairwise"

const (
	saltPurpose = "oauth pairwise salt"
	saltSize    = 32
)

// Names are the names of users. The salt never changes, whatever keys rotate:
// clients keep the names for ever.
type Names struct{ salt []byte }

// Load reads the installation's salt, and makes it if there is none. What an
// older root sealed is sealed again, so that the root can go.
func Load(ctx context.Context, d *db.DB, ring *keyring.Ring) (*Names, error) {
	box, err := stored(ctx, d, ring)
	if err != nil {
		return nil, err
	}
	salt, err := ring.Open(saltPurpose, box, nil)
	if err != nil {
		return nil, fmt.Errorf("subject: open the salt: %w", err)
	}
	if len(salt) != saltSize {
		return nil, errors.New("subject: the salt has another length")
	}
	if ring.Stale(box) {
		fresh, err := ring.Seal(saltPurpose, salt, nil)
		if err != nil {
			return nil, fmt.Errorf("subject: seal the salt: %w", err)
		}
		if _, err := d.Exec(ctx, "UPDATE pairwise_salt SET sealed = $1 WHERE id = 1 AND sealed = $2", fresh, box); err != nil {
			return nil, fmt.Errorf("subject: seal the salt again: %w", err)
		}
	}
	return &Names{salt}, nil
}

// Existing is Load without making a salt that lasts: as long as there is none,
// nobody has a name by it.
func Existing(ctx context.Context, d *db.DB, ring *keyring.Ring) (*Names, error) {
	var there bool
	if err := d.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM pairwise_salt WHERE id = 1)").Scan(&there); err != nil {
		return nil, fmt.Errorf("subject: look for the salt: %w", err)
	}
	if there {
		return Load(ctx, d, ring)
	}
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt) // never fails since Go 1.24
	return &Names{salt}, nil
}

// stored is the sealed salt. Of several that make it at once one wins, and the
// others read its.
func stored(ctx context.Context, d *db.DB, ring *keyring.Ring) (box []byte, _ error) {
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt) // never fails since Go 1.24
	box, err := ring.Seal(saltPurpose, salt, nil)
	if err != nil {
		return nil, fmt.Errorf("subject: seal the salt: %w", err)
	}
	if _, err := d.Exec(ctx, "INSERT INTO pairwise_salt (id, sealed) VALUES (1, $1) ON CONFLICT (id) DO NOTHING", box); err != nil {
		return nil, fmt.Errorf("subject: store the salt: %w", err)
	}
	if err := d.QueryRow(ctx, "SELECT sealed FROM pairwise_salt WHERE id = 1").Scan(&box); err != nil {
		return nil, fmt.Errorf("subject: read the salt: %w", err)
	}
	return box, nil
}

// Of is what the client calls the user of that hash.
func (n *Names) Of(c *client.Client, user string) string {
	if c.SubjectType != Pairwise || user == "" {
		return user
	}
	return n.mac("%q %q", Sector(c), user)
}

// Session is what the client calls the login session of that hash: its sid. Two
// clients that both knew it by one name would know that its user is one, too.
func (n *Names) Session(c *client.Client, session string) string {
	if c.SubjectType != Pairwise || session == "" {
		return session
	}
	return n.mac("session %q %q", Sector(c), session) // no user's name has that form
}

func (n *Names) mac(format string, args ...any) string {
	mac := hmac.New(sha256.New, n.salt)
	_, _ = fmt.Fprintf(mac, format, args...)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

var loopback = []string{"localhost", "127.0.0.1", "::1"}

// Sector is the sector identifier of a client: the host of its
// sector_identifier_uri, else of its redirect URIs, which are of one host, else
// the client itself. Every app on a device has the device's own addresses.
func Sector(c *client.Client) string {
	for _, address := range append([]string{c.SectorURI}, c.RedirectURIs...) {
		if u, err := url.Parse(address); err == nil && u.Hostname() != "" && !slices.Contains(loopback, u.Hostname()) {
			return u.Hostname()
		}
	}
	return c.ID
}
