// Package picture draws pictures that others have made anew: what is uploaded, or
// fetched from where somebody says, is decoded, scaled down and encoded again, so
// that nothing is left of the file but its pixels. Neither where a photograph was
// taken nor what else somebody has put into it is in what comes out.
package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/draw"
	"golang.org/x/image/webp"
)

// What can be wrong with a file.
var (
	ErrNone     = errors.New("picture: the file is no picture that is understood")
	ErrTooLarge = errors.New("picture: the file or the picture in it is too large")
)

const (
	// MaxPixels is the width times the height of what is drawn, at most.
	MaxPixels = 40_000_000
	// maxSide bounds the longer side: scaling needs memory for the shorter side
	// of what it makes times the longer side of what it takes.
	maxSide = 20_000
	// largePixels is from where on a picture is drawn alone.
	largePixels = 10_000_000
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

// File is one that may be drawn.
type File struct {
	format
	data          []byte
	width, height int
}

// Drawn is a picture that was drawn anew.
type Drawn struct {
	Extension string // jpg or png
	MIME      string
	Data      []byte
}

// Recognise finds out what a file is, before memory is spent on its pixels:
// [ErrTooLarge] if it has more than maxBytes, or the picture too many pixels, and
// [ErrNone] if it is no JPEG, PNG, GIF or WebP.
func Recognise(data []byte, maxBytes int) (File, error) {
	if len(data) > maxBytes {
		return File{}, ErrTooLarge
	}
	for _, f := range formats {
		if !f.matches(data) {
			continue
		}
		c, err := f.config(bytes.NewReader(data))
		if err != nil {
			return File{}, ErrNone
		}
		if c.Width < 1 || c.Height < 1 {
			return File{}, ErrNone
		}
		if c.Width > maxSide || c.Height > maxSide || c.Width*c.Height > MaxPixels {
			return File{}, ErrTooLarge
		}
		if f.scans(data) > maxScans {
			return File{}, ErrNone
		}
		return File{f, data, c.Width, c.Height}, nil
	}
	return File{}, ErrNone
}

// Large tells that drawing the picture needs much memory: up to ten bytes for each
// pixel.
func (f File) Large() bool { return f.width*f.height > largePixels }

// Redraw draws the picture anew, upright and with its longer side no longer than
// so many pixels, as JPEG, or as PNG if one can see through it. [ErrNone] if the
// file turns out to be broken.
func (f File) Redraw(side int) (Drawn, error) {
	source, err := f.decode(bytes.NewReader(f.data))
	if err != nil {
		return Drawn{}, ErrNone
	}
	if source.Bounds().Empty() { // the first frame of a GIF need not fill it
		return Drawn{}, ErrNone
	}
	drawn := f.turned(f.data).apply(scaled(source, side))
	var out bytes.Buffer
	if drawn.Opaque() {
		err = jpeg.Encode(&out, drawn, &jpeg.Options{Quality: jpegQuality})
		if err != nil {
			return Drawn{}, fmt.Errorf("encoding a JPEG: %w", err)
		}
		return Drawn{Extension: "jpg", MIME: "image/jpeg", Data: out.Bytes()}, nil
	}
	if err := png.Encode(&out, drawn); err != nil {
		return Drawn{}, fmt.Errorf("encoding a PNG: %w", err)
	}
	return Drawn{Extension: "png", MIME: "image/png", Data: out.Bytes()}, nil
}

// scaled is the picture with its longer side no longer than so many pixels.
func scaled(source image.Image, side int) *image.RGBA {
	size := source.Bounds().Size()
	longer := max(size.X, size.Y)
	if longer <= side {
		drawn := image.NewRGBA(image.Rectangle{Max: size})
		draw.Copy(drawn, image.Point{}, source, source.Bounds(), draw.Src, nil)
		return drawn
	}
	drawn := image.NewRGBA(image.Rect(0, 0, max(size.X*side/longer, 1), max(size.Y*side/longer, 1)))
	draw.CatmullRom.Scale(drawn, drawn.Bounds(), source, source.Bounds(), draw.Src, nil)
	return drawn
}
