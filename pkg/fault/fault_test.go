package fault_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

func TestFromClassifies(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err  error
		kind fault.Kind
	}{
		"a fault stays":            {fault.New(fault.Gone, "fault.link_used"), fault.Gone},
		"a wrapped fault stays":    {fmt.Errorf("opening: %w", fault.New(fault.Gone, "")), fault.Gone},
		"a deadline":               {fmt.Errorf("reading: %w", context.DeadlineExceeded), fault.Unavailable},
		"a caller that went away":  {context.Canceled, fault.Unavailable},
		"anything else is our own": {errors.New("disk on fire"), fault.Internal},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, c.kind, fault.From(c.err).Kind)
			assert.True(t, fault.Is(fault.From(c.err), c.kind))
		})
	}
	assert.Nil(t, fault.From(nil))
}

func TestInternalHasAnIDAndKeepsItsCauseFromTheWire(t *testing.T) {
	t.Parallel()
	secret := errors.New("password is hunter2")
	for _, err := range []error{secret, fault.New(fault.Internal, "").Because(secret)} {
		f := fault.From(err)
		assert.Len(t, f.ID, 16)
		require.ErrorIs(t, f, secret)
		wire, err := json.Marshal(f)
		require.NoError(t, err)
		assert.NotContains(t, string(wire), "hunter2")
	}
}

func TestFaultSurvivesTheWire(t *testing.T) {
	t.Parallel()
	var v fault.Violations
	require.NoError(t, v.Err())
	v.Add("first_name", "validation.max_length", "Max", 1000)
	v.Add("email", "validation.required")
	want := fault.From(v.Err()).After(3 * time.Second)

	wire, err := json.Marshal(want)
	require.NoError(t, err)
	var got fault.Fault
	require.NoError(t, json.Unmarshal(wire, &got))

	assert.Equal(t, fault.Invalid, got.Kind)
	assert.Equal(t, 3*time.Second, got.RetryAfter)
	assert.Equal(t, "first name", got.Fields["first_name"][0].Args["Field"])
	assert.InDelta(t, 1000, got.Fields["first_name"][0].Args["Max"], 0)
	assert.Equal(t, "invalid: fault.invalid (email, first_name)", got.Error())
}

func TestDecoratingDoesNotChangeTheOriginal(t *testing.T) {
	t.Parallel()
	shared := fault.New(fault.Throttled, "")
	_ = shared.After(time.Minute).Because(errors.New("x"))
	assert.Zero(t, shared.RetryAfter)
	assert.NoError(t, shared.Unwrap())
}
