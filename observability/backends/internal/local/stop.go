package local

import (
	"fmt"
	"io"
	"os"
	"time"
)

// Stop ends the backend in order and waits for it. One that does not end in
// time is killed, which is an error. A stopped one may be started again, on
// the same ports and data.
func (b *Backend) Stop() error {
	if b.process == nil {
		return nil
	}
	defer func() { b.process = nil }()
	if err := ask(b.process); err != nil {
		b.process.Kill() // it has ended, or there is no other way
	}
	select {
	case <-b.ended:
		return nil
	case <-time.After(endsWithin):
	}
	b.process.Kill()
	<-b.ended
	return fmt.Errorf("%s did not end within %v and was killed", b.name, endsWithin)
}

// Kill ends the backend as a power cut would.
func (b *Backend) Kill() {
	if b.process == nil {
		return
	}
	b.process.Kill()
	<-b.ended
	b.process = nil
}

// LogTail returns the end of the backend's log, at most so many bytes.
func (b *Backend) LogTail(most int64) string {
	f, err := os.Open(b.log)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > most {
		f.Seek(-most, io.SeekEnd) // else from the start, cut off below
	}
	text, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil {
		return err.Error()
	}
	return string(text)
}
