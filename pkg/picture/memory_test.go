package picture

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color/palette"
	"io"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// aJPEG is a JPEG that has all of its pixels the same, in a few bytes: of some
// kind of frame, and with components of these factors.
func aJPEG(frame byte, width, height int, names string, factors ...byte) []byte {
	table := func(class byte, symbol string) []byte {
		return segment(0xc4, string(class)+"\x01"+string(make([]byte, 15))+symbol)
	}
	head := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16([]byte{8}, uint16(height)), uint16(width))
	head, scan := append(head, byte(len(factors))), []byte{byte(len(factors))}
	for i, f := range factors {
		head, scan = append(head, names[i], f, 0), append(scan, names[i], 0)
	}
	end := "\x00\x3f\x00"
	if frame == progressiveFrame {
		end = "\x00\x00\x00"
	}
	blocks := len(factors) * (width/8 + 4) * (height/8 + 4) // and some more
	return bytes.Join([][]byte{
		{0xff, 0xd8}, segment(0xdb, "\x00"+string(bytes.Repeat([]byte{1}, 64))), segment(frame, string(head)),
		table(0x00, "\x00"), table(0x10, "\x00"), segment(0xda, string(scan)+end), make([]byte, blocks/4+8), {0xff, 0xd9},
	}, nil)
}

func withAdobe(file []byte, transform byte) []byte {
	return withSegments(file, segment(0xee, "Adobe\x00\x64\x00\x00\x00\x00"+string(transform)))
}

// headed is a PNG with its depth, colour type and interlacing changed, of which the head alone
// is right.
func headed(file []byte, depth, kind, interlaced byte) []byte {
	b := bytes.Clone(file)
	b[24], b[25], b[28] = depth, kind, interlaced
	binary.BigEndian.PutUint32(b[29:], crc32.ChecksumIEEE(b[12:29]))
	return b
}

// spent is what decoding has taken, garbage included.
func spent(t *testing.T, f File) int {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	m, err := f.decode(bytes.NewReader(f.data))
	runtime.ReadMemStats(&after)
	_ = err // of what is refused in the end the memory is spent all the same
	runtime.KeepAlive(m)
	return int(after.TotalAlloc - before.TotalAlloc)
}

// TestDecodingTakesWhatItIsSaidTo compares the estimates with what the decoders
// take: no less, so that limits hold, and not much more, so that what fits is drawn.
//
//nolint:paralleltest // it measures what the process takes
func TestDecodingTakesWhatItIsSaidTo(t *testing.T) {
	const width, height = 1500, 1001
	paletted := image.NewPaletted(image.Rect(0, 0, width, height), palette.Plan9)
	const yuv, rgb, four = "\x01\x02\x03", "RGB", "\x01\x02\x03\x04"
	for name, data := range map[string][]byte{
		"grey":                     aJPEG(0xc0, width, height, yuv, 0x22),
		"4:2:0":                    aJPEG(0xc0, width, height, yuv, 0x22, 0x11, 0x11),
		"4:2:2":                    aJPEG(0xc1, width, height, yuv, 0x21, 0x11, 0x11),
		"4:4:4":                    aJPEG(0xc0, width, height, yuv, 0x11, 0x11, 0x11),
		"colours":                  aJPEG(0xc0, width, height, rgb, 0x11, 0x11, 0x11),
		"colours, by Adobe":        withAdobe(aJPEG(0xc0, width, height, yuv, 0x22, 0x11, 0x11), 0),
		"CMYK":                     withAdobe(aJPEG(0xc0, width, height, four, 0x11, 0x11, 0x11, 0x11), 0),
		"YCbCrK":                   withAdobe(aJPEG(0xc0, width, height, four, 0x22, 0x11, 0x11, 0x22), 2),
		"progressive grey":         aJPEG(0xc2, width, height, yuv, 0x11),
		"progressive 4:2:0":        aJPEG(0xc2, width, height, yuv, 0x22, 0x11, 0x11),
		"progressive 4:4:4":        aJPEG(0xc2, width, height, yuv, 0x11, 0x11, 0x11),
		"progressive colours":      aJPEG(0xc2, width, height, rgb, 0x11, 0x11, 0x11),
		"progressive CMYK":         withAdobe(aJPEG(0xc2, width, height, four, 0x11, 0x11, 0x11, 0x11), 0),
		"much for a few pixels":    aJPEG(0xc2, 1, 20_000, yuv, 0x42, 0x11, 0x11),
		"PNG":                      pngOf(t, corners(width, height, glass)),
		"PNG of colours":           pngOf(t, corners(width, height, red)),
		"PNG of 16 bits":           pngOf(t, image.NewNRGBA64(image.Rect(0, 0, width, height))),
		"PNG of some more colours": pngOf(t, paletted),
		"GIF":                      gifOf(t, paletted),
	} {
		f, err := Recognise(data, limits)
		require.NoError(t, err, name)
		said, err := f.memory(f.data, f.width, f.height)
		require.NoError(t, err)
		took := spent(t, f)
		t.Logf("%s: %d KiB, said to be %d", name, took>>10, said>>10)
		require.Greater(t, took, said/3, "%s: the test tests nothing", name)
		require.Less(t, took, said+said/20+1<<20, name)
		require.ErrorIs(t, costly(data, said-1), ErrTooCostly, name)
		require.NoError(t, costly(data, said), name)
	}
}

