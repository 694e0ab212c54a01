// The event stream format of the WHATWG HTML specification, section 9.2.6,
// for text that arrives in pieces. Decoding (and the byte order mark) is
// TextDecoder's.

// maxPending bounds what is held of an event that is not complete.
const maxPending = 40 << 20;

export class Parser {
  // on has event({id, type, data, traceparent}), comment(text) and retry(ms).
  constructor(on) {
    this.on = on;
    this.lastID = ""; // of the last complete event
    this.rest = ""; // begins a line that has not ended
    this.searched = 0; // how much of rest is known to hold no line ending
    this.afterCR = false; // whether a LF at the start belongs to a CR before it
    this.id = "";
    this.held = 0;
    this.clear();
  }

  clear() {
    this.data = null; // none, other than ""
    this.type = "";
    this.traceparent = "";
    this.held = 0;
  }

  feed(piece) {
    if (piece === "") return;
    if (this.afterCR && piece[0] === "\n") piece = piece.slice(1);
    this.afterCR = false;
    const text = this.rest + piece;
    let from = 0;
    let lf = text.indexOf("\n", this.searched);
    let cr = text.indexOf("\r", this.searched);
    while (lf >= 0 || cr >= 0) {
      const ends = cr < 0 || (lf >= 0 && lf < cr) ? lf : cr;
      this.line(text.slice(from, ends));
      from = ends + 1;
      if (ends === cr) {
        if (from === text.length) this.afterCR = true;
        else if (text[from] === "\n") from++;
        cr = text.indexOf("\r", from);
      }
      if (lf >= 0 && lf < from) lf = text.indexOf("\n", from);
    }
    this.rest = text.slice(from);
    this.searched = this.rest.length;
    if (this.rest.length + this.held > maxPending) throw new RangeError("an event is too large");
  }

  line(line) {
    if (line === "") return this.dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) return this.on.comment(line.slice(1).trim());
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    switch (name) {
      case "data":
        this.data = this.data === null ? value : this.data + "\n" + value;
        this.held += value.length + 1;
        break;
      case "event":
        this.type = value;
        break;
      case "id":
        if (!value.includes("\0")) this.id = value;
        break;
      case "retry":
        if (/^[0-9]+$/.test(value)) this.on.retry(Math.min(Number(value), 0x7fffffff));
        break;
      case "traceparent":
        this.traceparent = value;
    }
  }

  dispatch() {
    this.lastID = this.id;
    const { data, type, traceparent } = this;
    this.clear();
    if (data !== null) this.on.event({ id: this.lastID, type: type || "message", data, traceparent });
  }
}
