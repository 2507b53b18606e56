// A stand-in for Apple's push service: HTTP/2 over TLS, provider tokens verified with the public key it is given, devices whose
// fate stands in their first digits. Beside it, in the clear, what it saw: GET /stats, POST /expire.
//   node apns_server.mjs CERTIFICATE KEY PUBLIC_KEY KEY_ID TEAM_ID TOPIC DELAY_MS     prints {"port", "control"} in a line
import { createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createSecureServer } from "node:http2";

const [certificate, key, publicKey, keyId, teamId, topic, delay] = process.argv.slice(2);
const signer = createPublicKey(readFileSync(publicKey));
const stats = { connections: 0, most: 0, tokens: [], taken: [], wrong: [], expired: 0 };
const expired = new Set();
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

function tokenIsGood(token) {
  const [head, body, signature] = token.split(".");
  const header = JSON.parse(Buffer.from(head, "base64url"));
  const claims = JSON.parse(Buffer.from(body, "base64url"));
  return header.alg === "ES256" && header.kid === keyId && claims.iss === teamId && Number.isInteger(claims.iat) &&
    verify("sha256", Buffer.from(`${head}.${body}`), { key: signer, dsaEncoding: "ieee-p1363" }, Buffer.from(signature, "base64url"));
}

function verdict(headers, payload) {
  const token = (headers.authorization ?? "").replace(/^bearer /, "");
  const device = headers[":path"].slice("/3/device/".length);
  if (!tokenIsGood(token)) return [403, { reason: "InvalidProviderToken" }];
  if (expired.has(token)) return [403, { reason: "ExpiredProviderToken" }];
  if (headers["apns-topic"] !== topic) return [400, { reason: "TopicDisallowed" }];
  if (!/^[0-9a-f]{64}$/.test(device) || /^0+$/.test(device)) return [400, { reason: "BadDeviceToken" }];
  if (device.startsWith("dead")) return [410, { reason: "Unregistered", timestamp: Date.now() }];
  if (device.startsWith("5555")) return [500, { reason: "InternalServerError" }];
  if (headers["apns-push-type"] !== "alert" || !UUID.test(headers["apns-id"] ?? "") || !(+headers["apns-expiration"] > 0)) stats.wrong.push(headers);
  stats.taken.push({ device, id: headers["apns-id"], collapse: headers["apns-collapse-id"], priority: headers["apns-priority"], payload: JSON.parse(payload) });
  return [200, null];
}

const server = createSecureServer({ key: readFileSync(key), cert: readFileSync(certificate), settings: { maxConcurrentStreams: 100 } });
let open = 0;
server.on("session", () => stats.connections++);
server.on("stream", (stream, headers) => {
  stats.most = Math.max(stats.most, ++open);
  const token = (headers.authorization ?? "").replace(/^bearer /, "");
  if (!stats.tokens.includes(token)) stats.tokens.push(token);
  const chunks = [];
  stream.on("error", () => {});
  stream.on("close", () => open--);
  stream.on("data", (c) => chunks.push(c));
  stream.on("end", () =>
    setTimeout(() => {
      if (stream.destroyed) return;
      const [status, body] = verdict(headers, Buffer.concat(chunks).toString());
      stream.respond({ ":status": status, "apns-id": headers["apns-id"] ?? "none" });
      stream.end(body ? JSON.stringify(body) : undefined);
    }, +delay));
});
const control = createServer((rq, rs) => {
  if (rq.url === "/expire") stats.tokens.forEach((t) => expired.add(t));
  rs.end(JSON.stringify(stats));
});
server.listen(0, "127.0.0.1", () =>
  control.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ port: server.address().port, control: control.address().port }))));
