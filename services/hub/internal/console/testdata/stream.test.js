import assert from "node:assert/strict";
import test from "node:test";
import { retryAfter } from "./console/answer.js";
import { Position, compareIDs, startOf, validTopic } from "./console/position.js";
import { Stream, maxTopics } from "./console/stream.js";

test("positions", () => {
  const one = new Position(["a"]);
  assert.deepEqual(one.move("1-0"), { topic: "a", id: "1-0" });
  assert.equal(one.move("1-0"), null);
  const two = new Position(["a", "b.c"]);
  two.move("a@1-0,b.c@5-0");
  assert.deepEqual(two.move("b.c@5-1,a@1-0"), { topic: "b.c", id: "5-1" });
  assert.equal(two.move("a@1-0,b.c@5-1"), null);
  assert.deepEqual(two.move("a@2-0,b.c@5-1"), { topic: "a", id: "2-0" });
  assert.equal(two.of("b.c"), "5-1");
  assert.equal(two.of("d"), undefined);
});

test("ids compare as numbers", () => {
  for (const [a, b] of [["1-0", "2-0"], ["9-0", "10-0"], ["1-9", "1-10"], ["0", "1-0"], ["1-18446744073709551614", "1-18446744073709551615"]]) {
    assert.ok(compareIDs(a, b) < 0 && compareIDs(b, a) > 0, `${a} ${b}`);
  }
  assert.equal(compareIDs("1-0", "1-0"), 0);
});

test("where to start, as people type it", () => {
  assert.deepEqual([...startOf(" ", ["a"])], []);
  assert.deepEqual([...startOf("$", ["a"])], []);
  assert.deepEqual([...startOf("0", ["a", "b"])], [["a", "0"], ["b", "0"]]);
  assert.deepEqual([...startOf("1-0", ["a"])], [["a", "1-0"]]);
  assert.deepEqual([...startOf("a@1-0, b@2-0", ["a", "b"])], [["a", "1-0"], ["b", "2-0"]]);
  assert.throws(() => startOf("1-0", ["a", "b"]), /topic@id/);
  assert.throws(() => startOf("x", ["a"]), /not an id/);
});

test("names of topics", () => {
  for (const s of ["a", "A-Z_0.9", "x".repeat(128)]) assert.ok(validTopic(s), s);
  for (const s of ["", ".a", "a b", "ü", "a,b", "x".repeat(129)]) assert.ok(!validTopic(s), s);
});

test("Retry-After", () => {
  assert.equal(retryAfter("3"), 3000);
  assert.equal(retryAfter(null), undefined);
  assert.equal(retryAfter("soon"), undefined);
  assert.ok(retryAfter(new Date(Date.now() + 60_000).toUTCString()) > 50_000);
});

// hub plays answers, one for each request, and records what it was asked.
// An answer is the text of a stream, a Response or an Error. After the last
// the stream is disconnected.
async function hub(topics, answers, { start, random = 0.5 } = {}) {
  const got = { events: [], gaps: [], figures: [], pauses: [], asked: [], states: [] };
  let ended;
  const end = new Promise((resolve) => (ended = resolve));
  const stream = new Stream(
    {
      change: () => {
        got.states.push(stream.state);
        if (stream.state === "closed") ended();
      },
      event: (e) => {
        got.events.push(`${e.topic} ${e.id} ${e.data}`);
        got.position = e.position;
      },
      gap: (g) => got.gaps.push(g),
      figures: (f) => got.figures.push(f),
      journal() {},
    },
    {
      random: () => random,
      pause: async (ms) => got.pauses.push(ms),
      fetch: async (url, { headers }) => {
        got.asked.push({ topics: new URL(url, "http://hub").searchParams.getAll("topic").join(), last: headers["Last-Event-ID"] });
        const answer = answers.shift();
        if (answer === undefined) {
          stream.disconnect();
          throw new Error("no more answers");
        }
        if (answer instanceof Error) throw answer;
        if (answer instanceof Response) return answer;
        return new Response(answer, { headers: { "Content-Type": "text/event-stream; charset=utf-8" } });
      },
    },
  );
  got.stream = stream;
  stream.connect(topics, start ?? new Map());
  await end;
  return got;
}

