package eventlog

// Distance is how far a cursor is from the head.
type Distance struct {
	// Next is the id of the first event after the cursor, or of the first that
	// is in memory where that one is not; zero at the head.
	Next ID
	// Events and Bytes count what is in memory after the cursor.
	Events int
	Bytes  int64
	// More: there is more, which is not in memory.
	More bool
}

// Distance measures how far behind the head the cursor is. Its cost grows
// with the number of blocks in memory, and with nothing for a cursor at the
// head.
func (c *Cursor) Distance(v *View) Distance {
	at := v.start(c.At)
	if !at.Less(v.Head) {
		return Distance{}
	}
	d := Distance{More: true}
	through := at // nothing is missing up to here
	for i, b := range v.blocks {
		marks := v.marks // of the last block, which may be growing
		if i < len(v.blocks)-1 {
			marks = b.marks
		}
		d.add(marks, at)
		if !through.Less(b.prev) && through.Less(marks[len(marks)-1].id) {
			through = marks[len(marks)-1].id
		}
	}
	d.More = through.Less(v.Head)
	return d
}

// add counts the events of a block that are above a position.
func (d *Distance) add(marks []mark, at ID) {
	i := after(marks, at)
	if i == len(marks) {
		return
	}
	from := uint32(0)
	if i > 0 {
		from = marks[i-1].end
	}
	if d.Events == 0 {
		d.Next = marks[i].id
	}
	d.Events += len(marks) - i
	d.Bytes += int64(marks[len(marks)-1].end - from)
}
