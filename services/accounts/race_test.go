package accounts

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// atOnce runs fn n times at once and gives the errors.
func atOnce(n int, fn func(i int) error) []error {
	start, errs := make(chan struct{}), make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = fn(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

// requireOne wants one success, and faults of the kind for the rest.
func requireOne(t *testing.T, errs []error, rest fault.Kind) {
	t.Helper()
	succeeded := 0
	for _, err := range errs {
		if err == nil {
			succeeded++
			continue
		}
		require.Equal(t, rest, fault.From(err).Kind, "%v", err)
	}
	require.Equal(t, 1, succeeded, "%v", errs)
}

func TestALinkOpensOnceOfManyAtOnce(t *testing.T) {
	onEach(t, func(f *fixture) {
		link := f.initiate(olliMail)
		requireOne(f.t, atOnce(6, func(int) error {
			_, err := f.OpenLink(f.t.Context(), accounts.OpenLinkRequest{Link: link, Origin: browser})
			return err
		}), fault.Gone)
		require.EqualValues(f.t, 1, f.count(`SELECT COUNT(*) FROM audit WHERE kind = 'link.opened'`))
	})
}

func TestAnActivationFinishesOnceOfManyAtOnce(t *testing.T) {
	onEach(t, func(f *fixture) {
		opened := f.open(f.initiate(olliMail))
		requireOne(f.t, atOnce(6, func(int) error {
			_, err := f.FinishActivation(f.t.Context(), finishing(opened))
			return err
		}), fault.NotFound)
		f.requireOneAccount()
	})
}

// TestActivationsOfOneUserFinishAtOnce takes different activations, whose rows
// do not exclude each other.
func TestActivationsOfOneUserFinishAtOnce(t *testing.T) {
	onEach(t, func(f *fixture) {
		var opened []accounts.OpenedLink
		for range 3 {
			opened = append(opened, f.open(f.initiate(olliMail)))
		}
		requireOne(f.t, atOnce(len(opened), func(i int) error {
			_, err := f.FinishActivation(f.t.Context(), finishing(opened[i]))
			return err
		}), fault.NotFound)
		f.requireOneAccount()
	})
}

func (f *fixture) requireOneAccount() {
	f.t.Helper()
	for _, query := range []string{
		`SELECT COUNT(*) FROM users WHERE status = 1`, `SELECT COUNT(*) FROM credentials`, `SELECT COUNT(*) FROM hubs`,
		`SELECT COUNT(*) FROM memberships`, `SELECT COUNT(*) FROM activations WHERE finished_time IS NOT NULL`,
		`SELECT COUNT(*) FROM audit WHERE kind = 'activation.finished'`,
	} {
		require.EqualValues(f.t, 1, f.count(query), query)
	}
}

func TestOneAddressRegisteredAtOnce(t *testing.T) {
	onEach(t, func(f *fixture) {
		const n = 6
		for _, err := range atOnce(n, func(i int) error {
			_, err := f.InitiateActivation(f.t.Context(), registration([]string{olliMail, "TITAN@example.com"}[i%2]))
			return err
		}) {
			require.NoError(f.t, err)
		}
		require.EqualValues(f.t, 1, f.count(`SELECT COUNT(*) FROM users`))
		require.EqualValues(f.t, enough, f.count(`SELECT COUNT(*) FROM activations`))
		f.deliver()
		require.Len(f.t, f.mail.to(olliMail), enough)
	})
}

// TestRegisteredWhileFinishing lets registrations of an address race with the
// end of an activation: afterwards no link may be left alive.
func TestRegisteredWhileFinishing(t *testing.T) {
	onEach(t, func(f *fixture) {
		opened := f.open(f.initiate(olliMail))
		for _, err := range atOnce(6, func(i int) error {
			if i == 0 {
				_, err := f.FinishActivation(f.t.Context(), finishing(opened))
				return err
			}
			_, err := f.InitiateActivation(f.t.Context(), registration(olliMail))
			return err
		}) {
			require.NoError(f.t, err)
		}
		f.requireOneAccount()
		require.Zero(f.t, f.count(`SELECT COUNT(*) FROM activations WHERE finished_time IS NULL AND revoked_time IS NULL`))
	})
}
