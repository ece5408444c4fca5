package image

import (
	"bytes"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/draw"
	"golang.org/x/image/webp"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

const (
	maxPixels = 40_000_000 // width times height of what is uploaded
	// maxSide bounds the longer side: scaling needs memory for the shorter side
	// of what it makes times the longer side of what it takes.
	maxSide = 20_000
	// largePixels is from where on a picture is drawn alone.
	largePixels = 10_000_000
	// drawnSide is how long the longer side is of what is kept, at most.
	drawnSide   = 1024
	jpegQuality = 85
)

// format is a kind of file that is understood. The names and the first bytes
// are told apart here and not by a registry, so that nothing else ever is.
type format struct {
	magic  string // '?' is any byte
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
	turned func([]byte) orientation // as its metadata says
	scans  func([]byte) int         // how often it goes over its pixels
}

var formats = []format{
	{"\xff\xd8\xff", jpeg.DecodeConfig, jpeg.Decode, exifOrientation, scansOf},
	{"\x89PNG\r\n\x1a\n", png.DecodeConfig, png.Decode, upright, once},
	{"GIF8?a", gif.DecodeConfig, gif.Decode, upright, once}, // of many frames the first
	{"RIFF????WEBP", webp.DecodeConfig, webp.Decode, upright, once},
}

func (f format) matches(data []byte) bool {
	if len(data) < len(f.magic) {
		return false
	}
	for i := range len(f.magic) {
		if f.magic[i] != '?' && f.magic[i] != data[i] {
			return false
		}
	}
	return true
}

// upload is a file that may be drawn.
type upload struct {
	format
	data          []byte
	width, height int
}

// recognise finds out what was uploaded, before memory is spent on its pixels.
func recognise(data []byte) (upload, error) {
	if len(data) > accounts.MaxImage {
		return upload{}, tooLarge()
	}
	for _, f := range formats {
		if !f.matches(data) {
			continue
		}
		c, err := f.config(bytes.NewReader(data))
		if err != nil {
			return upload{}, noImage()
		}
		if c.Width < 1 || c.Height < 1 {
			return upload{}, noImage()
		}
		if c.Width > maxSide || c.Height > maxSide || c.Width*c.Height > maxPixels {
			return upload{}, tooLarge()
		}
		if f.scans(data) > maxScans {
			return upload{}, noImage()
		}
		return upload{f, data, c.Width, c.Height}, nil
	}
	return upload{}, noImage()
}

func noImage() error { return fault.Field("image", "validation.image") }

func tooLarge() error {
	return fault.Field("image", "validation.image_size", "Max", accounts.MaxImage>>20, "Pixels", maxPixels/1_000_000)
}

// large tells that the picture needs much memory.
func (u upload) large() bool { return u.width*u.height > largePixels }

// redraw draws the picture anew, upright and not too large, as JPEG, or as PNG
// if one can see through it.
func (u upload) redraw() (store.Picture, error) {
	source, err := u.decode(bytes.NewReader(u.data))
	if err != nil {
		return store.Picture{}, noImage()
	}
	if source.Bounds().Empty() { // the first frame of a GIF need not fill it
		return store.Picture{}, noImage()
	}
	drawn := u.turned(u.data).apply(scaled(source))
	var out bytes.Buffer
	if drawn.Opaque() {
		err = jpeg.Encode(&out, drawn, &jpeg.Options{Quality: jpegQuality})
		if err != nil {
			return store.Picture{}, fmt.Errorf("encoding a JPEG: %w", err)
		}
		return store.Picture{Extension: "jpg", MIME: "image/jpeg", Data: out.Bytes()}, nil
	}
	if err := png.Encode(&out, drawn); err != nil {
		return store.Picture{}, fmt.Errorf("encoding a PNG: %w", err)
	}
	return store.Picture{Extension: "png", MIME: "image/png", Data: out.Bytes()}, nil
}

// scaled is the picture with its longer side no longer than drawnSide.
func scaled(source image.Image) *image.RGBA {
	size := source.Bounds().Size()
	longer := max(size.X, size.Y)
	if longer <= drawnSide {
		drawn := image.NewRGBA(image.Rectangle{Max: size})
		draw.Copy(drawn, image.Point{}, source, source.Bounds(), draw.Src, nil)
		return drawn
	}
	drawn := image.NewRGBA(image.Rect(0, 0, max(size.X*drawnSide/longer, 1), max(size.Y*drawnSide/longer, 1)))
	draw.CatmullRom.Scale(drawn, drawn.Bounds(), source, source.Bounds(), draw.Src, nil)
	return drawn
}
