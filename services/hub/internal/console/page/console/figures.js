// The hub's figures, from its own topic: numbers and the last two minutes.
import { $, bytes, figure, integer, make, text, span } from "./dom.js";
import { parse } from "./answer.js";

const shown = [
  { key: "connections", name: "Connections", write: figure },
  { key: "publishes_per_s", name: "Publishes", unit: "/s", write: figure },
  { key: "deliveries_per_s", name: "Deliveries", unit: "/s", write: figure },
  { key: "delivered_bytes_per_s", name: "Delivered", unit: "/s", write: bytes },
  { key: "behind", name: "Behind", write: figure, also: (f) => (f.behind > 0 ? bytes(f.behind_bytes) : "") },
  { key: "memory_bytes", name: "Memory", write: bytes },
];

const window = 120_000; // ms in a chart
const staleAfter = 4000;
const width = 120;
const height = 32;

export class Figures {
  constructor() {
    this.points = []; // [ts, figures]
    this.arrived = 0;
    this.tiles = shown.map((s) => new Tile(s));
    $("figures-tiles").append(...this.tiles.map((t) => t.element));
    this.tell("connecting");
  }

  // add takes the data of one event of hub.stats.
  add(data) {
    const f = parse(data);
    if (!Number.isFinite(f.ts)) return;
    const last = this.points.at(-1)?.[1];
    if (last && (f.node !== last.node || f.ts <= last.ts)) this.points = []; // another hub, or another life of it
    this.points.push([f.ts, f]);
    while (this.points[0][0] < f.ts - window) this.points.shift();
    this.arrived = Date.now();
    if (document.hidden || this.requested) return;
    this.requested = true;
    requestAnimationFrame(() => {
      this.requested = false;
      this.draw();
      this.tell("open");
    });
  }

  draw() {
    for (const t of this.tiles) t.draw(this.points);
    const f = this.points.at(-1)[1];
    const more = [
      [f.topics, `${integer(f.topics)} topics`],
      [f.tail_bytes, `${bytes(f.tail_bytes)} in hot tails`],
      [f.stalls_per_s, `${figure(f.stalls_per_s)} stalls/s`],
      [f.goroutines, `${integer(f.goroutines)} goroutines`],
      ...(Array.isArray(f.classes) ? f.classes : []).map((c) => [c.publishes_per_s, `${c.class} ${figure(c.publishes_per_s)}/s`]),
    ];
    text($("figures-more"), more.filter(([n]) => Number.isFinite(n)).map(([, words]) => words).join(" · "));
    text($("figures-node"), [f.node, f.release].filter(Boolean).join(" · "));
  }

  // tell is what changes with time: it says how fresh the figures are. open tells since when the stream is
  // open, absent says why the figures are not asked for.
  tell(state, openedAt = 0, absent = "") {
    const age = Date.now() - this.arrived;
    const stale = age > staleAfter;
    $("figures").classList.toggle("stale", stale);
    let note = "the last two minutes";
    if (absent) note = absent;
    else if (state !== "open") note = this.arrived ? `as of ${span(age)} ago` : "waiting for the stream";
    else if (this.arrived && stale) note = `as of ${span(age)} ago`;
    else if (!this.arrived) note = Date.now() - openedAt > staleAfter ? "this hub publishes none on hub.stats" : "waiting for the first";
    text($("figures-note"), note);
  }
}

class Tile {
  constructor(spec) {
    this.spec = spec;
    this.number = make("span", { className: "number" }, "–");
    this.also = make("span", { className: "also" });
    this.area = svg("path", { class: "area" });
    this.line = svg("path", { class: "line" });
    this.chart = svg("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img", "aria-label": "no figures yet" });
    this.chart.append(this.area, this.line);
    const label = make("h3", {}, spec.name);
    this.element = make("div", { className: "tile" }, label, make("p", {}, this.number, this.also), this.chart);
    this.element.dataset.figure = spec.key;
  }

  draw(points) {
    const { key, name, unit = "", write, also } = this.spec;
    const own = points.filter(([, f]) => Number.isFinite(f[key])).map(([ts, f]) => [ts, f[key]]);
    if (own.length === 0) return;
    const now = own.at(-1)[1];
    const values = own.map(([, v]) => v);
    const most = Math.max(...values);
    text(this.number, write(now) + unit);
    text(this.also, also?.(points.at(-1)[1]) ?? "");
    const { line, area } = outline(own, points.at(-1)[0], most);
    this.line.setAttribute("d", line);
    this.area.setAttribute("d", area);
    const range = `least ${write(Math.min(...values))}, most ${write(most)}`;
    this.chart.setAttribute("aria-label", `${name}${unit}, last two minutes: ${range}, now ${write(now)}`);
  }
}

// outline is a line over time with the ground under it. Where figures are
// missing for some seconds, it breaks.
function outline(points, end, most) {
  const scale = most > 0 ? (height - 5) / most : 0;
  const x = (ts) => (width * (1 - (end - ts) / window)).toFixed(1);
  const y = (v) => (height - 2 - v * scale).toFixed(1);
  let line = "";
  let area = "";
  let run = [];
  const flush = () => {
    if (run.length === 0) return;
    const path = run.map(([ts, v]) => `${x(ts)} ${y(v)}`).join("L");
    line += `M${path}${run.length === 1 ? "h1" : ""}`;
    area += `M${x(run[0][0])} ${height}L${path}L${x(run.at(-1)[0])} ${height}Z`;
    run = [];
  };
  for (const p of points) {
    if (run.length > 0 && p[0] - run.at(-1)[0] > staleAfter) flush();
    run.push(p);
  }
  flush();
  return { line, area };
}

function svg(tag, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}
