package password

import (
	"context"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/crypto/argon2"

	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

const address = "192.0.2.7"

// light are parameters for tests of what is not the hash itself.
func light(o Options) Options {
	o.MemoryKiB, o.Passes, o.Lanes, o.Registry = 64, 1, 1, prometheus.NewRegistry()
	return o
}

func TestVerify(t *testing.T) {
	t.Parallel()
	h := NewHasher(light(Options{}))
	encoded, err := h.Hash(t.Context(), address, "Pässword①")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(encoded, "$argon2id$v=19$m=64,t=1,p=1$") {
		t.Errorf("encoded as %q", encoded)
	}
	for _, tt := range []struct {
		password string
		want     bool
	}{
		{"Pässword①", true},
		{"Pa\u0308ssword1", true}, // the same in NFKC
		{"pässword1", false},
		{"Pässword1 ", false},
		{"", false},
		{strings.Repeat("x", 1<<20), false},
		{"\xff\xfe", false},
	} {
		got, err := h.Verify(t.Context(), address, tt.password, encoded)
		if err != nil || got != tt.want {
			t.Errorf("Verify(%.20q) = %v, %v, want %v", tt.password, got, err, tt.want)
		}
	}
	again, err := h.Hash(t.Context(), address, "Pässword①")
	if err != nil || again == encoded {
		t.Errorf("two hashes of one password are the same: %q, %v", again, err)
	}
}

func TestVerifyOfADamagedHashIsOurFault(t *testing.T) {
	t.Parallel()
	h := NewHasher(light(Options{}))
	for _, encoded := range []string{"", "plain", "$argon2i$v=19$m=64,t=1,p=1$c2FsdA$a2V5", "$argon2id$v=16$m=64,t=1,p=1$c2FsdA$a2V5"} {
		if ok, err := h.Verify(t.Context(), address, "plain", encoded); ok || err == nil {
			t.Errorf("Verify against %q = %v, %v", encoded, ok, err)
		}
	}
}

func TestRefuseCostsOneHashOfTodaysParameters(t *testing.T) {
	t.Parallel()
	var hashes int
	h := NewHasher(light(Options{Around: func(compute func()) { hashes++; compute() }}))
	if err := h.Refuse(t.Context(), address, "whatever"); err != nil || hashes != 1 {
		t.Fatalf("%d hashes, %v", hashes, err)
	}
	if h.Outdated(h.dummy) {
		t.Error("the dummy has other parameters than a real hash")
	}
	actual, err := h.Hash(t.Context(), address, "whatever")
	if err != nil || len(actual) != len(h.dummy) {
		t.Errorf("dummy %q does not look like %q (%v)", h.dummy, actual, err)
	}
}

func TestOutdatedAndRehash(t *testing.T) {
	t.Parallel()
	o := light(Options{Concurrency: 1})
	old, err := NewHasher(o).Hash(t.Context(), address, "tenletters")
	if err != nil {
		t.Fatal(err)
	}
	o.Passes = 2
	h := NewHasher(o)
	if !h.Outdated(old) {
		t.Fatal("a hash of fewer passes is outdated")
	}
	renewed, ok := h.Rehash("tenletters")
	if !ok || h.Outdated(renewed) {
		t.Fatalf("rehashed to %q, %v", renewed, ok)
	}
	if match, err := h.Verify(t.Context(), address, "tenletters", renewed); err != nil || !match {
		t.Fatalf("the renewed hash: %v, %v", match, err)
	}

	h.gate.slots <- struct{}{}
	if _, ok := h.Rehash("tenletters"); ok {
		t.Error("rehashing must not take part in a crowd")
	}
}

// TestFloodIsBounded sends far more callers than there are slots and places to
// wait: no more than the slots compute at once, no more than the places wait,
// and everybody else is turned away at once.
func TestFloodIsBounded(t *testing.T) {
	t.Parallel()
	const slots, queue, flood = 2, 5, 50
	var now, most atomic.Int64
	open := make(chan struct{})
	h := NewHasher(light(Options{Concurrency: slots, Queue: queue, Around: func(compute func()) {
		for n := now.Add(1); ; {
			if m := most.Load(); n <= m || most.CompareAndSwap(m, n) {
				break
			}
		}
		<-open
		compute()
		now.Add(-1)
	}}))

	results := make(chan error, flood)
	for i := range flood {
		go func() { results <- h.Refuse(t.Context(), strconv.Itoa(i), "tenletters") }()
	}
	for range flood - slots - queue { // nobody else can return before open is closed
		err := <-results
		if f := fault.From(err); f == nil || f.Kind != fault.Unavailable || f.RetryAfter <= 0 {
			t.Fatalf("turned away with %v", err)
		}
	}
	close(open)
	for range slots + queue {
		if err := <-results; err != nil {
			t.Fatalf("waited in vain: %v", err)
		}
	}
	if got := most.Load(); got != slots {
		t.Fatalf("%d hashes at once, want %d", got, slots)
	}
	if h.gate.crowded() || len(h.gate.slots) != 0 {
		t.Fatal("the gate is not empty again")
	}
}

// TestOneAddressFillsAQuarterOfTheQueue holds the only slot, has one address
// come far more often than it may wait, and then others.
func TestOneAddressFillsAQuarterOfTheQueue(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		queue, share  int
		mine, another string
	}{
		{16, 4, "192.0.2.7", "192.0.2.8"},
		{3, 2, "192.0.2.7", "192.0.2.8"},
		{16, 4, "2001:db8::7", "2001:db8:0:1::7"},
		{16, 4, "", "192.0.2.7"},
	} {
		const flood = 10
		h := NewHasher(light(Options{Concurrency: 1, Queue: tt.queue}))
		h.gate.slots <- struct{}{}
		mine, others := make(chan error, flood), make(chan error, 1)
		for range flood {
			go func() { mine <- h.Refuse(t.Context(), tt.mine, "tenletters") }()
		}
		for range flood - tt.share { // nobody else can return before the slot is free
			f := fault.From(<-mine)
			if f == nil || f.Kind != fault.Unavailable || f.RetryAfter <= 0 {
				t.Fatalf("%+v: turned away with %v", tt, f)
			}
		}
		go func() { others <- h.Refuse(t.Context(), tt.another, "tenletters") }()
		for h.waiting() < tt.share+1 {
			select {
			case err := <-others:
				t.Fatalf("%+v: another address was turned away: %v", tt, err)
			default:
				runtime.Gosched()
			}
		}
		h.gate.leave()
		if err := <-others; err != nil {
			t.Fatalf("%+v: another address: %v", tt, err)
		}
		for range tt.share {
			if err := <-mine; err != nil {
				t.Fatalf("%+v: waited in vain: %v", tt, err)
			}
		}
		if len(h.gate.waiting) != 0 || h.gate.crowded() {
			t.Fatalf("%+v: still counted as waiting: %v", tt, h.gate.waiting)
		}
	}
}

