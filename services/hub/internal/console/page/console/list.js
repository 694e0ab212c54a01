// The list of events: the last thousand in memory, and rows only for those
// that are in sight, drawn at most once a frame.
import { $, bytes, integer, make, pieces, text, time } from "./dom.js";

const maxKept = 1000;
const maxKeptChars = 32 << 20;
const maxLine = 400; // characters of data in a row
const calmBelow = 150; // events/s up to which every frame is drawn
const busyDelay = 120; // ms between drawings above that
const overscan = 6;

export class EventList {
  // on has select(event or null), changed(), and pause() for the space bar.
  constructor(on) {
    this.on = on;
    this.pane = $("events");
    this.spacer = $("events-space");
    this.kept = new Ring();
    this.frozen = null; // what is shown while paused
    this.meanwhile = 0; // events since the pause
    this.n = 0; // numbers rows
    this.total = 0; // events since they were cleared
    this.rate = 0;
    this.since = []; // [time, total] of the last seconds
    this.filter = "";
    this.view = [];
    this.follow = true;
    this.selected = null;
    this.rows = []; // elements, from the first in sight on
    this.drawn = 0;
    this.pane.addEventListener("scroll", () => this.scrolled(), { passive: true });
    this.pane.addEventListener("keydown", (e) => this.key(e));
    this.spacer.addEventListener("click", (e) => {
      const row = e.target.closest(".row");
      if (row?.event) this.select(row.event);
    });
    new ResizeObserver(() => this.resized()).observe(this.pane);
    setInterval(() => this.measure(), 500);
  }

  // push takes an event, or a gap in their order (kind "gap").
  push(event) {
    event.n = ++this.n;
    this.kept.push(event);
    if (event.kind !== "gap") {
      this.total++;
      if (this.frozen) this.meanwhile++;
    }
    this.request();
  }

  get paused() {
    return this.frozen !== null;
  }

  pause(on) {
    this.frozen = on ? this.kept.items() : null;
    this.meanwhile = 0;
    if (!on) this.jump();
    this.request(true);
  }

  clear() {
    this.kept = new Ring();
    if (this.frozen) this.frozen = [];
    this.meanwhile = this.total = this.rate = 0;
    this.since = [];
    this.select(null);
    this.jump();
  }

  setFilter(words) {
    this.filter = words.trim().toLowerCase();
    this.request(true);
  }

  // request draws in the next frame, or a little later while much arrives:
  // nobody reads sixty lists a second.
  request(soon = false) {
    if (soon) this.drawn = 0;
    if (this.requested) return;
    this.requested = true;
    requestAnimationFrame((now) => {
      this.requested = false;
      if (this.rate > calmBelow && now - this.drawn < busyDelay) return this.request();
      this.drawn = now;
      this.draw();
    });
  }

  measure() {
    const now = performance.now();
    this.since.push([now, this.total]);
    while (this.since.length > 5) this.since.shift();
    const [then, before] = this.since[0];
    this.rate = now > then ? ((this.total - before) * 1000) / (now - then) : 0;
    this.on.changed();
  }

  draw() {
    const all = this.frozen ?? this.kept.items();
    this.view = this.filter ? all.filter((e) => this.matches(e)) : all;
    const height = this.rowHeight();
    this.spacer.style.height = `${this.view.length * height}px`;
    if (this.follow) this.pane.scrollTop = this.view.length * height;
    else this.hold(height);
    if (this.laidOut && this.selected) this.bringIn(this.indexOf(this.selected.n), height);
    this.laidOut = false;
    this.place(height);
    this.on.changed();
  }

  matches(e) {
    if (e.filter !== this.filter) {
      e.filter = this.filter;
      e.matches = [e.type, e.data, e.position, e.topic].some((s) => s.toLowerCase().includes(this.filter));
    }
    return e.matches;
  }

