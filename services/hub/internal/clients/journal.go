package clients

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// line is the state of one client in the journal.
type line struct {
	Client       string
	Seen         time.Time
	Acknowledged map[string]eventlog.ID
	Sent         map[string]eventlog.ID
}

// lineOf copies the state of a client. t.mu is held.
func (t *Table) lineOf(c *client) line {
	seen := c.seen
	if c.open > 0 {
		seen = t.now()
	}
	return line{c.name, seen, maps.Clone(c.acknowledged), maps.Clone(c.sent)}
}

// journal is the file. It is not safe for concurrent use.
type journal struct {
	path  string
	file  *os.File // nil: it could not be opened again yet
	lines int
}

// openJournal opens a file, creating it where it is missing, and returns the
// last line of each client.
func openJournal(path string) (*journal, []line, error) {
	f, err := openFile(path)
	if err != nil {
		return nil, nil, err
	}
	if err := syncFolder(filepath.Dir(path)); err != nil {
		f.Close()
		return nil, nil, err
	}
	j := &journal{path: path, file: f}
	latest, err := j.read()
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	// What was cut short must not take the next line with it.
	if _, err := f.WriteString("\n"); err != nil {
		f.Close()
		return nil, nil, err
	}
	lines := make([]line, 0, len(latest))
	for _, l := range latest {
		lines = append(lines, l)
	}
	return j, lines, nil
}

func (j *journal) read() (map[string]line, error) {
	latest := map[string]line{}
	r := bufio.NewReader(j.file)
	for {
		text, err := r.ReadBytes('\n')
		if l, ok := parseLine(text); ok {
			latest[l.Client] = l
			j.lines++
		}
		if errors.Is(err, io.EOF) {
			return latest, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// appendLine appends a line: the checksum of what follows, and that as JSON.
func appendLine(dst []byte, l line) []byte {
	text, err := json.Marshal(l)
	if err != nil {
		panic(err) // the type always marshals
	}
	dst = fmt.Appendf(dst, "%08x ", crc32.Checksum(text, castagnoli))
	return append(append(dst, text...), '\n')
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func parseLine(text []byte) (l line, ok bool) {
	sum, text, ok := bytes.Cut(bytes.TrimSuffix(text, []byte("\n")), []byte(" "))
	if !ok {
		return l, false
	}
	want, err := strconv.ParseUint(string(sum), 16, 32)
	if err != nil || uint32(want) != crc32.Checksum(text, castagnoli) || json.Unmarshal(text, &l) != nil {
		return l, false
	}
	if l.Acknowledged == nil || l.Sent == nil {
		return l, false
	}
	return l, true
}

// append writes lines and waits until they are on the disk.
func (j *journal) append(lines []line) error {
	if len(lines) == 0 {
		return nil
	}
	if err := j.reopen(); err != nil {
		return err
	}
	var text []byte
	for _, l := range lines {
		text = appendLine(text, l)
	}
	if _, err := j.file.Write(text); err != nil {
		_, _ = j.file.WriteString("\n") // else a part of a line would spoil the next
		return err
	}
	j.lines += len(lines)
	return j.file.Sync()
}

// outdated reports whether most lines are, of a journal for so many clients.
func (j *journal) outdated(clients int) bool { return j.lines > 1000 && j.lines > 8*clients }

// rewrite replaces the journal by one with these lines only.
func (j *journal) rewrite(lines []line) error {
	temporary := j.path + ".new"
	next, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	renewed := &journal{file: next}
	if err := errors.Join(renewed.append(lines), next.Close()); err != nil {
		return err // the next attempt writes over it
	}
	j.file.Close() // all of it was synced
	j.file = nil
	err = os.Rename(temporary, j.path)
	if err == nil {
		j.lines = renewed.lines
		err = syncFolder(filepath.Dir(j.path)) // else a crash could bring the old one back, without what follows
	}
	return errors.Join(err, j.reopen())
}

// reopen opens the file where an earlier attempt failed, for lack of files or
// the like.
func (j *journal) reopen() (err error) {
	if j.file == nil {
		j.file, err = openFile(j.path)
	}
	return err
}

// openFile opens a file for lines to be added.
func openFile(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
}

// syncFolder makes the name of a new file durable, where folders can be
// synced.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

func (j *journal) close() error {
	if j.file == nil {
		return nil
	}
	return j.file.Close()
}
