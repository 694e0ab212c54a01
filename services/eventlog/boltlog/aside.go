package boltlog

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// aside is a part of a topic that can still be read as far as it goes, but
// not be changed any more. Its pages stay used for good.
type aside struct {
	last   eventlog.ID // the topic's last id when it was set aside
	events int64       // what the topic counted as its own then
	bytes  int64
}

// setAside makes the topic of a change go on in fresh pages.
func (c *change) setAside() {
	a := aside{c.before.Last, c.before.Events, c.before.Bytes}
	for _, older := range c.before.aside {
		a.events -= older.events
		a.bytes -= older.bytes
	}
	c.aside = &a
	if len(c.events) == 0 { // retention has to think again
		c.after, c.deletes = *c.before, nil
	}
	c.after.aside = append(c.after.aside[:len(c.after.aside):len(c.after.aside)], a)
}

// moveAside does it in the file. It touches none of the topic's own pages.
func (c *change) moveAside(t tree) error {
	to, err := t.aside.CreateBucketIfNotExists(c.aside.key(c.name))
	if err != nil {
		return err
	}
	return t.topics.MoveBucket([]byte(c.name), to)
}

func (a aside) key(topic string) []byte {
	k := append([]byte(topic), 0)
	k = appendID(k, a.last)
	k = binary.BigEndian.AppendUint64(k, uint64(a.events))
	k = binary.BigEndian.AppendUint64(k, uint64(a.bytes))
	return binary.BigEndian.AppendUint32(k, crc32.Checksum(k, castagnoli))
}

func splitAsideKey(k []byte) (string, aside, bool) {
	name, rest, ok := bytes.Cut(k, []byte{0})
	if !ok || len(rest) != idLen+8+8+4 {
		return "", aside{}, false
	}
	a := aside{
		last:   readID(rest),
		events: int64(binary.BigEndian.Uint64(rest[idLen:])),
		bytes:  int64(binary.BigEndian.Uint64(rest[idLen+8:])),
	}
	return string(name), a, bytes.Equal(k, a.key(string(name)))
}
