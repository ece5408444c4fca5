package picture

import (
	"image"

	"golang.org/x/image/draw"
)

// scaled is the picture with its longer side no longer than so many pixels.
func scaled(source image.Image, side int) *image.RGBA {
	size := source.Bounds().Size()
	longer := max(size.X, size.Y)
	if longer <= side {
		drawn := image.NewRGBA(image.Rectangle{Max: size})
		draw.Copy(drawn, image.Point{}, source, source.Bounds(), draw.Src, nil)
		return drawn
	}
	if by := longer / side; by > 1 {
		source = shrunk(source, by)
	}
	drawn := image.NewRGBA(image.Rect(0, 0, max(size.X*side/longer, 1), max(size.Y*side/longer, 1)))
	draw.CatmullRom.Scale(drawn, drawn.Bounds(), source, source.Bounds(), draw.Src, nil)
	return drawn
}

// shrunk is the picture so many times smaller, each pixel the mean of as many by as
// many. The better scaling needs 32 bytes for each pixel of what it makes as wide as
// its result and as high as its source, which is too much of a large picture.
func shrunk(source image.Image, by int) *image.RGBA {
	from := source.Bounds()
	small := image.NewRGBA(image.Rect(0, 0, ceil(from.Dx(), by), ceil(from.Dy(), by)))
	rows := image.NewRGBA(image.Rect(0, 0, from.Dx(), by))
	for y := range small.Rect.Dy() {
		height := min(by, from.Dy()-y*by)
		band := image.Rect(0, 0, from.Dx(), height)
		draw.Draw(rows, band, source, from.Min.Add(image.Pt(0, y*by)), draw.Src)
		for x := range small.Rect.Dx() {
			cell := image.Rect(x*by, 0, min((x+1)*by, from.Dx()), height)
			colour := mean(rows, cell)
			copy(small.Pix[small.PixOffset(x, y):], colour[:])
		}
	}
	return small
}

// mean is the colour of a cell.
func mean(m *image.RGBA, cell image.Rectangle) (colour [4]byte) {
	var sums [4]int
	for y := cell.Min.Y; y < cell.Max.Y; y++ {
		row := m.Pix[m.PixOffset(cell.Min.X, y):m.PixOffset(cell.Max.X, y)]
		for i, value := range row {
			sums[i%4] += int(value)
		}
	}
	pixels := cell.Dx() * cell.Dy()
	for i, sum := range sums {
		colour[i] = byte((sum + pixels/2) / pixels)
	}
	return colour
}
