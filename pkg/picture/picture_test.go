package picture

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/color/palette"
	"image/draw"
	"image/jpeg"
	"image/png"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	side     = 1024
	maxBytes = 5 << 20
)

var limits = Limits{Bytes: maxBytes, Memory: 160 << 20}

func redrawn(tb testing.TB, data []byte) Drawn {
	tb.Helper()
	u, err := Recognise(data, limits)
	require.NoError(tb, err)
	p, err := u.Redraw(tb.Context(), side)
	require.NoError(tb, err)
	return p
}

// decoded is a picture as stored, which must be what it says.
func decoded(tb testing.TB, p Drawn) image.Image {
	tb.Helper()
	var m image.Image
	var err error
	switch [2]string{p.Extension, p.MIME} {
	case [2]string{"jpg", "image/jpeg"}:
		m, err = jpeg.Decode(bytes.NewReader(p.Data))
	case [2]string{"png", "image/png"}:
		m, err = png.Decode(bytes.NewReader(p.Data))
	default:
		require.Fail(tb, "no such kind", "%s %s", p.Extension, p.MIME)
	}
	require.NoError(tb, err)
	return m
}

func near(a, b color.Color) bool {
	r, g, bl, al := a.RGBA()
	r2, g2, bl2, al2 := b.RGBA()
	for _, d := range []int{int(r) - int(r2), int(g) - int(g2), int(bl) - int(bl2), int(al) - int(al2)} {
		if d < -0x1000 || d > 0x1000 {
			return false
		}
	}
	return true
}

// requireCorners wants a colour in the middle of each quarter.
func requireCorners(t *testing.T, m image.Image, want [4]color.RGBA, of string) {
	t.Helper()
	size := m.Bounds().Size()
	for i, c := range want {
		got := m.At(size.X/4+i%2*size.X/2, size.Y/4+i/2*size.Y/2)
		require.True(t, near(got, c), "%s: corner %d is %v and not %v", of, i, got, c)
	}
}

func TestEachFormatIsDrawn(t *testing.T) {
	t.Parallel()
	solid, seen := corners(32, 32, red), corners(32, 32, glass)
	first, second := image.NewPaletted(solid.Bounds(), palette.Plan9), image.NewPaletted(solid.Bounds(), palette.Plan9)
	draw.Draw(first, first.Bounds(), solid, image.Point{}, draw.Src)
	draw.Draw(second, second.Bounds(), image.NewUniform(blue), image.Point{}, draw.Src)
	for name, tt := range map[string]struct {
		data      []byte
		extension string
		size      image.Point
		corners   *[4]color.RGBA
	}{
		"JPEG":              {jpegOf(t, solid), "jpg", image.Pt(32, 32), &[4]color.RGBA{red, green, blue, red}},
		"PNG":               {pngOf(t, solid), "jpg", image.Pt(32, 32), &[4]color.RGBA{red, green, blue, red}},
		"transparent PNG":   {pngOf(t, seen), "png", image.Pt(32, 32), &[4]color.RGBA{red, green, blue, glass}},
		"GIF of frames":     {gifOf(t, first, second), "jpg", image.Pt(32, 32), &[4]color.RGBA{red, green, blue, red}},
		"WebP":              {fromBase64(t, webpLossy), "jpg", image.Pt(1, 1), nil},
		"lossless WebP":     {fromBase64(t, webpLossless), "png", image.Pt(1, 1), nil},
		"large":             {pngOf(t, corners(1200, 600, glass)), "png", image.Pt(1024, 512), &[4]color.RGBA{red, green, blue, glass}},
		"tall":              {jpegOf(t, corners(600, 1200, red)), "jpg", image.Pt(512, 1024), &[4]color.RGBA{red, green, blue, red}},
		"many times larger": {pngOf(t, corners(5003, 2501, glass)), "png", image.Pt(1024, 511), &[4]color.RGBA{red, green, blue, glass}},
		"a line":            {pngOf(t, image.NewGray(image.Rect(0, 0, 1, 5000))), "jpg", image.Pt(1, 1024), nil},
		"as large as kept":  {jpegOf(t, corners(1024, 64, red)), "jpg", image.Pt(1024, 64), nil},
	} {
		p := redrawn(t, tt.data)
		require.Equal(t, tt.extension, p.Extension, name)
		m := decoded(t, p)
		require.Equal(t, tt.size, m.Bounds().Size(), name)
		if tt.corners != nil {
			requireCorners(t, m, *tt.corners, name)
		}
	}
}

