// The form that publishes one event, and the commands that do the same.
import { $, shell, span, text } from "./dom.js";
import { parse, retryAfter } from "./answer.js";
import { validTopic } from "./position.js";

const bearer = '-H "Authorization: Bearer $TOKEN" ';

export const subscribeCommand = (topics, withToken) =>
  `curl -N ${withToken ? bearer : ""}${shell(`${location.origin}/v1/events?${topics.map((t) => `topic=${t}`).join("&")}`)}`;

export function publishCommand({ topic, type, key, data }, withToken) {
  const words = [withToken ? `curl ${bearer.trim()}` : "curl"];
  words.push(data.startsWith("@") ? "--data-raw" : "-d", data === "" ? "''" : shell(data), shell(location.origin + address({ topic, type, key })));
  return words.join(" ");
}

function address({ topic, type, key }) {
  const query = new URLSearchParams(Object.entries({ type, key }).filter(([, v]) => v)).toString();
  return `/v1/topics/${encodeURIComponent(topic)}/events${query && `?${query}`}`;
}

const againAfter = 1500; // ms until an event without an answer is sent again
const answerWithin = 20_000; // ms

// randomKey needs no secure origin, as crypto.randomUUID would.
const randomKey = () => Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(36)).join("-");

export class Publisher {
  // on has token(), watches(topic) and watch(topic). The token has: whether there
  // is one, and inPage: what is to be sent because no cookie holds it.
  constructor(on) {
    this.on = on;
    this.form = $("publish");
    this.form.addEventListener("submit", (e) => {
      e.preventDefault();
      this.publish(this.event());
    });
    this.form.addEventListener("input", () => this.command());
    this.form.addEventListener("keydown", (e) => {
      if (e.key === "Enter" && (e.ctrlKey || e.metaKey)) this.form.requestSubmit();
    });
    $("watch").addEventListener("click", () => {
      $("watch").hidden = true;
      on.watch(this.published);
    });
  }

  event() {
    const { topic, type, key, data } = this.form.elements;
    return { topic: topic.value.trim(), type: type.value.trim(), key: key.value.trim(), data: data.value };
  }

  command() {
    const e = this.event();
    text($("publish-command"), publishCommand({ ...e, topic: e.topic || "demo" }, this.on.token().has));
  }

  // suggest offers the topics that are watched.
  suggest(topics) {
    const field = this.form.elements.topic;
    if (field.value === "" || field.value === this.suggested) field.value = this.suggested = topics[0] ?? "demo";
    $("topic-names").replaceChildren(...topics.map((t) => new Option(t)));
    this.command();
  }

  async publish(event) {
    $("watch").hidden = true;
    if (!validTopic(event.topic)) {
      this.form.elements.topic.focus();
      return this.answer("bad", "A topic is 1 to 128 of A-Z a-z 0-9 . _ -, and does not start with a dot.");
    }
    this.answer("", "Publishing…");
    $("publish-button").disabled = true;
    try {
      this.show(event.topic, await this.post(event));
    } catch {
      this.answer("bad", "The hub cannot be reached; the event may have been stored or not.");
    } finally {
      $("publish-button").disabled = false;
    }
  }

  // post sends an event under a key of its own, so that it is stored once
  // although it is sent again where no answer comes, by the page or the browser.
  async post(event) {
    const key = randomKey();
    try {
      return await this.send(event, key);
    } catch {
      this.answer("", "No answer. Trying once more…");
      await new Promise((resolve) => setTimeout(resolve, againAfter));
      return await this.send(event, key);
    }
  }

  async send(event, key) {
    const token = this.on.token().inPage;
    const headers = { "Content-Type": "text/plain; charset=utf-8", "Idempotency-Key": key, ...(token && { Authorization: `Bearer ${token}` }) };
    const response = await fetch(address(event), { method: "POST", headers, body: event.data, signal: AbortSignal.timeout(answerWithin) });
    return { status: response.status, after: retryAfter(response.headers.get("Retry-After")), body: parse(await response.text()) };
  }

  show(topic, { status, after, body }) {
    if (status === 200 || status === 201) {
      this.answer("good", `${status} · stored ${body.duplicate ? "once " : ""}as ${body.id}`);
      this.published = topic;
      $("watch").hidden = this.on.watches(topic);
      text($("watch"), `Watch ${topic}`);
      return;
    }
    const parts = [`${status} · ${body.title ?? "refused"}`];
    if (body.detail) parts.push(body.detail);
    if (after !== undefined) parts.push(`try again in ${span(after)}`);
    if (body.trace_id) parts.push(`trace ${body.trace_id}`);
    this.answer("bad", parts.join(" — "));
  }

  answer(kind, words) {
    const answer = $("answer");
    answer.className = `answer ${kind}`;
    text(answer, words);
    if (kind === "bad") answer.scrollIntoView({ block: "nearest" }); // it may have been asked for elsewhere
  }
}
