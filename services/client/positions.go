package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Positions keeps the position of one subscription across restarts of the
// program. Its methods are not called concurrently.
type Positions interface {
	// Load returns what was saved last; empty where nothing was.
	Load(ctx context.Context) (id string, err error)
	// Save keeps the id in place of the one before. It must keep one or the
	// other, whatever happens meanwhile.
	Save(ctx context.Context, id string) error
}

// maxPosition bounds a position that is read: 64 topics of the longest names
// and ids fit.
const maxPosition = 16 << 10

// File is a [Positions] in a file of this name, which is replaced at once or
// not at all. Its folder must exist. Two subscriptions must not share one.
type File string

// Load implements [Positions].
func (f File) Load(context.Context) (string, error) {
	file, err := os.Open(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxPosition+1))
	if err != nil {
		return "", err
	}
	id := strings.TrimSpace(string(text))
	if len(text) > maxPosition || strings.ContainsAny(id, "\r\n\x00") {
		return "", fmt.Errorf("%s does not hold a position: name another file, or remove it to start anew", string(f))
	}
	return id, nil
}

// Save implements [Positions].
func (f File) Save(_ context.Context, id string) (err error) {
	temporary, err := os.CreateTemp(filepath.Dir(string(f)), filepath.Base(string(f))+".new-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(temporary.Name())
		}
	}()
	_, err = temporary.WriteString(id + "\n")
	if err == nil {
		err = temporary.Sync() // else a crash could leave the new name without the contents
	}
	if closed := temporary.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(temporary.Name(), string(f))
	}
	return err
}
