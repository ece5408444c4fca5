package picture

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"testing"

	"github.com/stretchr/testify/require"
)

// secret is what must not be in anything that is drawn anew.
const secret = "SECRET-PLACE"

// The smallest WebP images there are.
const (
	webpLossless = "UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA=="
	webpLossy    = "UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA"
)

var (
	red   = color.RGBA{200, 0, 0, 255}
	green = color.RGBA{0, 200, 0, 255}
	blue  = color.RGBA{0, 0, 200, 255}
	glass = color.RGBA{}
)

// corners is a picture in which each quarter but the last has a colour: red at
// the top left, green at the top right, blue at the bottom left.
func corners(width, height int, last color.RGBA) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			c := [2][2]color.RGBA{{red, green}, {blue, last}}[2*y/height][2*x/width]
			m.SetRGBA(x, y, c)
		}
	}
	return m
}

func jpegOf(tb testing.TB, m image.Image) []byte {
	tb.Helper()
	var b bytes.Buffer
	require.NoError(tb, jpeg.Encode(&b, m, &jpeg.Options{Quality: 100}))
	return b.Bytes()
}

func pngOf(tb testing.TB, m image.Image) []byte {
	tb.Helper()
	var b bytes.Buffer
	require.NoError(tb, png.Encode(&b, m))
	return b.Bytes()
}

func gifOf(tb testing.TB, frames ...*image.Paletted) []byte {
	tb.Helper()
	var b bytes.Buffer
	require.NoError(tb, gif.EncodeAll(&b, &gif.GIF{Image: frames, Delay: make([]int, len(frames))}))
	return b.Bytes()
}

// withSegments puts segments after the beginning of a JPEG.
func withSegments(file []byte, segments ...[]byte) []byte {
	out := bytes.Clone(file[:2])
	for _, s := range segments {
		out = append(out, s...)
	}
	return append(out, file[2:]...)
}

func segment(marker byte, content string) []byte {
	length := binary.BigEndian.AppendUint16(nil, uint16(len(content)+2))
	return append(append([]byte{0xff, marker}, length...), content...)
}

// exif is metadata with an orientation, a description and a place.
func exif(order binary.AppendByteOrder, o uint16) []byte {
	mark := "II"
	if order == binary.AppendByteOrder(binary.BigEndian) {
		mark = "MM"
	}
	b := order.AppendUint32(order.AppendUint16([]byte(mark), 42), 8)
	entry := func(tag, kind uint16, count, value uint32) {
		b = order.AppendUint32(order.AppendUint16(order.AppendUint16(b, tag), kind), count)
		if kind == 3 { // a SHORT is at the beginning of its four bytes
			b = order.AppendUint16(order.AppendUint16(b, uint16(value)), 0)
			return
		}
		b = order.AppendUint32(b, value)
	}
	const entries, head = 3, 8 + 2 + 3*12 + 4
	b = order.AppendUint16(b, entries)
	entry(0x010e, 2, uint32(len(secret)+1), head) // ImageDescription
	entry(0x0112, 3, 1, uint32(o))                // Orientation
	entry(0x8825, 4, 1, head+uint32(len(secret)+1))
	b = append(order.AppendUint32(b, 0), secret+"\x00"...)
	b = order.AppendUint16(b, 1)                            // the GPS directory
	b = append(order.AppendUint16(b, 1), 0)                 // GPSLatitudeRef, byte order does not matter
	b = append(b[:len(b)-1], order.AppendUint16(nil, 2)...) // ASCII
	b = append(order.AppendUint32(b, 2), 'N', 0, 0, 0)      // "N"
	return segment(0xe1, "Exif\x00\x00"+string(order.AppendUint32(b, 0)))
}

// withChunk puts a chunk after the header of a PNG.
func withChunk(file []byte, kind, content string) []byte {
	const header = 8 + 25
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(content)))
	chunk = append(chunk, kind+content...)
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:]))
	return append(append(bytes.Clone(file[:header]), chunk...), file[header:]...)
}

func fromBase64(tb testing.TB, text string) []byte {
	tb.Helper()
	b, err := base64.StdEncoding.DecodeString(text)
	require.NoError(tb, err)
	return b
}
