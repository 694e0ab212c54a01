// One stream of the hub over fetch, which unlike EventSource shows every type
// of event, the status of a refusal and the heartbeats. It reconnects by
// itself and resumes after the last event that it has.
import { parse, refusal } from "./answer.js";
import { Parser } from "./parser.js";
import { Position, compareIDs } from "./position.js";

export const figuresTopic = "hub.stats";
export const maxTopics = 16;

const backoffBase = 1000;
const backoffCap = 60_000;
const answerWithin = 30_000; // for the hub to answer and to open the stream
const leastSilence = 10_000; // for a stream to count as dead
const longestTask = 12; // ms of reading before the page gets its turn

export class Stream {
  // on has change(), event(e), gap(g), figures(text) and journal(entry). The
  // rest is for tests.
  constructor(on, { fetch = (...a) => globalThis.fetch(...a), random = Math.random, pause = pauseFor } = {}) {
    Object.assign(this, { on, fetch, random, pause });
    this.state = "closed"; // connecting, open, retrying, closed
    this.end = null; // why the last attempt ended
    this.open = null; // the data of stream.open
    this.heard = 0; // when bytes arrived last
    this.beat = 0; // when a heartbeat arrived last on this connection
    this.topics = [];
    this.token = "";
    this.seen = new Map(); // by topic: the last id, where to resume
    this.figuresAt = "0"; // their place: the first time all that the hub keeps
    this.withoutFigures = false; // the hub refused them to this caller
    this.count = { events: 0, bytes: 0, duplicates: 0, reconnects: 0, comments: 0, pings: 0, gaps: 0 };
    this.reasons = new Map(); // of reconnects
    this.retry = 0; // what the hub asked for last, in ms
    this.session = null; // replaced when the caller wants something else
  }

  // connect follows topics from a start: a map of topic to id, and what it
  // leaves out from now on.
  connect(topics, start = this.seen) {
    const before = this.seen;
    this.seen = new Map([...start].filter(([t]) => topics.includes(t)));
    this.topics = topics;
    this.end = null;
    this.session?.abort();
    this.session = { abort() {}, failures: 0, before };
    this.run(this.session);
  }

  disconnect() {
    this.session?.abort();
    this.session = null;
    this.end = { reason: "disconnected" };
    this.enter("closed");
    this.note("Disconnected");
  }

  retryNow() {
    if (this.state === "retrying") this.session.wake();
  }

  // followed are the topics of the connection: the chosen ones and, where
  // there is room, the hub's figures.
  followed() {
    if (this.topics.includes(figuresTopic) || !this.wantsFigures()) return this.topics;
    return [...this.topics, figuresTopic];
  }

  wantsFigures() {
    return !this.withoutFigures && this.topics.length < maxTopics;
  }

  // lastID is the place in each chosen topic.
  lastID() {
    return this.topics.filter((t) => this.seen.has(t)).map((t) => `${t}@${this.seen.get(t)}`).join(",");
  }

  async run(session) {
    for (;;) {
      if (this.followed().length === 0) {
        this.end = { reason: "no topic" };
        return this.enter("closed");
      }
      this.enter("connecting");
      const end = await this.attempt(session);
      if (session !== this.session) return;
      this.end = end;
      if ([400, 403].includes(end.status) && this.followed().length > this.topics.length) {
        this.withoutFigures = session.guessed = true; // perhaps it is them that are refused
        continue;
      }
      if (session.guessed && end.permanent) this.withoutFigures = false; // it was not
      this.note(`${sentence(end.reason)}${end.detail ? `: ${end.detail}` : ""}`, end.trace);
      if (end.permanent) {
        if (session.before) this.seen = session.before; // the place may be what is refused
        return this.enter("closed");
      }
      this.count.reconnects++;
      this.reasons.set(end.reason, (this.reasons.get(end.reason) ?? 0) + 1);
      const backoff = Math.min(backoffCap, backoffBase * 2 ** session.failures++) * (0.5 + this.random());
      const delay = Math.max(backoff, end.retryAfter ?? this.retry);
      this.retryAt = Date.now() + delay;
      this.enter("retrying");
      await this.pause(delay, session);
      if (session !== this.session) return;
    }
  }

  // attempt opens the stream and reads it to its end, whose reason it returns.
  async attempt(session) {
    const controller = new AbortController();
    session.abort = () => (controller.abort(), session.wake?.());
    let silent = false;
    const began = Date.now();
    this.silence = answerWithin;
    const watch = setInterval(() => {
      if (this.silence && Date.now() - Math.max(began, this.heard) > this.silence) {
        silent = true;
        controller.abort();
      }
    }, 1000);
    try {
      const response = await this.request(controller.signal);
      if (response.status !== 200) return await refusal(response);
      if (!/^text\/event-stream\b/i.test(response.headers.get("Content-Type") ?? "")) {
        return { reason: "not an event stream", detail: "something else answered in place of the hub", permanent: true };
      }
      return await this.read(response, session);
    } catch (err) {
      if (silent) return { reason: "silent", detail: `nothing arrived for ${Math.round(this.silence / 1000)} s` };
      if (err instanceof RangeError) return { reason: err.message, permanent: true };
      return { reason: "network", detail: this.state === "open" ? "the connection broke" : "the hub cannot be reached" };
    } finally {
      clearInterval(watch);
      controller.abort(); // lets go of a body that was not read to its end
    }
  }

