// The pane that events scroll in: elements only for those that are in sight,
// one of which is selected.
import { $ } from "./dom.js";
import { fill, newRow } from "./row.js";

const overscan = 6; // rows above and below what is in sight

export class Pane {
  // on has select(event or null), changed(), pause() for the space bar, and
  // redraw() for what needs all of it drawn.
  constructor(on) {
    this.on = on;
    this.pane = $("events");
    this.spacer = $("events-space");
    this.view = []; // events, by their numbers
    this.follow = true; // stay with the newest
    this.selected = null;
    this.rows = []; // elements, from the first in sight on
    this.pane.addEventListener("scroll", () => this.scrolled(), { passive: true });
    this.pane.addEventListener("keydown", (e) => this.key(e));
    this.spacer.addEventListener("click", (e) => {
      const row = e.target.closest(".row");
      if (row?.event) this.select(row.event);
    });
    new ResizeObserver(() => this.resized()).observe(this.pane);
  }

  // show draws another view.
  show(view) {
    this.view = view;
    const height = this.rowHeight();
    this.spacer.style.height = `${view.length * height}px`;
    if (this.follow) this.pane.scrollTop = view.length * height;
    else this.hold(height);
    if (this.laidOut && this.selected) this.bringIn(this.indexOf(this.selected.n), height);
    this.laidOut = false;
    this.place(height);
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
    this.on.redraw();
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
    this.on.redraw();
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
}
