import assert from "node:assert/strict";
import test from "node:test";
import { Parser } from "./console/parser.js";

// read feeds pieces of bytes as the page does.
function read(...pieces) {
  const got = { events: [], comments: [], retries: [] };
  const parser = new Parser({
    event: ({ id, type, data, traceparent }) => got.events.push([id, type, data, ...(traceparent ? [traceparent] : [])]),
    comment: (c) => got.comments.push(c),
    retry: (ms) => got.retries.push(ms),
  });
  const decoder = new TextDecoder();
  for (const p of pieces) parser.feed(decoder.decode(typeof p === "string" ? new TextEncoder().encode(p) : p, { stream: true }));
  got.lastID = parser.lastID;
  return got;
}

const events = (...pieces) => read(...pieces).events;

test("the fields of an event", () => {
  assert.deepEqual(events("id: 1-0\nevent: a.b\ndata: x\ntraceparent: 00-ab\n\n"), [["1-0", "a.b", "x", "00-ab"]]);
  assert.deepEqual(events("data: x\n\n"), [["", "message", "x"]]);
  assert.deepEqual(events("data:x\ndata:  y\ndata\n\n"), [["", "message", "x\n y\n"]]);
  assert.deepEqual(events("data\n\n"), [["", "message", ""]]);
  assert.deepEqual(events("event: a\n\ndata: b\n\n"), [["", "message", "b"]], "without data there is no event, and no type is left over");
  assert.deepEqual(events("Data: x\nother: y\n\ndata: z: a\n\n"), [["", "message", "z: a"]]);
  assert.deepEqual(events("data: cut short\n"), []);
});

test("ids hold until the next", () => {
  assert.deepEqual(events("id: 7\ndata: a\n\ndata: b\n\nid\ndata: c\n\n"), [["7", "message", "a"], ["7", "message", "b"], ["", "message", "c"]]);
  assert.deepEqual(events("id: 7\ndata: a\n\nid: 8\0\ndata: b\n\n").at(-1), ["7", "message", "b"]);
  assert.equal(read("id: 9\n\n").lastID, "9", "also without data");
  assert.equal(read("id: 8\n\nid: 9\n").lastID, "8", "not of an event that was cut short");
});

test("comments and retry", () => {
  const got = read(": ping\n\n:\nretry: 2143\nretry: 1x\nretry:\nretry: 99999999999999999999\n\n");
  assert.deepEqual(got.comments, ["ping", ""]);
  assert.deepEqual(got.retries, [2143, 0x7fffffff]);
  assert.deepEqual(got.events, []);
});

test("LF, CR and CRLF end lines, wherever pieces end", () => {
  const want = [["1", "a", "x\ny"], ["2", "message", "z\n"]];
  for (const nl of ["\n", "\r", "\r\n"]) {
    const text = ["id: 1", "event: a", "data: x", "data: y", "", ": c", "id: 2", "data: z", "data", "", ""].join(nl);
    for (let cut = 0; cut <= text.length; cut++) {
      assert.deepEqual(events(text.slice(0, cut), text.slice(cut)), want, `${JSON.stringify(nl)} cut at ${cut}`);
    }
    assert.deepEqual(events(...text), want, `${JSON.stringify(nl)} in single characters`);
  }
  assert.deepEqual(events("data: a\r\n\rdata: b\n\r\n"), [["", "message", "a"], ["", "message", "b"]], "mixed");
  assert.deepEqual(events("data: a\n\r", "data: b\r", "", "\n\r", "\n"), [["", "message", "a"], ["", "message", "b"]], "an empty piece between CR and LF");
});

test("one byte order mark at the start is left out", () => {
  assert.deepEqual(events("\uFEFFdata: a\n\n"), [["", "message", "a"]]);
  assert.deepEqual(events("\uFEFF\uFEFFdata: a\n\ndata: \uFEFFb\n\n"), [["", "message", "\uFEFFb"]]);
  assert.deepEqual(events(new Uint8Array([0xef, 0xbb]), new Uint8Array([0xbf, 0x64]), "ata: a\n\n"), [["", "message", "a"]]);
});

test("characters cut by pieces", () => {
  const bytes = new TextEncoder().encode("data: ü€𝄞\n\n");
  for (let cut = 0; cut <= bytes.length; cut++) {
    assert.deepEqual(events(bytes.slice(0, cut), bytes.slice(cut)), [["", "message", "ü€𝄞"]]);
  }
  assert.deepEqual(events(new Uint8Array([...new TextEncoder().encode("data: "), 0xff, 10, 10])), [["", "message", "\uFFFD"]]);
});

test("many lines and many pieces take linear time", () => {
  const began = performance.now();
  const lines = 200_000;
  assert.equal(events("data: x\n".repeat(lines) + "\n")[0][2].length, 2 * lines - 1);
  assert.equal(events(...Array(2000).fill("data: y\n\n".repeat(100))).length, 200_000);
  assert.equal(events("data: ", ...Array(256).fill("z".repeat(1024)), "\n\n")[0][2].length, 256 << 10);
  assert.ok(performance.now() - began < 10_000);
});

test("an event without an end does not take all memory", () => {
  const piece = "x".repeat(8 << 20);
  assert.throws(() => read("data: ", piece, piece, piece, piece, piece), RangeError);
  assert.throws(() => read(...Array(5).fill(`data: ${piece}\n`), "data: y\n"), RangeError);
});
