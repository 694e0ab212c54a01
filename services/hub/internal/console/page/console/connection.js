// What the page knows of its own connection.
import { $, bytes, integer, make, pieces, say, span, text, time } from "./dom.js";

const maxJournal = 50;
const maxGaps = 5;

const causes = {
  expired: "retention took them before this page could read them",
  damaged: "the store found them damaged",
  ahead: "the log is older than this page's place in it: data was lost on the hub's side",
};

// ofTheBrowser are refusals of where the page is, which no token changes.
const ofTheBrowser = /:(host-not-allowed|cross-origin)$/;

// wantsToken reports whether a stream ended for want of a token, or of another.
export const wantsToken = (end) => end?.expired || ([401, 403].includes(end?.status) && !ofTheBrowser.test(end.type ?? ""));

export class Connection {
  constructor(stream) {
    this.stream = stream;
    this.gaps = 0;
    $("gaps-dismiss").addEventListener("click", () => {
      this.gaps = 0;
      $("gaps-list").replaceChildren();
      $("gaps").hidden = true;
    });
  }

  // changed shows another state of the stream.
  changed() {
    const s = this.stream;
    const retrying = s.state === "retrying";
    document.body.dataset.state = s.state;
    $("retry").hidden = !retrying;
    const gone = s.end && s.end.reason !== "disconnected" && s.state !== "open";
    $("trouble").hidden = !gone;
    if (gone) text($("trouble"), this.trouble(s.end));
    if (s.state !== this.said) {
      this.said = s.state;
      say({ open: "Connected", closed: `Closed: ${s.end?.reason}`, retrying: `Connection lost: ${s.end?.reason}. Trying again.` }[s.state] ?? "");
    }
    if (s.open) this.outcomes();
    this.tick();
  }

  trouble(end) {
    const advice = wantsToken(end) ? " Give an access token below." : "";
    const next = end.permanent ? "" : " The page tries again and goes on where it left off.";
    const trace = end.trace ? ` Trace ${end.trace}.` : "";
    const detail = end.detail ? `: ${end.detail}` : "";
    return `${end.reason[0].toUpperCase()}${end.reason.slice(1)}${detail.replace(/\.$/, "")}.${advice}${next}${trace}`;
  }

  outcomes() {
    const chosen = (this.stream.open.topics ?? []).filter((t) => this.stream.topics.includes(t.topic));
    const rows = chosen.map((t) =>
      make("tr", {},
        make("td", { className: "mono" }, t.topic),
        make("td", {}, make("span", { className: `badge ${t.outcome}` }, t.outcome)),
        make("td", { className: "mono" }, t.after)),
    );
    $("outcomes").replaceChildren(...rows);
    $("outcomes-table").hidden = rows.length === 0;
  }

  // tick writes what changes with time.
  tick() {
    const s = this.stream;
    const now = Date.now();
    const wait = Math.max(0, Math.ceil((s.retryAt - now) / 1000));
    const draining = s.ending?.reason === "drain";
    const state = { open: draining ? "Open, the hub drains" : "Open", connecting: "Connecting…", retrying: `Retrying in ${wait} s`, closed: "Closed" }[s.state];
    text($("state-text"), state);
    const open = s.state === "open";
    const c = s.count;
    const facts = {
      "fact-state": open ? `open for ${span(now - s.openedAt)}` : s.end ? `${state.toLowerCase()} (${s.end.reason})` : state.toLowerCase(),
      "fact-connection": s.open?.connection ?? "–",
      "fact-node": s.open ? `${s.open.node || "–"} · ${s.open.release}` : "–",
      "fact-trace": s.open?.trace_id ?? "–",
      "fact-heard": s.heard && s.open ? `${span(now - s.heard)} ago` : "–",
      "fact-heartbeat": heartbeat(s, now),
      "fact-received": `${integer(c.events)} ${c.events === 1 ? "event" : "events"} · ${bytes(c.bytes)}${c.duplicates ? ` · ${integer(c.duplicates)} duplicates left out` : ""}`,
      "fact-gaps": integer(c.gaps),
      "fact-reconnects": [integer(c.reconnects), ...[...s.reasons].map(([r, n]) => `${r} ×${n}`)].join(" · "),
    };
    for (const [id, value] of Object.entries(facts)) text($(id), value);
    for (const id of ["fact-connection", "fact-trace"]) $(id).title = facts[id];
    pieces($("fact-last"), s.lastID() || "–");
    text($("whereami"), s.open ? [s.open.node, s.open.release].filter(Boolean).join(" · ") : "");
  }

  journal({ at, text: what, trace }) {
    const entry = make("li", {}, make("time", {}, time(at)), make("span", { title: trace ? `trace ${trace}` : "" }, what));
    const list = $("journal");
    list.prepend(entry);
    while (list.children.length > maxJournal) list.lastChild.remove();
  }

  // gap tells of missing events, with what is known of them, and returns it
  // in a sentence.
  gap(g) {
    const cause = causes[g.reason] ?? g.reason;
    const sentence = `Events of ${g.topic} after ${g.after} are missing: ${cause}.`;
    const known = [["goes on after", g.through], ["oldest kept", g.oldest || "nothing"], ["head", g.head], ["noticed", time(Date.now())]];
    const facts = make("span", { className: "known" });
    for (const [name, value] of known) facts.append(make("span", {}, `${name} `, make("b", {}, value)));
    const list = $("gaps-list");
    list.prepend(make("li", {}, sentence, facts));
    while (list.children.length > maxGaps) list.lastChild.remove();
    this.gaps++;
    text($("gaps-title"), this.gaps === 1 ? "A gap" : `${integer(this.gaps)} gaps${this.gaps > maxGaps ? `, the last ${maxGaps}` : ""}`);
    $("gaps").hidden = false;
    say(`Gap: ${sentence}`);
    return `${sentence} Goes on after ${g.through}; oldest kept: ${g.oldest || "nothing"}; head: ${g.head}.`;
  }
}

function heartbeat(s, now) {
  if (!s.open) return "–";
  const { mode = "comment", interval_ms: interval = 0 } = s.open.heartbeat ?? {};
  const rule = interval ? `${mode} after ${span(interval)} of silence` : "off";
  return s.beat ? `${span(now - s.beat)} ago · ${rule}` : rule;
}
