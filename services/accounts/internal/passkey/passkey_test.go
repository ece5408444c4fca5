package passkey

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/descope/virtualwebauthn"
	"github.com/jonboulle/clockwork"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/input"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

func TestMain(m *testing.M) { testkit.Main(m) }

const (
	origin   = "https://id.example.org"
	password = "the user's password"
)

var site = virtualwebauthn.RelyingParty{ID: "id.example.org", Name: "Gatehouse", Origin: origin}

type fixture struct {
	*Passkeys
	t     *testing.T
	db    *db.DB
	clock *clockwork.FakeClock
	user  store.User
	// device is the user's, with one key.
	device virtualwebauthn.Authenticator
	key    virtualwebauthn.Credential
}

// onEach runs the test with an active user on each database.
func onEach(t *testing.T, test func(f *fixture)) {
	t.Helper()
	t.Parallel()
	testkit.EachDB(t, "accounts", os.DirFS("../../migrations"), func(t *testing.T, d *db.DB) {
		f := &fixture{t: t, db: d, clock: testkit.Clock()}
		box := outbox.New(outbox.Options{
			DB: d, Ring: testkit.Ring(t), Clock: f.clock, Registry: prometheus.NewRegistry(),
			Handlers: map[string]outbox.Handler{"mail": func(context.Context, outbox.Delivery) error { return nil }},
		})
		var err error
		f.Passkeys, err = New(Options{
			DB: d, Outbox: box, Clock: f.clock, Logger: slog.New(slog.DiscardHandler), PublicURL: origin, Product: "Gatehouse",
			Password: func(_ context.Context, _ api.Actor, field, given string) error {
				if given != password {
					return fault.Field(field, "validation.wrong_password")
				}
				return nil
			},
		})
		require.NoError(t, err)
		f.user = f.activate("titan@example.com")
		f.device, f.key = f.newDevice()
		test(f)
	})
}

func (f *fixture) newDevice() (virtualwebauthn.Authenticator, virtualwebauthn.Credential) {
	handle, err := hex.DecodeString(f.user.Hash)
	require.NoError(f.t, err)
	return virtualwebauthn.NewAuthenticatorWithOptions(virtualwebauthn.AuthenticatorOptions{UserHandle: handle}), newKey()
}

// newKey makes a key whose coordinates need no padding, which the library leaves
// out: one in 128 would be malformed.
func newKey() virtualwebauthn.Credential {
	for {
		if key := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2); len(key.Key.AttestationData()) == paddedKey {
			return key
		}
	}
}

// paddedKey is the length of a P-256 key in COSE's form.
const paddedKey = 77

func (f *fixture) activate(address string) (user store.User) {
	f.t.Helper()
	email, err := input.ParseEmail(address)
	require.NoError(f.t, err)
	require.NoError(f.t, f.db.Tx(f.t.Context(), func(ctx context.Context, tx *db.Tx) error {
		if _, err := store.InsertInvited(ctx, tx, email, accounts.English, f.clock.Now()); err != nil {
			return err
		}
		if user, err = store.UserByEmail(ctx, tx, email.Key); err != nil {
			return err
		}
		if _, err := store.Activate(ctx, tx, user.ID, "Olli", "Kahn", accounts.English, f.clock.Now()); err != nil {
			return err
		}
		user, err = store.UserByID(ctx, tx, user.ID)
		return err
	}))
	return user
}

func (f *fixture) actor() api.Actor { return api.Actor{User: f.user.ID, Session: 1} }

// asked are the options as a browser takes them.
func asked(t *testing.T, c accounts.PasskeyCeremony) string {
	t.Helper()
	return `{"publicKey":` + string(c.Options) + `}`
}

// make is what the device answers to the wish for a new passkey.
func (f *fixture) make(c accounts.PasskeyCeremony, at virtualwebauthn.RelyingParty) json.RawMessage {
	f.t.Helper()
	options, err := virtualwebauthn.ParseAttestationOptions(asked(f.t, c))
	require.NoError(f.t, err)
	return json.RawMessage(virtualwebauthn.CreateAttestationResponse(at, f.device, f.key, *options))
}

// register gives the user the device's passkey.
func (f *fixture) register() accounts.Passkey {
	f.t.Helper()
	c, err := f.Begin(f.t.Context(), accounts.ActorRequest{Actor: f.actor()})
	require.NoError(f.t, err)
	key, err := f.Finish(f.t.Context(), accounts.FinishPasskeyRequest{
		Actor: f.actor(), Ceremony: c.Ceremony, Name: "Laptop", Credential: f.make(c, site),
	})
	require.NoError(f.t, err)
	f.device.AddCredential(f.key)
	return key
}

