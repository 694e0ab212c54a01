// Follows a stream through each of the given addresses at the same time, until
// the event whose data is "last" has come, and prints by address what came: the
// lengths of data. The client comes back after a moment, and not only after the
// hub's retry, or this would take long.
import { createRequire } from "node:module";

globalThis.window = globalThis;
globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} };
// Its ES modules are not what Node takes for such.
const { fetchEventSource } = createRequire(import.meta.url)("@microsoft/fetch-event-source");

async function follow(url) {
  const got = [];
  const over = new AbortController();
  await fetchEventSource(url, {
    signal: over.signal,
    openWhenHidden: true,
    onmessage(m) {
      if (m.event.startsWith("stream.") || m.data === "") return;
      got.push(m.data.length);
      if (m.data === "last") over.abort();
    },
    onclose() {
      throw new Error("the stream has ended");
    },
    onerror: () => 1,
  });
  return [url, got];
}

console.log(JSON.stringify(Object.fromEntries(await Promise.all(process.argv.slice(2).map(follow)))));
process.exit(0);