func TestPicturesAreDrawnUpright(t *testing.T) {
	t.Parallel()
	file := jpegOf(t, corners(32, 16, red))
	for o, want := range map[uint16][4]color.RGBA{
		0: {red, green, blue, red}, 1: {red, green, blue, red}, 9: {red, green, blue, red},
		2: {green, red, red, blue}, 3: {red, blue, green, red}, 4: {blue, red, red, green},
		5: {red, blue, green, red}, 6: {blue, red, red, green}, 7: {red, green, blue, red}, 8: {green, red, red, blue},
	} {
		for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
			m := decoded(t, redrawn(t, withSegments(file, exif(order, o))))
			size := image.Pt(32, 16)
			if o >= 5 && o <= 8 {
				size = image.Pt(16, 32)
			}
			name := fmt.Sprintf("orientation %d, %s", o, order)
			require.Equal(t, size, m.Bounds().Size(), name)
			requireCorners(t, m, want, name)
		}
	}
	cut := exif(binary.LittleEndian, 6)[:20]
	binary.BigEndian.PutUint16(cut[2:], uint16(len(cut)-2))
	require.Equal(t, image.Pt(32, 16), decoded(t, redrawn(t, withSegments(file, cut))).Bounds().Size(), "broken metadata")
}

// TestNothingButPixelsIsKept looks for what cameras, programs and attackers put
// into pictures.
func TestNothingButPixelsIsKept(t *testing.T) {
	t.Parallel()
	opaque, seen := corners(8, 8, red), corners(8, 8, glass)
	script := "<script>" + secret + "</script>"
	for name, data := range map[string][]byte{
		"EXIF with a place": withSegments(jpegOf(t, opaque), exif(binary.BigEndian, 1)),
		"an ICC profile":    withSegments(jpegOf(t, opaque), segment(0xe2, "ICC_PROFILE\x00\x01\x01"+secret)),
		"XMP":               withSegments(jpegOf(t, opaque), segment(0xe1, "http://ns.adobe.com/xap/1.0/\x00"+script)),
		"IPTC":              withSegments(jpegOf(t, opaque), segment(0xed, "Photoshop 3.0\x00"+secret)),
		"a comment":         withSegments(jpegOf(t, opaque), segment(0xfe, "/*"+script)),
		"PNG text":          withChunk(pngOf(t, seen), "tEXt", "Comment\x00"+secret),
		"PNG's EXIF":        withChunk(pngOf(t, seen), "eXIf", secret),
		"a JPEG's end":      append(jpegOf(t, opaque), "PK\x03\x04"+secret...),
		"a PNG's end":       append(pngOf(t, seen), script...),
		"a GIF's end":       append(gifOf(t, image.NewPaletted(image.Rect(0, 0, 2, 2), palette.Plan9)), script...),
	} {
		require.Contains(t, string(data), secret, "%s: the test tests nothing", name)
		p := redrawn(t, data)
		require.NotContains(t, string(p.Data), secret, name)
		for _, sign := range []string{"Exif", "ICC_PROFILE", "http", "Photoshop", "PK\x03\x04", "script", "tEXt", "eXIf"} {
			require.NotContains(t, string(p.Data), sign, name)
		}
	}
}

func TestWhatIsNoPicture(t *testing.T) {
	t.Parallel()
	whole := pngOf(t, corners(64, 64, red))
	huge := func(width, height uint32) []byte {
		b := bytes.Clone(whole[:8+25])
		binary.BigEndian.PutUint32(b[16:], width)
		binary.BigEndian.PutUint32(b[20:], height)
		head := withChunk(b, "IDAT", "")
		return append(b[:8], withChunk(head, "IHDR", string(b[16:29]))[8+25:8+25+25]...)
	}
	for name, tt := range map[string]struct {
		data []byte
		want error
	}{
		"nothing":         {nil, ErrNone},
		"text":            {[]byte("GIF as they say"), ErrNone},
		"SVG":             {[]byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), ErrNone},
		"a BMP":           {append([]byte("BM"), make([]byte, 60)...), ErrNone},
		"a head alone":    {whole[:20], ErrNone},
		"half of it":      {whole[:len(whole)/2], ErrNone},
		"something first": {append([]byte("x"), whole...), ErrNone},
		"too many bytes":  {append(bytes.Clone(whole), make([]byte, maxBytes)...), ErrTooLarge},
		"too many pixels": {huge(10_000, 5_001), ErrTooLarge},
		"too long":        {huge(20_001, 1), ErrTooLarge},
		"a bomb":          {huge(1<<31-1, 1<<31-1), ErrNone},
	} {
		u, err := Recognise(tt.data, limits)
		if err == nil {
			_, err = u.Redraw(t.Context(), side)
		}
		require.ErrorIs(t, err, tt.want, name)
	}
}

func FuzzRedraw(f *testing.F) {
	f.Add(withSegments(jpegOf(f, corners(8, 8, red)), exif(binary.BigEndian, 6)))
	f.Add(pngOf(f, corners(8, 8, glass)))
	f.Add(gifOf(f, image.NewPaletted(image.Rect(0, 0, 2, 2), palette.Plan9)))
	f.Add(fromBase64(f, webpLossless))
	f.Add(fromBase64(f, webpLossy))
	f.Fuzz(func(t *testing.T, data []byte) {
		u, err := Recognise(data, limits)
		if err != nil || u.width*u.height > 1<<20 {
			return
		}
		if p, err := u.Redraw(t.Context(), side); err == nil {
			decoded(t, p)
		} else {
			require.ErrorIs(t, err, ErrNone)
		}
	})
}
