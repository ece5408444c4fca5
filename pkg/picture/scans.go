package picture

import "encoding/binary"

// maxScans bounds how often a JPEG goes over its pixels. Progressive ones do so
// about ten times. One that does so after every few bytes would keep a processor
// busy for hours.
const maxScans = 30

// once is of the formats that go over each pixel a few times at most.
func once([]byte) int { return 1 }

// The markers of a JPEG that are not followed by a length, and the beginning of a
// scan (ITU T.81, table B.1).
const (
	stuffed      = 0x00 // no marker, but a byte of the pixels
	firstRestart = 0xd0
	lastRestart  = 0xd7
	endOfImage   = 0xd9
	startOfScan  = 0xda
	fill         = 0xff
)

// scansOf counts the scans of a JPEG, as its decoder will find them.
func scansOf(data []byte) (scans int) {
	for i := 2; i+4 <= len(data); {
		marker := data[i+1]
		switch {
		case data[i] != 0xff, marker == fill:
			i++
		case marker == stuffed, marker >= firstRestart && marker <= lastRestart:
			i += 2
		case marker == endOfImage:
			return scans
		default:
			if marker == startOfScan {
				scans++
			}
			i += 2 + int(binary.BigEndian.Uint16(data[i+2:]))
		}
	}
	return scans
}
