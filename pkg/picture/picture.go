// Package picture draws pictures that others have made anew: what is uploaded, or
// fetched from where somebody says, is decoded, scaled down and encoded again, so
// that nothing is left of the file but its pixels. Neither where a photograph was
// taken nor what else somebody has put into it is in what comes out.
package picture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/webp"
)

// What can be wrong with a file.
var (
	ErrNone     = errors.New("picture: the file is no picture that is understood")
	ErrTooLarge = errors.New("picture: the file or the picture in it is too large")
	// ErrTooCostly is of a picture that is not too large, but kept in a form that
	// takes too much memory to decode.
	ErrTooCostly = errors.New("picture: decoding the picture takes too much memory")
)

const (
	// MaxPixels is the width times the height of what is drawn, at most.
	MaxPixels = 50_000_000
	// maxSide bounds the longer side.
	maxSide     = 20_000
	jpegQuality = 85
)

// Limits are what there is for a picture, in bytes.
type Limits struct {
	Bytes int // of the file
	// Memory is for decoding it. Scaling takes up to 20 bytes more for each pixel of a
	// square as wide as what is made, and then about a hundred instead.
	Memory int
}

// format is a kind of file that is understood. The names and the first bytes
// are told apart here and not by a registry, so that nothing else ever is.
type format struct {
	magic  string // '?' is any byte
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
	turned func([]byte) orientation // as its metadata says
	// memory is what decode takes of a picture so wide and high, in bytes, as far as it
	// grows with the picture or the file.
	memory func(data []byte, width, height int) (int, error)
}

var formats = []format{
	{"\xff\xd8\xff", jpeg.DecodeConfig, jpeg.Decode, exifOrientation, jpegMemory},
	{"\x89PNG\r\n\x1a\n", png.DecodeConfig, png.Decode, upright, pngMemory},
	{"GIF8?a", gif.DecodeConfig, gif.Decode, upright, gifMemory}, // of many frames the first
	{"RIFF????WEBP", webp.DecodeConfig, webp.Decode, upright, webpMemory},
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
// [ErrTooLarge] if it has more bytes than the limit, or the picture too many pixels,
// [ErrTooCostly] if decoding takes more memory than the limit, and [ErrNone] if it is
// no JPEG, PNG, GIF or WebP.
func Recognise(data []byte, limits Limits) (File, error) {
	if len(data) > limits.Bytes {
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
		memory, err := f.memory(data, c.Width, c.Height)
		if err != nil {
			return File{}, err
		}
		if memory > limits.Memory {
			return File{}, ErrTooCostly
		}
		return File{f, data, c.Width, c.Height}, nil
	}
	return File{}, ErrNone
}

// Redraw draws the picture anew, upright and with its longer side no longer than
// so many pixels, as JPEG, or as PNG if one can see through it. [ErrNone] if the
// file turns out to be broken. No more of the file is read once ctx has ended.
func (f File) Redraw(ctx context.Context, side int) (Drawn, error) {
	source, err := f.decode(&reader{ctx, bytes.NewReader(f.data)})
	if ctx.Err() != nil {
		return Drawn{}, fmt.Errorf("drawing a picture: %w", ctx.Err())
	}
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

// reader ends with its context.
type reader struct {
	ctx  context.Context //nolint:containedctx // decoders know none
	data *bytes.Reader
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.data.Read(p)
}