  // hold keeps the same events in sight while older ones are let go.
  hold(height) {
    if (!this.anchor) return;
    const i = this.indexOf(this.anchor.n);
    this.pane.scrollTop = i * height + this.anchor.offset;
  }

  // indexOf finds the first event in view from the nth on.
  indexOf(n) {
    let low = 0;
    let high = this.view.length;
    while (low < high) {
      const mid = (low + high) >> 1;
      if (this.view[mid].n < n) low = mid + 1;
      else high = mid;
    }
    return low;
  }

  place(height) {
    const first = Math.max(0, Math.floor(this.pane.scrollTop / height) - overscan);
    const count = Math.ceil(this.pane.clientHeight / height) + 2 * overscan;
    while (this.rows.length < count) this.rows.push(newRow(this.rows.length, this.spacer));
    let active = "";
    for (const [k, row] of this.rows.entries()) {
      const i = first + k;
      const event = k < count ? this.view[i] : undefined;
      row.hidden = !event;
      if (!event) {
        row.event = null;
        continue;
      }
      if (row.top !== i * height) {
        row.top = i * height;
        row.style.transform = `translateY(${row.top}px)`;
      }
      fill(row, event);
      row.setAttribute("aria-posinset", i + 1);
      row.setAttribute("aria-setsize", this.view.length);
      row.setAttribute("aria-selected", event === this.selected);
      if (event === this.selected) active = row.id;
    }
    if (active) this.pane.setAttribute("aria-activedescendant", active);
    else this.pane.removeAttribute("aria-activedescendant");
  }

  rowHeight() {
    this.height ??= parseFloat(getComputedStyle(this.pane).getPropertyValue("--row")) || 28;
    return this.height;
  }

  resized() {
    this.height = undefined; // the phone's layout has taller rows
    this.paneHeight = this.pane.clientHeight;
    for (const row of this.rows) row.top = undefined;
    this.laidOut = true;
    this.request(true);
  }

  scrolled() {
    const height = this.rowHeight();
    if (this.pane.clientHeight !== this.paneHeight) return; // the layout moved it: resized comes
    const end = this.pane.scrollTop + this.pane.clientHeight;
    const atEnd = end >= this.view.length * height - height / 2;
    const follow = atEnd && (this.follow || !this.selected);
    this.setAnchor(height);
    if (follow !== this.follow) {
      this.follow = follow;
      this.on.changed();
    }
    this.place(height);
  }

  setAnchor(height) {
    const top = this.view[Math.floor(this.pane.scrollTop / height)];
    this.anchor = top && { n: top.n, offset: this.pane.scrollTop % height };
  }

  // jump goes to the newest event and stays with what arrives.
  jump() {
    this.follow = true;
    this.request(true);
  }

  key(e) {
    const page = Math.max(1, Math.floor(this.pane.clientHeight / this.rowHeight()) - 1);
    const last = this.view.length - 1;
    const at = this.selected ? this.indexOf(this.selected.n) : last + 1;
    const to = { ArrowUp: at - 1, ArrowDown: at + 1, PageUp: at - page, PageDown: at + page, Home: 0, End: last }[e.key];
    if (e.key === "Escape") this.select(null);
    else if (e.key === " ") this.on.pause();
    else if (to === undefined || e.altKey || e.ctrlKey || e.metaKey) return;
    else if (last >= 0) this.reveal(Math.min(Math.max(to, 0), last));
    e.preventDefault();
  }

  reveal(i) {
    this.bringIn(i, this.rowHeight());
    this.select(this.view[i]);
  }

  // bringIn scrolls as little as it takes to have a row in sight.
  bringIn(i, height) {
    const top = i * height;
    const end = top + height - this.pane.clientHeight;
    if (top < this.pane.scrollTop) this.pane.scrollTop = top;
    else if (end > this.pane.scrollTop) this.pane.scrollTop = end;
  }

