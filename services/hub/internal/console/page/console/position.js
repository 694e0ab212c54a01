// Ids and positions of the wire contract. An id is milliseconds-sequence; the
// position of a connection on several topics is topic@id,topic@id.

// compareIDs orders two ids of a topic, as numbers of any size.
export function compareIDs(a, b) {
  const [am, as = "0"] = a.split("-");
  const [bm, bs = "0"] = b.split("-");
  return compareNumbers(am, bm) || compareNumbers(as, bs);
}

function compareNumbers(a, b) {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}

// Position follows the ids of one connection on some topics.
export class Position {
  constructor(topics) {
    this.topics = topics;
    this.parts = topics.map(() => "");
  }

  // move takes the id that an event carries. It returns the topic whose place
  // changed, which is the event's own and stands first, with its id there; null
  // for none.
  move(id) {
    const parts = this.topics.length === 1 && !id.includes("@") ? [`${this.topics[0]}@${id}`] : id.split(",");
    const moved = parts.find((p) => !this.parts.includes(p));
    this.parts = parts;
    return moved ? split(moved) : null;
  }

  // of returns the place in a topic; undefined where it is not known.
  of(topic) {
    return this.parts.map(split).find((p) => p.topic === topic)?.id;
  }
}

function split(part) {
  const at = part.indexOf("@");
  return { topic: part.slice(0, at), id: part.slice(at + 1) };
}

// startOf reads what a person types as a place to start: 0, $, an id, or
// topic@id,topic@id. It returns a map of topic to id, or throws with what to
// type instead.
export function startOf(text, topics) {
  text = text.trim();
  if (text === "" || text === "$") return new Map();
  if (text === "0") return new Map(topics.map((t) => [t, "0"]));
  if (!text.includes("@")) {
    if (topics.length > 1) throw new Error("with several topics write topic@id, separated by commas");
    text = `${topics[0]}@${text}`;
  }
  const start = new Map();
  for (const part of text.split(",")) {
    const { topic, id } = split(part.trim());
    if (!topic || !/^[0-9]+(-[0-9]+)?$/.test(id)) throw new Error(`“${part}” is not an id like 1763820000000-0`);
    start.set(topic, id);
  }
  return start;
}

export const validTopic = (s) => /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/.test(s);

// milliseconds is when an event was published.
export const milliseconds = (id) => Number(id.split("-")[0]);
