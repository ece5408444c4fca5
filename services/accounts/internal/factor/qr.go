package factor

import (
	"fmt"
	"image"
	"image/color"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// quiet is the margin of a QR code in modules (ISO/IEC 18004, section 6.3.8).
const quiet = 4

// qrCode is the text as an SVG image, in black on white: a module is one unit, and
// a row of dark ones a rectangle of the path.
func qrCode(text string) (string, error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return "", fmt.Errorf("making a QR code: %w", err) // without the text, which has a secret
	}
	size := code.Bounds().Dx()
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %[1]d %[1]d" shape-rendering="crispEdges">`+
		`<rect width="%[1]d" height="%[1]d" fill="#fff"/><path d="`, size+2*quiet)
	for y := range size {
		for x := 0; x < size; x++ {
			start := x
			for x < size && dark(code, x, y) {
				x++
			}
			if n := x - start; n > 0 {
				fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", start+quiet, y+quiet, n, n)
			}
		}
	}
	b.WriteString(`"/></svg>`)
	return b.String(), nil
}

func dark(img image.Image, x, y int) bool {
	return color.GrayModel.Convert(img.At(x, y)) == color.Gray{}
}
