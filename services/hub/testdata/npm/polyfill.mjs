// Follows a stream until the event whose data is "last" has come, and prints
// what came and under which ids.
import polyfill from "event-source-polyfill";

const got = [];
const source = new polyfill.EventSourcePolyfill(process.argv[2]);
source.onmessage = (e) => {
  got.push([e.data, e.lastEventId]);
  if (e.data !== "last") return;
  console.log(JSON.stringify(got));
  process.exit(0);
};
