package doctor

import (
	"context"
	"fmt"
	"os"
)

// minSpace is how much a folder of databases should have left.
const minSpace = 512 << 20

// Folder looks whether a folder can be written to, is private and has space.
func Folder(name, path string) Check {
	return Check{name, func(context.Context) []Result {
		info, err := os.Stat(path)
		if err != nil {
			return Fail(err.Error(), "run serve or migrate, or see whether the path is right")
		}
		f, err := os.CreateTemp(path, ".doctor-*")
		if err != nil {
			return Fail("it cannot be written to: "+err.Error(), "give the user of the process the right to")
		}
		_ = f.Close()
		if err := os.Remove(f.Name()); err != nil {
			return Fail(err.Error(), "give the user of the process the right to delete files")
		}
		if info.Mode().Perm()&0o077 != 0 {
			return Warn(fmt.Sprintf("%s can be read by others on this machine", path), "chmod 700 "+path)
		}
		if free, known := space(path); known && free < minSpace {
			return Warn(fmt.Sprintf("%s has %d MiB left", path, free>>20), "make room: a full disk stops all logins")
		}
		return Good("%s is writable, private and has space", path)
	}}
}
