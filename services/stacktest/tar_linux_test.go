package stacktest

import (
	"archive/tar"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A layer writes the files of an image. The first error is kept.
type layer struct {
	tar *tar.Writer
	err error
}

func (l *layer) write(h *tar.Header, content io.Reader) {
	if l.err != nil {
		return
	}
	h.Name, h.ModTime = strings.TrimPrefix(h.Name, "/"), time.Unix(0, 0)
	if l.err = l.tar.WriteHeader(h); l.err == nil && content != nil {
		_, l.err = io.Copy(l.tar, content)
	}
}

// folder makes one, of a user and the group of the same number.
func (l *layer) folder(path string, mode int64, uid int) {
	l.write(&tar.Header{Typeflag: tar.TypeDir, Name: path + "/", Mode: mode, Uid: uid, Gid: uid}, nil)
}

func (l *layer) text(path, content string) {
	l.write(&tar.Header{Typeflag: tar.TypeReg, Name: path, Mode: 0o644, Size: int64(len(content))}, strings.NewReader(content))
}

func (l *layer) link(path, target string) {
	l.write(&tar.Header{Typeflag: tar.TypeSymlink, Name: path, Linkname: target, Mode: 0o777}, nil)
}

// file copies one of this machine.
func (l *layer) file(path, from string) {
	if l.err != nil {
		return
	}
	f, err := os.Open(from)
	if err != nil {
		l.err = err
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		l.err = err
		return
	}
	l.write(&tar.Header{Typeflag: tar.TypeReg, Name: path, Mode: int64(info.Mode().Perm()), Size: info.Size()}, f)
}

// tree copies a folder of this machine but for some folders right in it.
func (l *layer) tree(path, from string, without ...string) {
	if l.err != nil {
		return
	}
	skip := map[string]bool{}
	for _, name := range without {
		skip[filepath.Join(from, name)] = true
	}
	l.err = filepath.WalkDir(from, func(at string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := path + strings.TrimPrefix(at, from)
		switch {
		case entry.IsDir() && skip[at]:
			return filepath.SkipDir
		case entry.IsDir():
			l.folder(name, 0o755, 0)
		case entry.Type().IsRegular():
			l.file(name, at)
		}
		return l.err
	})
}

// shell puts busybox there, under the names of some of its commands.
func (l *layer) shell(busybox string, names ...string) {
	l.folder("/bin", 0o755, 0)
	l.file("/bin/busybox", busybox)
	for _, name := range names {
		l.link("/bin/"+name, "busybox")
	}
}
