package eventlog

import (
	"testing"
	"unsafe"
)

// TestAccount follows the memory budget's account through pins, evictions and
// releases.
func TestAccount(t *testing.T) {
	const budget = 512 << 10
	l, _ := openShelf(t, budget)
	if n := l.Memory(); n != 0 {
		t.Fatalf("an empty log takes %d bytes", n)
	}
	ids := fill(t, l, "topic", 100, 1000)
	if n := l.Memory(); n < 100_000 || n > budget {
		t.Fatalf("100 kB take %d bytes", n)
	}
	wantSum(t, l)
	topic := l.Follow("topic")
	defer l.Leave(topic)
	v := topic.View()
	c := Cursor{Topic: topic, At: ID{MS: ids[0].MS - 1, Seq: ids[0].Seq}}
	span, where := c.Next(&v, 1000)
	if where != Resident {
		t.Fatalf("the first event is %v", where)
	}
	pinned := span.Block
	before := l.Memory()
	pinned.Pin()
	pinned.Pin()
	if l.Memory() != before {
		t.Error("pinning what is resident takes memory")
	}
	for _, other := range []string{"a", "b", "c"} { // evict all of topic
		fill(t, l, other, 200, 1000)
	}
	if !pinned.Evicted() {
		t.Fatal("the block is still resident")
	}
	wantAccount(t, l, sum(l)+pinned.size)
	if string(pinned.Bytes(span.From, span.To)) != string(span.Bytes()) {
		t.Error("the bytes of a pinned block changed")
	}
	pinned.Unpin()
	wantAccount(t, l, sum(l)+pinned.size)
	pinned.Unpin()
	wantSum(t, l)
	pinned.Pin() // a view may still have it
	wantAccount(t, l, sum(l)+pinned.size)
	pinned.Unpin()
	wantSum(t, l)
}

// sum counts the resident blocks.
func sum(l *Log) (n int64) {
	for _, t := range l.all() {
		t.mu.Lock()
		blocks := int64(0)
		for _, b := range t.blocks {
			blocks += b.size
		}
		if blocks != t.bytes {
			panic("a topic's count is wrong")
		}
		n += blocks
		t.mu.Unlock()
	}
	return n
}

func wantSum(t *testing.T, l *Log) {
	t.Helper()
	wantAccount(t, l, sum(l))
}

func wantAccount(t *testing.T, l *Log, want int64) {
	t.Helper()
	if n := l.Memory(); n != want {
		t.Errorf("the account has %d bytes, want %d", n, want)
	}
}

func TestPrivateBlocks(t *testing.T) {
	l, _ := openShelf(t, 1000)
	p := []byte("event: stream.open\n\n")
	b := l.NewPrivate(p)
	p[0] = 'E'
	if string(b.Bytes(0, b.Len())) != "event: stream.open\n\n" {
		t.Error("the block shares its bytes")
	}
	if l.Memory() < int64(len(p)) || l.Pressed() {
		t.Errorf("%d bytes in the account, pressed: %v", l.Memory(), l.Pressed())
	}
	big := l.NewPrivate(make([]byte, 2000))
	if !l.Pressed() {
		t.Error("pins above the budget don't press")
	}
	big.Unpin()
	b.Unpin()
	if l.Memory() != 0 || l.Pressed() {
		t.Errorf("%d bytes in the account at the end", l.Memory())
	}
}

// TestForgottenLeaveNothing counts what stays of topics that are gone.
func TestForgottenLeaveNothing(t *testing.T) {
	l, s := openShelf(t, 0)
	fill(t, l, "gone", 100, 1000)
	fill(t, l, "followed", 100, 1000)
	topic := l.Follow("followed")
	for _, name := range []string{"gone", "followed"} {
		state, _ := l.topic(name).State()
		state.Trimmed, state.Events, state.Bytes, state.Oldest = state.Last, 0, 0, ID{}
		s.sink.Trimmed(name, state)
		s.sink.Forgotten(name)
	}
	wantAccount(t, l, 0)
	if n := len(l.all()); n != 1 || len(l.Topics()) != 0 {
		t.Errorf("%d topics are known, %d exist", n, len(l.Topics()))
	}
	l.Leave(topic)
	if n := len(l.all()); n != 0 || l.order.Len() != 0 {
		t.Errorf("%d topics are known, %d are in order", n, l.order.Len())
	}
}

// TestFetchAccount has pages come and go.
func TestFetchAccount(t *testing.T) {
	l, _ := openShelf(t, 300<<10)
	ids := fill(t, l, "topic", 1000, 1000)
	topic := l.Follow("topic")
	defer l.Leave(topic)
	var pinned []*Block
	for i := 0; i < 900; i += 150 {
		b, err := l.Fetch(t.Context(), Cursor{topic, ids[i]})
		if err != nil {
			t.Fatal(err)
		}
		if b != nil {
			pinned = append(pinned, b)
		}
	}
	if len(pinned) < 3 {
		t.Fatalf("%d pages were fetched", len(pinned))
	}
	for _, b := range pinned {
		b.Unpin()
	}
	l.Pressed()
	wantSum(t, l)
	if n := l.Memory(); n > 300<<10 {
		t.Errorf("%d bytes in the account", n)
	}
}

// TestBlockSize has the account know what a block is.
func TestBlockSize(t *testing.T) {
	if n := unsafe.Sizeof(Block{}); n > blockSize || n <= blockSize-16 {
		t.Errorf("a Block has %d bytes, accounted are %d", n, blockSize)
	}
}
