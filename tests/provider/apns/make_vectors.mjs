// Makes the [request] section of every case in this folder with a client of APNs that is not ours (@parse/node-apn),
// which speaks HTTP/2 to a server that this script sets up for itself:
//
//   cd sdk && npm ci && cd .. && node make_vectors.mjs [--check]
//
// The provider token is the case's, not the client's: ES256 signatures are random. Headers are put in our order, which
// HTTP/2 does not care for. --check writes nothing and fails when something would change.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createSecureServer } from "node:http2";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(join(here, "sdk", "package.json"));
const apn = require("@parse/node-apn");

const folder = mkdtempSync(join(tmpdir(), "apns-"));
const [certificate, key] = ["cert.pem", "key.pem"].map((n) => join(folder, n));
execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
  "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate], { stdio: "ignore" });

let recorded;
const server = createSecureServer({ key: readFileSync(key), cert: readFileSync(certificate) });
server.on("stream", (stream, headers) => {
  const chunks = [];
  stream.on("data", (c) => chunks.push(c));
  stream.on("end", () => {
    recorded({ headers, body: Buffer.concat(chunks).toString() });
    stream.respond({ ":status": 200, "apns-id": headers["apns-id"] });
    stream.end();
  });
});
await new Promise((resolve) => server.listen(0, "localhost", resolve));
const provider = new apn.Provider({
  token: { key: join(here, "key.p8"), keyId: "ABC123DEFG", teamId: "DEF123GHIJ" },
  address: "localhost",
  port: server.address().port,
  ca: readFileSync(certificate),
});

function section(text, name) {
  const start = text.search(new RegExp(`^\\[${name}\\]\n`, "m"));
  if (start < 0) return null;
  const body = text.slice(start + name.length + 3);
  const end = body.search(/^\[[a-z0-9]+\]\n/m);
  return (end < 0 ? body : body.slice(0, end)).replace(/\n+$/, "");
}

function pairs(text) {
  const out = {};
  for (const line of (text ?? "").split("\n")) {
    const found = line.match(/^([a-z_]+): ?(.*)$/);
    if (found) out[found[1]] = found[2].replace(/\\(n|t|\\)/g, (_, c) => ({ n: "\n", t: "\t" })[c] ?? c);
  }
  return out;
}

function uuid(token) {
  const { createHash } = require("node:crypto");
  const b = createHash("sha256").update(token).digest().subarray(0, 16);
  b[6] = (b[6] & 0x0f) | 0x40;
  b[8] = (b[8] & 0x3f) | 0x80;
  return b.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

const order = ["authorization", "apns-topic", "apns-push-type", "apns-expiration", "apns-priority", "apns-id", "apns-collapse-id", "content-type"];

async function record(lane, a, now) {
  const n = new apn.Notification();
  if ((lane.sound ?? "default") !== "none") n.sound = lane.sound ?? "default";
  if (a.title) n.title = a.title;
  n.body = a.body;
  if (!a.title) n.alert = { body: a.body };
  n.topic = lane.topic;
  n.pushType = "alert";
  n.priority = a.priority === "marketing" ? 5 : 10;
  n.expiry = Math.floor(now / 1000) + Math.floor((Date.parse(a.expires_at) - now) / 1000);
  n.id = uuid(a.token);
  n.collapseId = a.collapse ?? "m0000000000000001";
  if (a.data) n.payload = JSON.parse(a.data);
  const seen = new Promise((resolve) => (recorded = resolve));
  const device = a.to.slice(5);
  const sent = await provider.send(n, device);
  if (sent.failed.length) throw new Error(JSON.stringify(sent.failed));
  const { headers, body } = await seen;
  const base = lane.base_url ?? (lane.environment === "sandbox" ? "https://api.sandbox.push.apple.com" : "https://api.push.apple.com");
  const said = { ...headers, authorization: `bearer ${a.grant}`, "content-type": "application/json" };
  for (const name of Object.keys(headers).filter((k) => !k.startsWith(":") && !order.includes(k) && k !== "content-length"))
    throw new Error(`the client also sends ${name}`);
  if (headers[":method"] !== "POST") throw new Error(headers[":method"]);
  return [`POST ${base}${headers[":path"]}`, ...order.map((k) => `${k}: ${said[k]}`), "", body].join("\n");
}

let changed = 0;
let read = 0;
for (const name of readdirSync(here).filter((f) => f.endsWith(".case")).sort()) {
  const path = join(here, name);
  const before = readFileSync(path, "utf8");
  const old = section(before, "request");
  const about = pairs(section(before, "case"));
  if (old === null || about.call !== "send") continue;
  read++;
  const request = await record(pairs(section(before, "lane")), pairs(section(before, "attempt")), Date.parse(about.now));
  if (request === old) continue;
  changed++;
  if (process.argv.includes("--check")) console.log(`${name}: the request differs from the client's`);
  else {
    const start = before.search(/^\[request\]\n/m) + "[request]\n".length;
    const rest = before.slice(start);
    const end = rest.search(/^\[[a-z0-9]+\]\n/m);
    writeFileSync(path, before.slice(0, start) + request + "\n" + (end < 0 ? "" : "\n" + rest.slice(end)));
  }
}
rmSync(folder, { recursive: true });
console.log(`${read} requests, ${changed} ${process.argv.includes("--check") ? "differ" : "written"}`);
process.exit(process.argv.includes("--check") && changed ? 1 : 0);
