package image

import (
	"bytes"
	"image"
	"image/png"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

func pngOf(t *testing.T, width, height int) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, image.NewGray(image.Rect(0, 0, width, height))))
	return b.Bytes()
}

// TestOneIsDrawnAtATime lets uploads wait while another is drawn, but not for long.
func TestOneIsDrawnAtATime(t *testing.T) {
	t.Parallel()
	i := New(Options{Patience: time.Millisecond})
	small := pngOf(t, 8, 8)
	require.True(t, i.drawing.TryAcquire(1))
	_, err := i.draw(t.Context(), small)
	require.Equal(t, fault.Unavailable, fault.From(err).Kind)
	require.NotZero(t, fault.From(err).RetryAfter)
	_, err = i.draw(t.Context(), []byte("no picture"))
	require.Equal(t, fault.Invalid, fault.From(err).Kind, "that is seen at once")
	require.Equal(t, "validation.image", fault.From(err).Fields["image"][0].ID)
	_, err = i.draw(t.Context(), append(small, make([]byte, accounts.MaxImage)...))
	require.Equal(t, "validation.image_size", fault.From(err).Fields["image"][0].ID)
	_, err = i.draw(t.Context(), pngOf(t, 7500, 6500))
	require.Equal(t, "validation.image_costly", fault.From(err).Fields["image"][0].ID)
	i.drawing.Release(1)
	_, err = i.draw(t.Context(), small)
	require.NoError(t, err)
	_, err = i.draw(t.Context(), small)
	require.NoError(t, err, "the place is given back")
}

// TestUploadsThatWaitAreFew refuses at once what there is no memory for, and a second
// one of the same user.
func TestUploadsThatWaitAreFew(t *testing.T) {
	t.Parallel()
	i := New(Options{Patience: 3 * time.Second})
	set := func(user int64) *fault.Fault {
		_, err := i.Set(t.Context(), accounts.SetImageRequest{Actor: api.Actor{User: user}, Data: make([]byte, accounts.MaxImage)})
		return fault.From(err)
	}
	for user := range int64(4) {
		_, err := i.uploads.Take(user, accounts.MaxImage)
		require.NoError(t, err)
	}
	require.Equal(t, fault.Throttled, set(1).Kind)
	require.Equal(t, fault.Unavailable, set(9).Kind)
	require.Equal(t, 3*time.Second, set(9).RetryAfter)
}
