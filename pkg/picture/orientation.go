package picture

import (
	"bytes"
	"image"

	"github.com/bep/imagemeta"
)

// orientation is how a camera was held, as EXIF tells it (EXIF 2.32, tag
// 0x0112): from 1, which is upright, to 8.
type orientation int

const orientationTag = "Orientation"

func upright([]byte) orientation { return 1 }

// exifOrientation reads the one tag of a JPEG that is needed to draw it. What
// cannot be read counts as upright.
func exifOrientation(data []byte) orientation {
	found := orientation(1)
	_, err := imagemeta.Decode(imagemeta.Options{
		R: bytes.NewReader(data), ImageFormat: imagemeta.JPEG, Sources: imagemeta.EXIF,
		ShouldHandleTag: func(tag imagemeta.TagInfo) bool {
			return tag.Tag == orientationTag && tag.Namespace == "IFD0"
		},
		HandleTag: func(tag imagemeta.TagInfo) error {
			if value, ok := tag.Value.(uint16); ok && value >= 1 && value <= 8 {
				found = orientation(value)
			}
			return imagemeta.ErrStopWalking
		},
		Warnf: func(string, ...any) {},
	})
	if err != nil {
		return 1
	}
	return found
}

// apply turns and mirrors the picture until it is upright.
func (o orientation) apply(source *image.RGBA) *image.RGBA {
	if o == 1 {
		return source
	}
	size := source.Bounds().Size()
	turned := size
	if o >= 5 {
		turned = image.Pt(size.Y, size.X)
	}
	drawn := image.NewRGBA(image.Rectangle{Max: turned})
	for y := range turned.Y {
		for x := range turned.X {
			from := o.from(x, y, size.X-1, size.Y-1)
			copy(drawn.Pix[drawn.PixOffset(x, y):][:4], source.Pix[source.PixOffset(from.X, from.Y):][:4])
		}
	}
	return drawn
}

// from is which pixel of the picture, whose last is at right and bottom, is at
// x and y of the upright one.
func (o orientation) from(x, y, right, bottom int) image.Point {
	switch o {
	case 2:
		return image.Pt(right-x, y)
	case 3:
		return image.Pt(right-x, bottom-y)
	case 4:
		return image.Pt(x, bottom-y)
	case 5:
		return image.Pt(y, x)
	case 6:
		return image.Pt(y, bottom-x)
	case 7:
		return image.Pt(right-y, bottom-x)
	case 8:
		return image.Pt(right-y, x)
	default:
		return image.Pt(x, y)
	}
}