// answer is what the device answers to a login.
func (f *fixture) answer(c accounts.PasskeyCeremony, at virtualwebauthn.RelyingParty) json.RawMessage {
	f.t.Helper()
	options, err := virtualwebauthn.ParseAssertionOptions(asked(f.t, c))
	require.NoError(f.t, err)
	return json.RawMessage(virtualwebauthn.CreateAssertionResponse(at, f.device, f.key, *options))
}

func (f *fixture) beginLogin() accounts.PasskeyCeremony {
	f.t.Helper()
	c, err := f.BeginLogin(f.t.Context())
	require.NoError(f.t, err)
	return c
}

func (f *fixture) finishLogin(ceremony string, answer json.RawMessage) (accounts.Identity, error) {
	return f.FinishLogin(f.t.Context(), accounts.FinishPasskeyLoginRequest{Ceremony: ceremony, Credential: answer})
}

func (f *fixture) requireRefused(ceremony string, answer json.RawMessage) {
	f.t.Helper()
	_, err := f.finishLogin(ceremony, answer)
	require.True(f.t, fault.Is(err, fault.Unauthenticated), "%v", err)
}

func TestAPasskeyLogsIn(t *testing.T) {
	onEach(t, func(f *fixture) {
		key := f.register()
		require.Equal(f.t, "Laptop", key.Name)
		for range 2 {
			c := f.beginLogin()
			identity, err := f.finishLogin(c.Ceremony, f.answer(c, site))
			require.NoError(f.t, err)
			require.Equal(f.t, f.user.ID, identity.User.ID)
			f.key.Counter++
		}
		list, err := f.List(f.t.Context(), accounts.ActorRequest{Actor: f.actor()})
		require.NoError(f.t, err)
		require.Len(f.t, list.Passkeys, 1)
		require.NotNil(f.t, list.Passkeys[0].LastUsedTime)
	})
}

func TestAnAnswerCountsOnceInTimeAndHere(t *testing.T) {
	onEach(t, func(f *fixture) {
		f.register()
		c := f.beginLogin()
		answer := f.answer(c, site)
		f.requireRefused(f.beginLogin().Ceremony, answer) // of another ceremony
		_, err := f.finishLogin(c.Ceremony, answer)
		require.NoError(f.t, err)
		f.requireRefused(c.Ceremony, answer) // replayed

		c = f.beginLogin()
		evil := site
		evil.Origin = "https://id.example.org.evil.example"
		f.requireRefused(c.Ceremony, f.answer(c, evil)) // phished

		c = f.beginLogin()
		f.clock.Advance(ceremonyLife)
		f.requireRefused(c.Ceremony, f.answer(c, site)) // late
		n, err := f.Sweep(f.t.Context())
		require.NoError(f.t, err)
		require.Positive(f.t, n)

		for _, bad := range []json.RawMessage{nil, json.RawMessage(`{}`), json.RawMessage(`[`), json.RawMessage(`"` + strings.Repeat("x", maxCredential) + `"`)} {
			f.requireRefused(f.beginLogin().Ceremony, bad)
		}
		f.requireRefused("", f.answer(c, site))
	})
}

func TestADeviceThatDidNotVerifyItsUserIsRefused(t *testing.T) {
	onEach(t, func(f *fixture) {
		f.register()
		f.device.Options.UserNotVerified = true
		c := f.beginLogin()
		f.requireRefused(c.Ceremony, f.answer(c, site))
	})
}

func TestACounterThatGoesBackIsRefused(t *testing.T) {
	onEach(t, func(f *fixture) {
		f.key.Counter = 5
		f.register()
		f.key.Counter = 3
		c := f.beginLogin()
		f.requireRefused(c.Ceremony, f.answer(c, site))
	})
}

func TestAKeyOfNobodyIsRefused(t *testing.T) {
	onEach(t, func(f *fixture) {
		f.device.AddCredential(f.key) // never registered
		c := f.beginLogin()
		f.requireRefused(c.Ceremony, f.answer(c, site))

		f.register()
		_, err := f.db.Exec(f.t.Context(), `UPDATE users SET status = 0`)
		require.NoError(f.t, err)
		c = f.beginLogin()
		f.requireRefused(c.Ceremony, f.answer(c, site)) // disabled
	})
}

