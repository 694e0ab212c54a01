package eventlog

import "sync/atomic"

// Account is what became of a topic's events since the log was opened: at its
// readers, each event counts once for every one of them.
type Account struct {
	Accepted uint64 // committed
	Readings
}

// Readings are the part of an account that readers tell of.
type Readings struct {
	Delivered uint64 // handed on
	Told      uint64 // gone, and the reader was told so
	Left      uint64 // were still to come when the reader left
	Lost      uint64 // passed over without a word: must be 0
}

// Add adds another topic's.
func (a *Account) Add(o Account) {
	a.Accepted += o.Accepted
	a.Delivered += o.Delivered
	a.Told += o.Told
	a.Left += o.Left
	a.Lost += o.Lost
}

// readings are the topic's own.
type readings struct{ delivered, told, left, lost atomic.Uint64 }

// Read adds to what became of the topic's events at its readers.
func (t *Topic) Read(r Readings) {
	if r.Delivered > 0 {
		t.readings.delivered.Add(r.Delivered)
	}
	if r.Told|r.Left|r.Lost != 0 {
		t.readings.told.Add(r.Told)
		t.readings.left.Add(r.Left)
		t.readings.lost.Add(r.Lost)
	}
}

// Readings returns what became of the topic's events at its readers.
func (t *Topic) Readings() Readings {
	r := &t.readings
	return Readings{r.delivered.Load(), r.told.Load(), r.left.Load(), r.lost.Load()}
}

func (t *Topic) account() Account {
	t.mu.Lock()
	defer t.mu.Unlock()
	return Account{t.accepted, t.Readings()}
}

// Accounts shows the accounts of all topics that are known, in no order.
func (l *Log) Accounts(visit func(topic string, a Account)) {
	for _, t := range l.all() {
		visit(t.name, t.account())
	}
}