  // select shows an event in full, and has the list hold still meanwhile.
  select(event) {
    const height = this.rowHeight();
    this.selected = event;
    if (event) this.follow = false;
    this.setAnchor(height);
    this.on.select(event);
    this.place(height);
    if (!event) this.scrolled();
  }

  // summary says in words what is in sight.
  summary() {
    const parts = [`${integer(this.total)} ${this.total === 1 ? "event" : "events"}`, `${integer(Math.round(this.rate))}/s`];
    if (this.paused) parts.push(`paused, ${integer(this.meanwhile)} arrived meanwhile`);
    else if (this.rate > calmBelow) parts.push(`too many to draw each: sampled, the last ${integer(maxKept)} are kept`);
    else if (this.total > maxKept) parts.push(`the last ${integer(maxKept)} are kept`);
    if (this.filter) parts.push(`${integer(this.view.length)} match`);
    return parts.join(" · ");
  }
}

// Ring holds the newest events, bounded in number and in size.
class Ring {
  constructor() {
    this.list = [];
    this.first = 0;
    this.chars = 0;
  }

  push(event) {
    this.list.push(event);
    this.chars += event.data.length;
    while (this.list.length - this.first > maxKept || (this.chars > maxKeptChars && this.list.length - this.first > 1)) {
      this.chars -= this.list[this.first].data.length;
      this.list[this.first++] = undefined;
    }
    if (this.first > maxKept) {
      this.list = this.list.slice(this.first);
      this.first = 0;
    }
  }

  items() {
    return this.list.slice(this.first);
  }
}

const columns = ["time", "topic", "type", "id", "data"];

function newRow(i, parent) {
  const row = make("div", { className: "row", role: "option", id: `row-${i}` });
  row.cells = columns.map((name) => row.appendChild(make("span", { className: name })));
  parent.append(row);
  return row;
}

function fill(row, event) {
  if (row.event === event) return;
  row.event = event;
  row.classList.toggle("gap", event.kind === "gap");
  row.classList.toggle("alternate", event.n % 2 === 1);
  const [at, topic, type, id, data] = row.cells;
  text(at, time(milliseconds(event.id), true));
  text(topic, event.topic);
  text(type, event.type);
  text(id, event.id);
  text(data, line(event));
}

export const milliseconds = (id) => Number(id.split("-")[0]);

// line is the beginning of the data on one line.
function line(event) {
  event.line ??= event.data.slice(0, maxLine).replace(/\s*\n\s*/g, " ⏎ ");
  return event.line;
}

// details shows one event in full.
export function details(event) {
  const pane = $("details");
  pane.hidden = !event;
  if (!event) return;
  text($("details-type"), event.type);
  const facts = {
    topic: event.topic,
    id: event.id,
    published: iso(milliseconds(event.id)),
    arrived: iso(event.at),
    size: bytes(new Blob([event.data]).size),
  };
  if (event.position.includes(",")) facts["resume from"] = event.position;
  if (event.traceparent) facts["trace id"] = event.traceparent.split("-")[1] ?? event.traceparent;
  $("details-facts").replaceChildren(
    ...Object.entries(facts).map(([name, value]) => {
      const dd = make("dd", { className: "mono" });
      pieces(dd, value);
      return make("div", {}, make("dt", {}, name), dd);
    }),
  );
  const data = $("details-data");
  text(data, pretty(event.data));
  data.copied = event.data; // as it arrived
}

const iso = (ms) => (ms < 8.64e15 ? new Date(ms).toISOString() : "–");

function pretty(data) {
  if (!/^\s*[[{]/.test(data)) return data;
  try {
    return JSON.stringify(JSON.parse(data, exact), null, 2);
  } catch {
    return data;
  }
}

// exact keeps numbers as they are written, where the browser can: 2^53 and
// more would be shown as others.
function exact(_, value, context) {
  return typeof value === "number" && context && JSON.rawJSON ? JSON.rawJSON(context.source) : value;
}
