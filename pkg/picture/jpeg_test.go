package picture

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/jpeg"
	"testing"

	"github.com/stretchr/testify/require"
)

// progressive is a grey JPEG of 64 by 64 pixels that goes over them so often.
func progressive(scans int) []byte {
	const fillByte = "\xff"
	table := func(class byte, symbol string) []byte { // of one code of one bit
		return segment(0xc4, string(class)+"\x01"+string(make([]byte, 15))+symbol)
	}
	size := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16([]byte{8}, 64), 64)
	scan := func(spectrum, pixels string) []byte {
		return append(segment(0xda, "\x01\x01\x00"+spectrum+"\x00"), pixels...)
	}
	data := bytes.Join([][]byte{
		{0xff, 0xd8},
		segment(0xe1, "\xff\xda\xff\xd9\xff\xda"), // metadata may look like anything
		segment(0xdb, "\x00"+string(bytes.Repeat([]byte{1}, 64))),
		segment(0xc2, string(size)+"\x01\x01\x11\x00"),
		table(0x00, "\x00"), table(0x10, "\xe0"),
		scan("\x00\x00", string(make([]byte, 8))),
	}, nil)
	for range scans - 1 {
		data = append(data, fillByte...)
		data = append(data, scan("\x01\x3f", "\x7f\xff\x00")...) // nothing, up to the end
	}
	return append(data, "\xff\xd9\xff\xda\x00\x02"...)
}

func TestAPictureIsNotGoneOverForHours(t *testing.T) {
	t.Parallel()
	for _, scans := range []int{1, 10, maxScans} {
		data := progressive(scans)
		require.Equal(t, scans, readJPEG(data).scans)
		m, err := jpeg.Decode(bytes.NewReader(data))
		require.NoError(t, err)
		require.Equal(t, image.Pt(64, 64), m.Bounds().Size())
		redrawn(t, data)
	}
	_, err := Recognise(progressive(maxScans+1), limits)
	require.ErrorIs(t, err, ErrNone)
}

func TestScansAreCountedToTheEnd(t *testing.T) {
	t.Parallel()
	whole := progressive(3)
	for n := range whole {
		require.LessOrEqual(t, readJPEG(whole[:n]).scans, 3)
	}
	require.Equal(t, 1, readJPEG(jpegOf(t, corners(200, 200, red))).scans)
}
