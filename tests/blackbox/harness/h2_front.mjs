// HTTP/2 over TLS before a server that speaks HTTP/1.1: each stream is carried there and back after DELAY_MS. What it saw is at GET / of
// the control port.
//   node h2_front.mjs CERTIFICATE KEY HOST:PORT DELAY_MS     prints {"port", "control"} in a line
import { readFileSync } from "node:fs";
import http from "node:http";
import { createSecureServer } from "node:http2";

const [certificate, key, behind, delay] = process.argv.slice(2);
const [host, port] = behind.split(":");
const stats = { connections: 0, streams: 0, most: 0 };
let open = 0;

function carry(stream, headers, body) {
  const kept = Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith(":")));
  const rq = http.request({ host, port, method: headers[":method"], path: headers[":path"], headers: { ...kept, host: behind, "content-length": body.length } }, (rs) => {
    const chunks = [];
    rs.on("data", (c) => chunks.push(c));
    rs.on("end", () => {
      if (stream.destroyed) return;
      stream.respond({ ":status": rs.statusCode, "content-type": rs.headers["content-type"] ?? "text/plain" });
      stream.end(Buffer.concat(chunks));
    });
  });
  rq.on("error", () => stream.destroy());
  rq.end(body);
}

const server = createSecureServer({ key: readFileSync(key), cert: readFileSync(certificate), settings: { maxConcurrentStreams: 100 } });
server.on("session", () => stats.connections++);
server.on("stream", (stream, headers) => {
  stats.streams++;
  stats.most = Math.max(stats.most, ++open);
  const chunks = [];
  stream.on("error", () => {});
  stream.on("close", () => open--);
  stream.on("data", (c) => chunks.push(c));
  stream.on("end", () => setTimeout(() => carry(stream, headers, Buffer.concat(chunks)), +delay));
});
const control = http.createServer((rq, rs) => rs.end(JSON.stringify(stats)));
server.listen(0, "127.0.0.1", () =>
  control.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ port: server.address().port, control: control.address().port }))));
