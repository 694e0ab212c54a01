package clients

import "github.com/sluice-stream/sluice/services/eventlog"

// Acknowledge implements sse.Clients. Topics that no stream of the client has
// begun are left out.
func (t *Table) Acknowledge(name string, at, sent map[string]eventlog.ID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.clients[name]
	if c == nil {
		return // it was forgotten, or there was no room for it
	}
	for topic, id := range at {
		cursor, known := c.acknowledged[topic]
		if !known {
			continue
		}
		c.sent[topic] = higher(c.sent[topic], sent[topic])
		if c.sent[topic].Less(id) {
			id = c.sent[topic]
		}
		if cursor.Less(id) {
			c.acknowledged[topic] = id
			t.changed[c] = struct{}{}
		}
	}
}