  request(signal) {
    const headers = { Accept: "text/event-stream" };
    const figures = this.followed().length > this.topics.length ? `${figuresTopic}@${this.figuresAt}` : "";
    const last = [this.lastID(), figures].filter(Boolean).join(",");
    if (last) headers["Last-Event-ID"] = last;
    if (this.token) headers.Authorization = `Bearer ${this.token}`;
    const query = new URLSearchParams(this.followed().map((t) => ["topic", t]));
    return this.fetch(`/v1/events?${query}`, { headers, signal, cache: "no-store" });
  }

  async read(response, session) {
    this.position = new Position(this.followed());
    this.ending = { reason: "server ended" }; // unless the stream says more
    const parser = new Parser({
      event: (e) => this.session === session && this.receive(e, session),
      comment: () => {
        this.count.comments++;
        this.beat = Date.now();
      },
      retry: (ms) => (this.retry = ms),
    });
    const decoder = new TextDecoder();
    const reader = response.body.getReader();
    let since = performance.now();
    for (;;) {
      const { done, value } = await reader.read();
      if (done || session !== this.session) return this.ending;
      this.heard = Date.now();
      this.count.bytes += value.byteLength;
      parser.feed(decoder.decode(value, { stream: true }));
      if (performance.now() - since > longestTask) {
        await nextTask();
        since = performance.now();
      }
    }
  }

  receive(e, session) {
    if (e.type.startsWith("stream.")) return this.control(e, session);
    const moved = this.position.move(e.id);
    if (!moved) return void this.count.duplicates++; // the id of the event before
    const { topic, id } = moved;
    if (topic === figuresTopic) {
      this.figuresAt = id;
      this.on.figures(e.data);
      if (!this.topics.includes(topic)) return;
    }
    const last = this.seen.get(topic);
    if (last !== undefined && compareIDs(id, last) <= 0) return void this.count.duplicates++;
    this.seen.set(topic, id);
    this.count.events++;
    // Resuming needs the chosen topics only; the figures, which have not moved, are the last.
    const whole = this.position.topics.length === this.topics.length;
    const position = whole ? e.id : e.id.slice(0, e.id.lastIndexOf(","));
    this.on.event({ topic, id, position, type: e.type, data: e.data, traceparent: e.traceparent });
  }

  control(e, session) {
    const data = parse(e.data);
    switch (e.type) {
      case "stream.open":
        return this.opened(e, data, session);
      case "stream.gap":
        return this.gap(e, data);
      case "stream.ping":
        this.count.pings++;
        this.beat = Date.now();
        return;
      case "stream.drain":
        this.ending = { reason: "drain", detail: "the hub shuts down or moves its streams" };
        this.note("The hub announced a drain");
        return this.on.change();
      case "stream.expired":
        this.ending = { reason: "token expired", expired: true };
        this.note("The token has ended");
        return this.on.change();
      case "stream.rejected":
        this.ending = { reason: `rejected ${data.status}`, detail: data.detail, status: data.status, type: data.type, trace: data.trace_id, permanent: data.permanent };
    }
  }

  opened(e, data, session) {
    session.failures = 0;
    session.guessed = false;
    session.before = null;
    this.open = data;
    this.openedAt = Date.now();
    this.beat = 0;
    this.silence = silence(data.heartbeat?.interval_ms ?? 0);
    this.position.move(e.id);
    for (const t of this.topics) {
      if (!this.seen.has(t)) this.seen.set(t, this.position.of(t));
    }
    const chosen = (data.topics ?? []).filter((t) => this.topics.includes(t.topic));
    this.note(`Open: ${chosen.map((t) => `${t.topic} ${t.outcome}`).join(", ") || "figures only"}`, data.trace_id);
    this.enter("open");
  }

  gap(e, data) {
    const before = this.position.of(data.topic);
    this.position.move(e.id);
    const through = this.position.of(data.topic);
    if (!this.topics.includes(data.topic)) return void (this.figuresAt = through); // they start anew
    this.seen.set(data.topic, through); // which may be lower than before
    this.count.gaps++;
    this.note(`Gap in ${data.topic} (${data.reason})`);
    this.on.gap({ ...data, through, before });
  }

  enter(state) {
    this.state = state;
    this.on.change();
  }

  note(text, trace) {
    this.on.journal({ at: Date.now(), text, trace });
  }
}

// silence is how long nothing arrives on a dead stream; 0: the hub sends no
// heartbeats that would tell.
const silence = (interval) => (interval > 0 ? Math.max(leastSilence, 3 * interval) : 0);

const sentence = (s) => s[0].toUpperCase() + s.slice(1);

function pauseFor(ms, session) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    session.wake = () => (clearTimeout(timer), resolve());
  });
}

// nextTask lets the browser draw and answer input. A timer would be slowed
// down in a hidden tab.
function nextTask() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => (port1.close(), resolve());
    port2.postMessage(null);
  });
}
