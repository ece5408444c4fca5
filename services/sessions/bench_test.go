package sessions

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

func benchmark(b *testing.B, run func(b *testing.B, f *fixture)) {
	b.Helper()
	for _, dialect := range []string{db.SQLite, db.Postgres} {
		b.Run(dialect, func(b *testing.B) {
			f := newFixture(b, testkit.OpenDB(b, dialect, sessions.Name, Migrations))
			b.ReportAllocs()
			run(b, f)
		})
	}
}

func BenchmarkCreate(b *testing.B) {
	benchmark(b, func(b *testing.B, f *fixture) {
		b.Helper()
		request := login(olli, ref(1))
		request.Limit = 3
		for b.Loop() {
			f.open(request)
		}
	})
}

func BenchmarkResolve(b *testing.B) {
	benchmark(b, func(b *testing.B, f *fixture) {
		b.Helper()
		token := f.open(login(olli, nil)).Token
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				_, err := f.resolve(token)
				require.NoError(b, err)
			}
		})
	})
}
