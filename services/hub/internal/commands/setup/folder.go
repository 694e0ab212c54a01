package setup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// folder is where secrets are.
type folder struct{ dir string }

// prepare makes the folder, for its owner and its group. Where files in it are
// shared, others may pass through it to them, and see no list.
func (f folder) prepare(shared bool) error {
	mode := os.FileMode(0o750)
	if shared {
		mode = 0o751
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
	return fmt.Errorf("the folder of the secrets: %w: give it to the user that hub init runs as (uid %d), or name another in --dir", err, os.Getuid())
}
