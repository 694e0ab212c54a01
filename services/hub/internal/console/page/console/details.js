// One event in full.
import { $, bytes, make, pieces, text } from "./dom.js";
import { milliseconds } from "./position.js";

// details shows an event; null closes them.
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
