// One row of the list of events. Rows are few and filled again and again.
import { make, text, time } from "./dom.js";
import { milliseconds } from "./position.js";

const maxLine = 400; // characters of data in a row
const columns = ["time", "topic", "type", "id", "data"];

export function newRow(i, parent) {
  const row = make("div", { className: "row", role: "option", id: `row-${i}` });
  row.cells = columns.map((name) => row.appendChild(make("span", { className: name })));
  parent.append(row);
  return row;
}

export function fill(row, event) {
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

// line is the beginning of the data on one line.
function line(event) {
  event.line ??= event.data.slice(0, maxLine).replace(/\s*[\n\u0085\u2028\u2029]\s*/g, " ⏎ ");
  return event.line;
}
