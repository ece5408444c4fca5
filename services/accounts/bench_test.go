package accounts

import (
	"testing"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/argon2"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/obs"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

// BenchmarkAuthenticate is a whole login with the default hash, as many at
// once as there are processors. Next to BenchmarkArgon2id it shows what the
// service adds to what a password costs anyway.
func BenchmarkAuthenticate(b *testing.B) {
	for _, dialect := range []string{db.SQLite, db.Postgres} {
		b.Run(dialect, func(b *testing.B) {
			s := benchService(b, testkit.OpenDB(b, dialect, accounts.Name, Migrations))
			request := accounts.AuthenticateRequest{Login: olliMail, Password: olliPassword, Origin: browser}
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := s.Authenticate(b.Context(), request); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

// BenchmarkArgon2id is the bare hash with the default parameters.
func BenchmarkArgon2id(b *testing.B) {
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		password, salt := []byte(olliPassword), make([]byte, 16)
		for pb.Next() {
			argon2.IDKey(password, salt, defaultArgon2Passes, defaultArgon2Memory, defaultArgon2Lanes, 32)
		}
	})
}

// benchService has one user, made without mail.
func benchService(b *testing.B, d *db.DB) *Service {
	b.Helper()
	s, err := New(b.Context(), Config{PublicURL: publicURL}, Deps{
		Obs: obs.Nop(), Clock: clockwork.NewRealClock(), DB: d, Ring: testkit.Ring(b), Mail: &mailbox{},
	})
	require.NoError(b, err)
	invitation, err := s.Invite(b.Context(), accounts.InviteRequest{Email: olliMail, FirstName: "Olli", LastName: "Kahn"})
	require.NoError(b, err)
	url := invitation.URL
	opened, err := s.OpenLink(b.Context(), accounts.OpenLinkRequest{Link: url[len(url)-40:]})
	require.NoError(b, err)
	_, err = s.FinishActivation(b.Context(), finishing(opened))
	require.NoError(b, err)
	return s
}