const opening = (id, topics = [], retry = "") =>
  `${retry}id: ${id}\nevent: stream.open\ndata: ${JSON.stringify({ connection: "n1-1", heartbeat: { interval_ms: 15000 }, topics })}\n\n`;
const event = (id, data, type) => `id: ${id}\n${type ? `event: ${type}\n` : ""}data: ${data}\n\n`;
const problem = (status, body, headers) =>
  new Response(JSON.stringify({ status, ...body }), { status, headers: { "Content-Type": "application/problem+json", ...headers } });

test("an ended stream is resumed, and repeated events are left out", async () => {
  const got = await hub(["a", "b"], [
    opening("a@1-0,b@1-0,hub.stats@5-0") + event("a@1-1,b@1-0,hub.stats@5-0", "x") + event("hub.stats@6-0,a@1-1,b@1-0", "{}") + event("b@2-0,a@1-1,hub.stats@6-0", "y"),
    opening("a@1-0,b@2-0,hub.stats@0-0") + event("a@1-1,b@2-0,hub.stats@0-0", "x") + event("a@1-2,b@2-0,hub.stats@0-0", "z"),
  ]);
  assert.deepEqual(got.events, ["a 1-1 x", "b 2-0 y", "a 1-2 z"]);
  assert.deepEqual(got.figures, ["{}"]);
  assert.equal(got.position, "a@1-2,b@2-0");
  assert.deepEqual(got.asked, [
    { topics: "a,b,hub.stats", last: "hub.stats@0" },
    { topics: "a,b,hub.stats", last: "a@1-1,b@2-0,hub.stats@6-0" },
    { topics: "a,b,hub.stats", last: "a@1-2,b@2-0,hub.stats@6-0" },
  ]);
  assert.equal(got.stream.count.duplicates, 1);
  assert.deepEqual([...got.stream.reasons], [["server ended", 2]]);
});

test("a stream that breaks before its first event resumes where it opened", async () => {
  const got = await hub(["a"], [opening("a@7-0,hub.stats@0-0")]);
  assert.equal(got.asked[1].last, "a@7-0,hub.stats@0");
});

test("back-off doubles to its cap, and begins anew with a stream", async () => {
  const failures = (n) => Array.from({ length: n }, () => new TypeError("refused"));
  const got = await hub(["a"], [...failures(8), opening("a@1-0,hub.stats@0-0"), ...failures(2)]);
  assert.deepEqual(got.pauses, [1, 2, 4, 8, 16, 32, 60, 60, 1, 2, 4].map((s) => s * 1000));
  assert.deepEqual([...got.stream.reasons], [["network", 10], ["server ended", 1]]);
  for (const [random, want] of [[0, 500], [1, 1500]]) {
    assert.equal((await hub(["a"], failures(1), { random })).pauses[0], want);
  }
});

test("retry: and Retry-After are the least to wait", async () => {
  const got = await hub(["a"], [
    opening("a@1-0,hub.stats@0-0", [], "retry: 2143\n"),
    problem(429, { detail: "enough" }, { "Retry-After": "7" }),
    problem(503, {}),
  ]);
  assert.deepEqual(got.pauses, [2143, 7000, 4000]);
  assert.deepEqual([...got.stream.reasons.keys()], ["server ended", "rejected 429", "rejected 503"]);
});

test("drain, expiry and the 200 form of a rejection are named", async () => {
  const got = await hub(["a"], [
    `${opening("a@1-0,hub.stats@0-0")}event: stream.drain\ndata: {}\nretry: 25000\n\n`,
    'retry: 30000\nid: a@1-0\nevent: stream.rejected\ndata: {"status":503,"type":"shutting-down","detail":"later","permanent":false}\n\n',
    `${opening("a@1-0,hub.stats@0-0")}event: stream.expired\ndata: {}\n\n`,
    'event: stream.rejected\ndata: {"status":401,"detail":"who are you","permanent":true}\n\n',
  ]);
  assert.deepEqual(got.pauses, [25000, 30000, 30000]);
  assert.deepEqual([...got.stream.reasons.keys()], ["drain", "rejected 503", "token expired"]);
  assert.equal(got.stream.end.reason, "rejected 401");
  assert.equal(got.asked.at(-1).last, "a@1-0,hub.stats@0", "a rejection does not move the place");
});

