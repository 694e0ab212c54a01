// The console: one stream, and the parts of the page that show it.
import { $, copyable, recall, remember, text } from "./console/dom.js";
import { Access } from "./console/access.js";
import { Connection, wantsToken } from "./console/connection.js";
import { details } from "./console/details.js";
import { Figures } from "./console/figures.js";
import { EventList } from "./console/list.js";
import { startOf } from "./console/position.js";
import { Publisher, publishCommand, subscribeCommand } from "./console/publish.js";
import { Stream, maxTopics } from "./console/stream.js";
import { Topics } from "./console/topics.js";

theme();

const stream = new Stream({
  change: () => changed(),
  event: (e) => list.push({ ...e, at: Date.now() }),
  gap: (g) => list.push({ kind: "gap", topic: g.topic, id: g.through, position: g.through, type: "stream.gap", data: connection.gap(g), at: Date.now() }),
  figures: (data) => figures.add(data),
  journal: (entry) => connection.journal(entry),
});
const connection = new Connection(stream);
const figures = new Figures();
const list = new EventList({ select: details, changed: drawToolbar, pause: togglePause });
const access = new Access({ change: admitted });
const publisher = new Publisher({
  token: () => access,
  watches: (topic) => topics.list.includes(topic),
  watch: (topic) => topics.add(topic),
});
const topics = new Topics({ changed: topicsChanged });

wire();
publisher.suggest(topics.list);
connect();
setInterval(tick, 500);

// connect begins at the place that Options says; "" is where it left off.
function connect() {
  const place = $("start").value === "id" ? $("start-id").value : $("start").value;
  try {
    stream.connect(topics.list, $("start").value === "" ? stream.seen : startOf(place, topics.list));
    text($("start-wrong"), "");
    $("options").open = false;
  } catch (err) {
    $("options").open = true;
    text($("start-wrong"), err.message);
    $("start-id").focus();
  }
}

function topicsChanged() {
  publisher.suggest(topics.list);
  if (stream.state === "closed" && stream.end?.reason === "disconnected") return changed();
  stream.connect(topics.list);
}

// admitted begins anew with another token, or without one.
function admitted() {
  stream.token = access.inPage;
  stream.withoutFigures = false;
  publisher.command();
  if (stream.seen.size > 0) stream.connect(topics.list); // where it was, wherever it began
  else connect();
}

// changed shows another state of the stream.
function changed() {
  connection.changed();
  const off = stream.state === "closed";
  if (stream.state === "connecting") access.attempt();
  const open = stream.state === "open";
  const end = open ? stream.ending : stream.end;
  const wanted = (off || end?.expired) && wantsToken(end);
  if (wanted || open) access.show(wanted, wanted, end?.expired);
  text($("connect"), off ? "Connect" : "Disconnect");
  $("connect").classList.toggle("primary", off);
  text($("subscribe-command"), subscribeCommand(topics.list.length > 0 ? topics.list : ["demo"], access.has));
  drawToolbar();
  tick();
}

function tick() {
  connection.tick();
  if (stream.state !== "open" && wantsToken(stream.end) && access.renewed) admitted();
  const full = topics.list.length >= maxTopics;
  figures.tell(stream.state, stream.openedAt,
    stream.withoutFigures ? "the hub does not let this page read hub.stats" : full ? `${maxTopics} topics leave no room for hub.stats` : "");
}

function drawToolbar() {
  text($("summary"), list.summary());
  text($("pause"), list.paused ? "Resume" : "Pause");
  $("pause").setAttribute("aria-pressed", list.paused);
  $("jump").hidden = list.pane.follow || list.pane.view.length === 0;
  const empty = list.pane.view.length === 0;
  $("empty").hidden = !empty;
  if (empty) drawEmpty();
}

function drawEmpty() {
  const topic = topics.list.find((t) => !t.startsWith("hub."));
  const filtered = list.filter !== "" && list.total > 0;
  const open = stream.state === "open";
  const title = filtered ? "No event matches the filter"
    : open ? `Nothing on ${topics.list.join(", ") || "any topic"} yet`
    : stream.state === "closed" ? "Not connected" : "Waiting for the hub";
  text($("empty-title"), title);
  const inviting = open && !filtered && topic !== undefined;
  $("empty-invite").hidden = !inviting;
  if (inviting) text($("empty-command"), publishCommand({ topic, type: "", key: "", data: "hello" }, access.has));
}

function togglePause() {
  list.pause(!list.paused);
  drawToolbar();
}

function wire() {
  copyable(document.body);
  $("connect").addEventListener("click", () => {
    if (stream.state === "closed") connect();
    else stream.disconnect();
  });
  $("retry").addEventListener("click", () => stream.retryNow());
  addEventListener("online", () => stream.retryNow());
  $("start").addEventListener("change", () => ($("start-id-field").hidden = $("start").value !== "id"));
  $("options").addEventListener("keydown", (e) => {
    if (e.key !== "Escape") return;
    $("options").open = false;
    $("options").firstElementChild.focus();
  });
  $("options-form").addEventListener("submit", (e) => {
    e.preventDefault();
    stream.withoutFigures = false;
    connect();
  });
  $("pause").addEventListener("click", togglePause);
  $("filter").addEventListener("input", () => list.setFilter($("filter").value));
  $("clear").addEventListener("click", () => list.clear());
  $("jump").addEventListener("click", () => list.pane.jump());
  $("details-close").addEventListener("click", () => {
    list.pane.select(null);
    $("events").focus();
  });
  $("first").addEventListener("click", () => {
    const topic = topics.list.find((t) => !t.startsWith("hub."));
    publisher.publish({ topic, type: "", key: "", data: "hello" });
  });
  $("skip").addEventListener("click", (e) => {
    e.preventDefault(); // the hash holds the topics
    $("events").focus();
  });
}

// theme follows the system until the button says otherwise.
function theme() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let chosen = recall("sluice-theme");
  const apply = () => {
    const now = chosen ?? (dark.matches ? "dark" : "light");
    document.documentElement.dataset.theme = now;
    $("theme").title = now === "dark" ? "Light theme" : "Dark theme";
    $("theme").setAttribute("aria-label", $("theme").title);
  };
  $("theme").addEventListener("click", () => {
    chosen = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    remember("sluice-theme", chosen);
    apply();
  });
  dark.addEventListener("change", apply);
  apply();
}