func (h *Hasher) waiting() int {
	h.gate.mu.Lock()
	defer h.gate.mu.Unlock()
	return h.gate.total
}

func TestOneCustomerIsOneAddress(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"192.0.2.7": "192.0.2.7", "::ffff:192.0.2.7": "192.0.2.7",
		"2001:db8::1:2:3:4": "2001:db8::/64", "2001:db8::1:2:3:5%eth0": "2001:db8::/64",
		"": "", "unknown": "unknown",
	} {
		if got := network(address); got != want {
			t.Errorf("%q counts as %q, want %q", address, got, want)
		}
	}
}

func TestWaitingEndsWithTheDeadline(t *testing.T) {
	t.Parallel()
	h := NewHasher(light(Options{Concurrency: 1, Queue: 1}))
	h.gate.slots <- struct{}{}

	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err := h.Hash(ctx, address, "tenletters")
	if f := fault.From(err); f == nil || f.Kind != fault.Unavailable || f.RetryAfter <= 0 {
		t.Fatalf("got %v", err)
	}
	if h.gate.crowded() {
		t.Fatal("still counted as waiting")
	}
	h.gate.leave()

	if err := h.Refuse(ctx, address, "tenletters"); !fault.Is(err, fault.Unavailable) {
		t.Fatalf("hashed for a caller who is gone: %v", err)
	}
	if err := h.Refuse(t.Context(), address, "tenletters"); err != nil {
		t.Fatal(err)
	}
}

func TestHashersOfOneProcessShareMetrics(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	var wg sync.WaitGroup
	for range 2 {
		o := light(Options{})
		o.Registry = registry
		h := NewHasher(o)
		wg.Go(func() { _ = h.Refuse(t.Context(), address, "x") })
	}
	wg.Wait()
	families, err := registry.Gather()
	if err != nil || len(families) != 2 {
		t.Fatalf("%v, %v", families, err)
	}
	for _, f := range families {
		if n := f.GetMetric()[0].GetHistogram().GetSampleCount(); n != 2 {
			t.Errorf("%s counted %d", f.GetName(), n)
		}
	}
}

// BenchmarkHasher next to BenchmarkArgon2id shows what the gate and the
// encoding add, which is nothing.
func BenchmarkHasher(b *testing.B) {
	h := NewHasher(Options{MemoryKiB: 19 << 10, Passes: 2, Lanes: 1, Registry: prometheus.NewRegistry()})
	b.ReportAllocs()
	for b.Loop() {
		if err := h.Refuse(b.Context(), address, "correct horse battery staple"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkArgon2id(b *testing.B) {
	password, salt := []byte("correct horse battery staple"), make([]byte, 16)
	b.ReportAllocs()
	for b.Loop() {
		argon2.IDKey(password, salt, 2, 19<<10, 1, 32)
	}
}
