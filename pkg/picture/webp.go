package picture

import "encoding/binary"

// webpMemory is what the decoder of WebP takes (RFC 9649): 1.5 bytes for each
// pixel of a lossy picture, which may have a lossless one for its transparency. The
// data itself is copied once, so all of it has to be there: the decoder believes
// what a chunk says of its length.
func webpMemory(data []byte, width, height int) (int, error) {
	const riff, head = 12, 8
	memory := 0
	for rest := data[riff:]; len(rest) >= head; {
		length := int(binary.LittleEndian.Uint32(rest[4:]))
		if length > len(rest)-head {
			return 0, ErrNone
		}
		content := rest[head : head+length]
		switch string(rest[:4]) {
		case "ALPH": // the two lowest bits of its first byte tell the compression, which 0 is none
			memory += width * height
			if length > 0 && content[0]&3 != 0 {
				memory += losslessMemory(length, width, height)
			}
		case "VP8 ":
			return memory + 3*(width+15)*(height+15)/2 + width*height/32 + length, nil
		case "VP8L":
			return memory + losslessMemory(length, width, height), nil
		}
		rest = rest[min(head+length+length&1, len(rest)):]
	}
	return 0, ErrNone
}

// What the trees of a lossless picture take. There is a group of five trees for up
// to each tile of four pixels by four, but the decoder does with no more than
// so many groups.
const (
	maxGroups = 2600
	tile      = 4
	// groupSize is for tables of five trees, and treeSize for the nodes of a group
	// that knows all symbols, with the largest cache of colours.
	groupSize = 2700
	treeSize  = 54_000
	// nodesPerByte bounds what a byte of the file can make nodes of: 6 symbols, of 16
	// bytes each, can be told in two bits.
	nodesPerByte = 6 * 16 * 8 / 2
)

// losslessMemory is what decoding takes of a lossless picture of so many bytes: at
// the worst twice four bytes for each pixel, as colours are looked up, besides what
// tells the transforms and groups of each tile, and the trees.
func losslessMemory(length, width, height int) int {
	groups := min(ceil(width, tile)*ceil(height, tile), maxGroups)
	return 9*width*height + groups*groupSize + min(groups*treeSize, length*nodesPerByte)
}
