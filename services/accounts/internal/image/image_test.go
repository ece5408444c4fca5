package image

import (
	"bytes"
	"image"
	"image/png"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

func pngOf(t *testing.T, width, height int) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, image.NewGray(image.Rect(0, 0, width, height))))
	return b.Bytes()
}

// TestFewAreDrawnAtOnce lets uploads wait while others are drawn, but not for
// long.
func TestFewAreDrawnAtOnce(t *testing.T) {
	t.Parallel()
	i := New(Options{Patience: time.Millisecond})
	small := pngOf(t, 8, 8)
	large := pngOf(t, 4000, 3000)
	require.True(t, i.drawing.TryAcquire(1))
	_, err := i.draw(t.Context(), small)
	require.NoError(t, err, "there is a place")
	_, err = i.draw(t.Context(), large)
	require.Equal(t, fault.Unavailable, fault.From(err).Kind, "a large one takes all places")
	require.NotZero(t, fault.From(err).RetryAfter)

	require.True(t, i.drawing.TryAcquire(1))
	_, err = i.draw(t.Context(), small)
	require.Equal(t, fault.Unavailable, fault.From(err).Kind)
	_, err = i.draw(t.Context(), []byte("no picture"))
	require.Equal(t, fault.Invalid, fault.From(err).Kind, "that is seen at once")
	require.Equal(t, "validation.image", fault.From(err).Fields["image"][0].ID)
	_, err = i.draw(t.Context(), append(small, make([]byte, accounts.MaxImage)...))
	require.Equal(t, "validation.image_size", fault.From(err).Fields["image"][0].ID)
	i.drawing.Release(places)
	_, err = i.draw(t.Context(), small)
	require.NoError(t, err, "places are given back")
}
