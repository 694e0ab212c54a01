// The topics that are chosen: chips, and the part of the address behind the
// hash, so that a reload and a bookmark keep them.
import { $, make, text } from "./dom.js";
import { validTopic } from "./position.js";
import { maxTopics } from "./stream.js";

export class Topics {
  // on has changed().
  constructor(on) {
    this.on = on;
    this.list = fromHash() ?? ["demo"];
    const input = $("topic");
    $("topic-form").addEventListener("submit", (e) => {
      e.preventDefault();
      if (this.add(...input.value.split(/[\s,]+/).filter(Boolean))) input.value = "";
    });
    input.addEventListener("input", () => this.wrong(""));
    input.addEventListener("keydown", (e) => {
      if (e.key === "Backspace" && input.value === "" && this.list.length > 0) this.remove(this.list.at(-1));
    });
    addEventListener("hashchange", () => {
      const list = fromHash();
      if (list && list.join() !== this.list.join()) this.set(list);
    });
    this.draw();
  }

  // add returns whether all names are among the chosen ones now.
  add(...names) {
    const bad = names.find((n) => !validTopic(n));
    if (bad !== undefined) return this.wrong(`“${bad}” is no topic: use A-Z a-z 0-9 . _ -, not starting with a dot`);
    const list = [...new Set([...this.list, ...names])];
    if (list.length > maxTopics) return this.wrong(`a stream follows ${maxTopics} topics at most`);
    this.wrong("");
    if (list.length > this.list.length) this.set(list);
    return true;
  }

  remove(name) {
    const at = this.list.indexOf(name);
    this.set(this.list.filter((t) => t !== name));
    const left = $("chips").querySelectorAll("button");
    (left[Math.min(at, left.length - 1)] ?? $("topic")).focus();
  }

  set(list) {
    this.list = list;
    history.replaceState(null, "", `#topics=${list.join(",")}`);
    this.draw();
    this.on.changed();
  }

  draw() {
    $("chips").replaceChildren(
      ...this.list.map((name) => {
        const remove = make("button", { type: "button", "aria-label": `Remove topic ${name}` }, "×");
        remove.addEventListener("click", () => this.remove(name));
        return make("li", { className: "chip" }, make("span", {}, name), remove);
      }),
    );
  }

  wrong(words) {
    text($("topic-wrong"), words);
    $("topic").setAttribute("aria-invalid", words !== "");
    return false;
  }
}

function fromHash() {
  const given = new URLSearchParams(location.hash.slice(1)).get("topics");
  if (given === null) return null;
  return [...new Set(given.split(",").filter(validTopic))].slice(0, maxTopics);
}
