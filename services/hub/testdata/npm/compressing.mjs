// A proxy that compresses what it passes on, as development servers do. It
// prints its address.
import http from "node:http";
import compression from "compression";

const target = new URL(process.argv[2]);
const compress = compression();
const server = http.createServer((request, response) => {
  compress(request, response, () => {
    const { hostname, port } = target;
    const on = http.request({ hostname, port, path: request.url, method: request.method, headers: request.headers }, (answer) => {
      // What a test wants to see the proxy do without the hub's word.
      if (request.url.includes("transform=allowed")) answer.headers["cache-control"] = "no-cache";
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    on.on("error", () => response.destroy());
    response.on("close", () => on.destroy());
    request.pipe(on);
  });
});
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
process.stdin.resume();
process.stdin.on("end", () => process.exit(0)); // with the test
