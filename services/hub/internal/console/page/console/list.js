// What arrived: the last thousand events, what of them is in view, and how
// often that is drawn.
import { integer } from "./dom.js";
import { Pane } from "./pane.js";
import { Ring, maxKept } from "./ring.js";

const calmBelow = 150; // events/s up to which every frame is drawn
const busyDelay = 120; // ms between drawings above that

export class EventList {
  // on has select(event or null), changed(), and pause() for the space bar.
  constructor(on) {
    this.on = on;
    this.kept = new Ring();
    this.frozen = null; // what is shown while paused
    this.meanwhile = 0; // events since the pause
    this.n = 0; // numbers events
    this.total = 0; // events since they were cleared
    this.rate = 0;
    this.since = []; // [time, total] of the last seconds
    this.filter = "";
    this.drawn = 0;
    this.pane = new Pane({ ...on, redraw: () => this.request(true) });
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
    if (!on) this.pane.jump();
    this.request(true);
  }

  clear() {
    this.kept = new Ring();
    if (this.frozen) this.frozen = [];
    this.meanwhile = this.total = this.rate = 0;
    this.since = [];
    this.pane.select(null);
    this.pane.jump();
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

  draw() {
    const all = this.frozen ?? this.kept.items();
    this.pane.show(this.filter ? all.filter((e) => this.matches(e)) : all);
    this.on.changed();
  }

  matches(e) {
    if (e.filter !== this.filter) {
      e.filter = this.filter;
      e.matches = [e.type, e.data, e.position, e.topic].some((s) => s.toLowerCase().includes(this.filter));
    }
    return e.matches;
  }

  measure() {
    const now = performance.now();
    this.since.push([now, this.total]);
    while (this.since.length > 5) this.since.shift();
    const [then, before] = this.since[0];
    this.rate = now > then ? ((this.total - before) * 1000) / (now - then) : 0;
    this.on.changed();
  }

  // summary says in words what is in sight.
  summary() {
    const parts = [`${integer(this.total)} ${this.total === 1 ? "event" : "events"}`, `${integer(Math.round(this.rate))}/s`];
    if (this.paused) parts.push(`paused, ${integer(this.meanwhile)} arrived meanwhile`);
    else if (this.rate > calmBelow) parts.push(`too many to draw each: sampled, the last ${integer(maxKept)} are kept`);
    else if (this.total > maxKept) parts.push(`the last ${integer(maxKept)} are kept`);
    if (this.filter) parts.push(`${integer(this.pane.view.length)} match`);
    return parts.join(" · ");
  }
}