func costly(data []byte, memory int) error {
	_, err := Recognise(data, Limits{Bytes: maxBytes, Memory: memory})
	return err
}

// TestWhatTakesTooMuchIsNotDecoded has small files that take several times the
// memory of their pixels.
func TestWhatTakesTooMuchIsNotDecoded(t *testing.T) {
	t.Parallel()
	const yuv, four = "\x01\x02\x03", "\x01\x02\x03\x04"
	small := pngOf(t, corners(8, 8, glass))
	wide := func(file []byte, width, height uint32) []byte {
		b := bytes.Clone(file)
		binary.BigEndian.PutUint32(b[16:], width)
		binary.BigEndian.PutUint32(b[20:], height)
		return b
	}
	for name, data := range map[string][]byte{
		"progressive 4:4:4": aJPEG(0xc2, 6320, 6320, yuv, 0x11, 0x11, 0x11),
		"progressive CMYK":  aJPEG(0xc2, 3160, 3160, four, 0x11, 0x11, 0x11, 0x11),
		"PNG of 16 bits":    headed(wide(small, 5000, 4300), 16, 6, 0),
		"interlaced PNG":    headed(wide(small, 5400, 5400), 8, 6, 1),
		"many trees":        webpOf("VP8L", losslessHead(4000, 2000), 1<<20),
	} {
		require.ErrorIs(t, costly(data, limits.Memory), ErrTooCostly, name)
	}
	for name, data := range map[string][]byte{
		"of a phone":              aJPEG(0xc0, 8064, 6048, yuv, 0x22, 0x11, 0x11),
		"of a phone, progressive": aJPEG(0xc2, 4032, 3024, yuv, 0x22, 0x11, 0x11),
		"of a screen":             wide(small, 3840, 2160),
	} {
		if name == "of a screen" {
			data = headed(data, 8, 6, 0)
		}
		require.NoError(t, costly(data, limits.Memory), name)
	}
}

// losslessHead is the head of a lossless picture (RFC 9649 section 3.4).
func losslessHead(width, height uint32) []byte {
	return binary.LittleEndian.AppendUint32([]byte{0x2f}, width-1|(height-1)<<14)
}

// webpOf is a file with one chunk, which is filled with zeroes.
func webpOf(kind string, head []byte, length int) []byte {
	chunk := append([]byte(kind), binary.LittleEndian.AppendUint32(nil, uint32(length))...)
	chunk = append(append(chunk, head...), make([]byte, length-len(head))...)
	file := append([]byte("RIFF"), binary.LittleEndian.AppendUint32(nil, uint32(len(chunk)+4))...)
	return append(append(file, "WEBP"...), chunk...)
}

func TestAChunkHasToBeThere(t *testing.T) {
	t.Parallel()
	for name, data := range map[string][]byte{
		"lossy": fromBase64(t, webpLossy), "lossless": fromBase64(t, webpLossless),
	} {
		require.NoError(t, costly(data, limits.Memory), name)
		long := bytes.Clone(data)
		binary.LittleEndian.PutUint32(long[4:], 1<<27+100)
		binary.LittleEndian.PutUint32(long[16:], 1<<27)
		require.ErrorIs(t, costly(long, limits.Memory), ErrNone, name)
	}
	require.ErrorIs(t, costly([]byte("RIFF\x04\x00\x00\x00WEBP"), limits.Memory), ErrNone)
}

// TestDrawingEndsWithItsContext reads no more of a file for nobody.
func TestDrawingEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	f, err := Recognise(jpegOf(t, corners(64, 64, red)), limits)
	require.NoError(t, err)
	decode := f.decode
	f.decode = func(r io.Reader) (image.Image, error) {
		cancel()
		m, err := decode(r)
		require.ErrorIs(t, err, context.Canceled)
		return m, err
	}
	_, err = f.Redraw(ctx, side)
	require.ErrorIs(t, err, context.Canceled)
	require.NotErrorIs(t, err, ErrNone)
}
