package figures

import (
	"strings"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// Account is what became of the events of a class of topics since the hub
// started. Due() = Delivered + Told + Left + Behind + Lost.
type Account struct {
	Class  string
	Topics int
	eventlog.Account
	Streams int    // that follow them now, once for each topic
	Behind  uint64 // events that these are still to have
}

// Due returns how many events readers were to have, each counted once for every
// one of them.
func (a *Account) Due() uint64 { return a.Delivered + a.Told + a.Left + a.Behind + a.Lost }

// Add adds another class's.
func (a *Account) Add(o *Account) {
	a.Topics += o.Topics
	a.Account.Add(o.Account)
	a.Streams += o.Streams
	a.Behind += o.Behind
}

// Accounts returns those of all classes, of the topics whose names begin with a
// prefix. Topics that are known no more count only where all do.
func (f *Figures) Accounts(prefix string) []Account {
	accounts, index := f.counted(prefix)
	for topic, s := range f.Streams.Accounts() {
		if strings.HasPrefix(topic, prefix) {
			a := &accounts[index[f.Classes.Of(topic)]]
			a.Streams += s.Streams
			a.Behind += s.Behind
		}
	}
	return accounts
}

// Counted returns the part of all accounts that only rises, by class.
func (f *Figures) Counted() map[string]eventlog.Account {
	accounts, _ := f.counted("")
	all := make(map[string]eventlog.Account, len(accounts))
	for i := range accounts {
		all[accounts[i].Class] = accounts[i].Account
	}
	return all
}

func (f *Figures) counted(prefix string) (accounts []Account, index map[*Class]int) {
	accounts, index = make([]Account, len(f.Classes.all)), map[*Class]int{}
	for i, c := range f.Classes.all {
		accounts[i].Class, index[c] = c.Name, i
		if prefix == "" {
			c.mu.Lock()
			accounts[i].Account = c.dropped
			c.mu.Unlock()
		}
	}
	f.Log.Accounts(func(topic string, one eventlog.Account) {
		if strings.HasPrefix(topic, prefix) {
			a := &accounts[index[f.Classes.Of(topic)]]
			a.Topics++
			a.Account.Add(one)
		}
	})
	return accounts, index
}
