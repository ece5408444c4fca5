package picture

import "encoding/binary"

// maxScans bounds how often a JPEG goes over its pixels. Progressive ones do so
// about ten times. One that does so after every few bytes would keep a processor
// busy for hours.
const maxScans = 30

// The markers of a JPEG that matter here (ITU T.81, table B.1).
const (
	stuffed          = 0x00 // no marker, but a byte of the pixels
	startOfFrame     = 0xc0
	progressiveFrame = 0xc2
	firstRestart     = 0xd0
	lastRestart      = 0xd7
	endOfImage       = 0xd9
	startOfScan      = 0xda
	adobe            = 0xee
	fill             = 0xff
)

// jpegFile is what a JPEG says of itself.
type jpegFile struct {
	scans       int
	progressive bool
	frame       []byte // what follows the length of its first frame header (section B.2.2)
	// rgb tells that its components may be colours, which are drawn into a copy.
	rgb bool
}

// readJPEG goes over the segments of a file, as its decoder will find them.
func readJPEG(data []byte) (f jpegFile) {
	for i := 2; i+4 <= len(data); {
		marker := data[i+1]
		switch {
		case data[i] != 0xff, marker == fill:
			i++
		case marker == stuffed, marker >= firstRestart && marker <= lastRestart:
			i += 2
		case marker == endOfImage:
			return f
		default:
			start, end := i+4, i+2+int(binary.BigEndian.Uint16(data[i+2:]))
			f.segment(marker, data[start:max(start, min(end, len(data)))])
			i = end
		}
	}
	return f
}

func (f *jpegFile) segment(marker byte, content []byte) {
	const transform = 11 // where Adobe says what the components are; 0 is colours
	switch marker {
	case startOfScan:
		f.scans++
	case startOfFrame, startOfFrame + 1, progressiveFrame:
		if f.frame == nil {
			f.frame, f.progressive = content, marker == progressiveFrame
		}
	case adobe:
		f.rgb = f.rgb || len(content) > transform && content[transform] == 0
	}
}

// The parts of a frame header: precision, height, width, how many components
// there are, and three bytes for each.
const (
	frameHeader = 6
	component   = 3
)

// memory is what the decoder takes for the picture: its samples, in whole units of
// blocks; of a progressive one, also its coefficients of four bytes each until the
// last scan was read; and a copy, if its components are not those of JFIF.
func (f jpegFile) memory(width, height int) int {
	if len(f.frame) < frameHeader+component {
		return 0 // nothing is decoded
	}
	components := f.frame[frameHeader:]
	count := len(components) / component
	sampling := func(i int) (h, v int) {
		if count == 1 { // it is its own unit, whatever it says
			return 1, 1
		}
		factors := components[i*component+1]
		return int(factors >> 4), int(factors & 0xf)
	}
	h, v := sampling(0)
	units := ceil(width, 8*h) * ceil(height, 8*v)
	samples, names := 0, ""
	for i := range count {
		h, v := sampling(i)
		samples += units * 64 * h * v
		names += string(rune(components[i*component]))
	}
	memory := samples
	if f.progressive {
		memory += 4 * samples
	}
	if count > 3 || count > 1 && (f.rgb || names == "RGB") {
		memory += 4 * width * height
	}
	return memory
}

// ceil is a/b, rounded up; 0 of a b that is none.
func ceil(a, b int) int {
	if b < 1 {
		return 0
	}
	return (a + b - 1) / b
}
