package picture

func jpegMemory(data []byte, width, height int) (int, error) {
	f := readJPEG(data)
	if f.scans > maxScans {
		return 0, ErrNone
	}
	return f.memory(width, height), nil
}

// pngMemory goes by the depth and the colour type, and by the first pixels of all
// being drawn one pass after the other if they are interlaced: each pass is a
// picture of its own, and the last one has half of the rows. Grey and colours may have a
// transparent one among them, which makes four channels of them.
func pngMemory(data []byte, width, height int) (int, error) {
	const depth, kind, interlaced, paletted = 24, 25, 28, 3
	if len(data) <= interlaced {
		return 0, ErrNone
	}
	memory := 4 * width * height
	switch {
	case data[kind] == paletted:
		memory = width * height
	case data[depth] > 8:
		memory *= 2
	}
	if data[interlaced] != 0 {
		memory += memory / 2
	}
	return memory, nil
}

// gifMemory counts a frame as large as the screen twice, as it is if its lines are
// interlaced.
func gifMemory(_ []byte, width, height int) (int, error) { return 2 * width * height, nil }