test("a refusal for good closes", async () => {
  const got = await hub(["a"], [problem(401, { detail: "no token", trace_id: "abc" })]);
  assert.deepEqual([got.stream.end.reason, got.stream.end.detail, got.stream.end.trace], ["rejected 401", "no token", "abc"]);
  assert.equal(got.asked.length, 1);
  assert.equal((await hub(["a"], [new Response("<p>log in", { headers: { "Content-Type": "text/html" } })])).stream.end.reason, "not an event stream");
});

test("a place that is refused is not kept", async () => {
  const got = await hub(["a"], [problem(400, {}), problem(400, { detail: "no such id" })], { start: new Map([["a", "9-0"]]) });
  assert.deepEqual([got.stream.end.detail, got.asked[0].last, got.stream.lastID()], ["no such id", "a@9-0,hub.stats@0", ""]);
});

test("where the figures may not be read, the stream goes on without them", async () => {
  const got = await hub(["a"], [problem(403, {}), opening("1-0") + event("1-1", "x")]);
  assert.deepEqual(got.asked.map((a) => a.topics), ["a,hub.stats", "a", "a"]);
  assert.deepEqual(got.events, ["a 1-1 x"]);
  const refused = await hub(["a"], [problem(403, {}), problem(403, { detail: "not yours" })]);
  assert.deepEqual([refused.stream.end.detail, refused.stream.withoutFigures], ["not yours", false]);
});

test("sixteen topics leave no room for the figures", async () => {
  const topics = Array.from({ length: maxTopics }, (_, i) => `t${i}`);
  assert.equal((await hub(topics, [])).asked[0].topics, topics.join());
});

test("figures that are chosen are listed too", async () => {
  const got = await hub(["hub.stats"], [opening("1-0") + event("2-0", "{}")]);
  assert.deepEqual([got.events, got.figures, got.asked[0].topics], [["hub.stats 2-0 {}"], ["{}"], "hub.stats"]);
});

test("a gap moves the place, forward or back, and is told once", async () => {
  const gap = (id, g) => `id: ${id}\nevent: stream.gap\ndata: ${JSON.stringify(g)}\n\n`;
  const got = await hub(["a"], [
    opening("a@1-0,hub.stats@9-0") + gap("a@5-0,hub.stats@9-0", { topic: "a", after: "1-0", oldest: "5-1", head: "9-0", reason: "expired" }) +
      event("a@5-1,hub.stats@9-0", "x") + gap("a@5-1,hub.stats@1-0", { topic: "hub.stats", after: "9-0", head: "1-0", reason: "ahead" }),
    opening("a@5-1,hub.stats@9-0") + gap("a@2-0,hub.stats@9-0", { topic: "a", after: "5-1", head: "2-0", reason: "ahead" }) + event("a@2-1,hub.stats@9-0", "y"),
  ], { start: new Map([["a", "1-0"]]) });
  assert.deepEqual(got.events, ["a 5-1 x", "a 2-1 y"]);
  assert.deepEqual(got.gaps.map((g) => [g.topic, g.reason, g.after, g.through, g.oldest]), [["a", "expired", "1-0", "5-0", "5-1"], ["a", "ahead", "5-1", "2-0", undefined]]);
  assert.equal(got.stream.count.gaps, 2);
});

test("other topics keep the places of those that stay", async () => {
  const got = await hub(["a", "b"], [opening("a@1-0,b@2-0,hub.stats@0-0")]);
  assert.equal(got.stream.lastID(), "a@1-0,b@2-0");
  got.stream.fetch = (_, { signal }) => new Promise((_, reject) => signal.addEventListener("abort", reject));
  got.stream.connect(["b", "c"]);
  assert.equal(got.stream.lastID(), "b@2-0");
  got.stream.disconnect();
});