func TestRegistrationIsTheUsersOwn(t *testing.T) {
	onEach(t, func(f *fixture) {
		ctx := f.t.Context()
		other := f.activate("other@example.com")
		c, err := f.Begin(ctx, accounts.ActorRequest{Actor: f.actor()})
		require.NoError(f.t, err)
		answer := f.make(c, site)
		finish := func(actor api.Actor, ceremony, name string, answer json.RawMessage) error {
			_, err := f.Finish(ctx, accounts.FinishPasskeyRequest{Actor: actor, Ceremony: ceremony, Name: name, Credential: answer})
			return err
		}
		requireField(t, finish(api.Actor{User: other.ID}, c.Ceremony, "x", answer), "ceremony")
		err = finish(f.actor(), "", "", nil)
		for _, field := range []string{"ceremony", "name", "credential"} {
			requireField(t, err, field)
		}
		requireField(t, finish(f.actor(), c.Ceremony, strings.Repeat("x", maxName+1), answer), "name")
		require.NoError(f.t, finish(f.actor(), c.Ceremony, "x", answer), "what was wrong before has not used it up")
		requireField(t, finish(f.actor(), c.Ceremony, "x", answer), "ceremony")

		c, err = f.Begin(ctx, accounts.ActorRequest{Actor: f.actor()})
		require.NoError(f.t, err)
		requireField(t, finish(f.actor(), c.Ceremony, "x", f.make(c, site)), "credential") // the same key again
		c, err = f.Begin(ctx, accounts.ActorRequest{Actor: f.actor()})
		require.NoError(f.t, err)
		evil := site
		evil.Origin = "https://evil.example"
		f.key = newKey()
		requireField(t, finish(f.actor(), c.Ceremony, "x", f.make(c, evil)), "credential")

		id := int64(1)
		for _, actor := range []api.Actor{{User: f.user.ID, Impersonator: &id}, {User: f.user.ID, PAT: &id}} {
			_, err := f.Begin(ctx, accounts.ActorRequest{Actor: actor})
			require.True(f.t, fault.Is(err, fault.Forbidden))
			require.True(f.t, fault.Is(finish(actor, c.Ceremony, "x", answer), fault.Forbidden))
			require.True(f.t, fault.Is(f.Remove(ctx, accounts.RemovePasskeyRequest{Actor: actor}), fault.Forbidden))
		}
	})
}

func TestRemovingTakesThePasswordAndIsTheUsersOwn(t *testing.T) {
	onEach(t, func(f *fixture) {
		ctx := f.t.Context()
		other := f.activate("other@example.com")
		key := f.register()
		remove := func(actor api.Actor, given string) error {
			return f.Remove(ctx, accounts.RemovePasskeyRequest{Actor: actor, Passkey: api.Ref{Hash: key.Hash}, Password: given})
		}
		requireField(t, remove(f.actor(), "wrong"), "password")
		require.True(f.t, fault.Is(remove(api.Actor{User: other.ID}, password), fault.NotFound))
		require.NoError(f.t, remove(f.actor(), password))
		require.True(f.t, fault.Is(remove(f.actor(), password), fault.NotFound))
		c := f.beginLogin()
		f.requireRefused(c.Ceremony, f.answer(c, site))
	})
}

func TestOneAnswerOpensOneLogin(t *testing.T) {
	onEach(t, func(f *fixture) {
		f.register()
		c := f.beginLogin()
		answer := f.answer(c, site)
		var opened atomic.Int32
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				if _, err := f.finishLogin(c.Ceremony, answer); err == nil {
					opened.Add(1)
				}
			})
		}
		group.Wait()
		require.EqualValues(f.t, 1, opened.Load())
	})
}

func TestNobodyHasTooMany(t *testing.T) {
	onEach(t, func(f *fixture) {
		for range maxPasskeys {
			f.register()
			f.device, f.key = f.newDevice()
		}
		_, err := f.Begin(f.t.Context(), accounts.ActorRequest{Actor: f.actor()})
		require.True(f.t, fault.Is(err, fault.Conflict))
	})
}

func requireField(t *testing.T, err error, field string) {
	t.Helper()
	require.True(t, fault.Is(err, fault.Invalid), "%v", err)
	require.Contains(t, fault.From(err).Fields, field)
}
