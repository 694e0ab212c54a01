package setup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// folder is where secrets are, or a certificate.
type folder struct {
	dir     string
	of      string // what is in it, in words
	setting string // that names it
}

// prepare makes the folder, for its owner and its group. Where files in it are
// shared, others may pass through it to them, and see no list.
func (f folder) prepare(shared bool) error {
	mode := os.FileMode(0o750)
	if shared {
		mode = passed
	}
	if err := os.MkdirAll(f.dir, mode); err != nil {
		return f.unwritable(err)
	}
	info, err := os.Stat(f.dir)
	if err == nil && info.Mode().Perm() != mode { // it was made with less, or is a volume's
		err = os.Chmod(f.dir, mode)
	}
	if err != nil {
		return f.unwritable(err)
	}
	return nil
}

// passed is the least mode of a folder that others pass through.
const passed = 0o751

// letPass makes the folder, and lets others pass through it. What else they may
// do there is up to who made it.
func (f folder) letPass() error {
	if err := os.MkdirAll(f.dir, passed); err != nil {
		return f.unwritable(err)
	}
	info, err := os.Stat(f.dir)
	if err == nil && info.Mode()&passed != passed {
		err = os.Chmod(f.dir, info.Mode()|passed)
	}
	if err != nil {
		return f.unwritable(err)
	}
	return nil
}

// ensure makes a file with the content that make returns, and reports whether
// it was missing. It is there as a whole or not at all, and two at a time make
// it once.
func (f folder) ensure(name string, mode os.FileMode, make func() (string, error)) (isNew bool, err error) {
	path := filepath.Join(f.dir, name)
	switch info, err := os.Lstat(path); {
	case err == nil && info.Mode().IsRegular() && info.Size() > 0:
		return false, nil
	case err == nil:
		return false, fmt.Errorf("%s is empty or not a file: delete it, and it is made anew", path)
	case !errors.Is(err, fs.ErrNotExist):
		return false, f.unwritable(err)
	}
	text, err := make()
	if err != nil {
		return false, err
	}
	temporary, err := f.write(name, text, mode)
	if err != nil {
		return false, f.unwritable(err)
	}
	defer os.Remove(temporary)
	if err := os.Link(temporary, path); errors.Is(err, fs.ErrExist) {
		return false, nil // another was faster
	} else if err != nil {
		return false, f.unwritable(err)
	}
	return true, nil
}

// replace makes a file anew. Who reads it finds the old one or the new one, as a
// whole.
func (f folder) replace(name string, mode os.FileMode, make func() (string, error)) error {
	text, err := make()
	if err != nil {
		return err
	}
	temporary, err := f.write(name, text, mode)
	if err != nil {
		return f.unwritable(err)
	}
	path := filepath.Join(f.dir, name)
	if runtime.GOOS == "windows" {
		_ = os.Chmod(path, 0o600) // nothing takes the place of a read-only file there
	}
	if err := os.Rename(temporary, path); err != nil {
		os.Remove(temporary)
		return f.unwritable(err)
	}
	return nil
}

// write writes a new file that nobody knows yet.
func (f folder) write(name, text string, mode os.FileMode) (path string, err error) {
	file, err := os.CreateTemp(f.dir, "."+name+"-*")
	if err != nil {
		return "", err
	}
	_, err = file.WriteString(text + "\n")
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Chmod(file.Name(), mode)
	}
	if err != nil {
		os.Remove(file.Name())
	}
	return file.Name(), err
}

func (f folder) unwritable(err error) error {
	return fmt.Errorf("the folder of %s: %w: give it to the user that hub init runs as (uid %d), or name another in %s", f.of, err, os.Getuid(), f.setting)
}
