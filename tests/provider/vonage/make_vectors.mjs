// Makes the [request] of every case in this folder with Vonage's own SDK (@vonage/sms, @vonage/accounts), which sends to a server that
// this script sets up for itself, and the `sig` of each [hook], which its verifySignature then has to take:
//
//   cd sdk && npm ci && cd .. && node make_vectors.mjs [--check]
//
// Headers that say who the SDK is are left out. --check writes nothing and fails when something would change.
// `signature: keep` in [case]: it is wrong on purpose.
import { createHash, createHmac } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(join(here, "sdk", "package.json"));
const { SMS } = require("@vonage/sms");
const { Accounts } = require("@vonage/accounts");
const { Auth, AlgorithmTypes } = require("@vonage/auth");

const sections = (text) => Object.fromEntries(text.split(/^\[(?=[a-z]+\]\n)/m).slice(1).map((s) => {
  const end = s.indexOf("]");
  return [s.slice(0, end), s.slice(end + 2).replace(/\n+$/, "")];
}));
const pairs = (text = "") => Object.fromEntries(text.split("\n").filter((l) => l.includes(": ")).map((l) => {
  const at = l.indexOf(": ");
  return [l.slice(0, at), l.slice(at + 2).replace(/\\(n|t|\\)/g, (_, c) => ({ n: "\n", t: "\t" })[c] ?? c)];
}));

let recorded;
const server = http.createServer((rq, rs) => {
  const chunks = [];
  rq.on("data", (c) => chunks.push(c));
  rq.on("end", () => {
    recorded = { rq, body: Buffer.concat(chunks).toString() };
    rs.setHeader("Content-Type", "application/json");
    rs.end('{"message-count":"1","messages":[{"status":"0","message-id":"1"}],"value":1}');
  });
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const restHost = `http://127.0.0.1:${server.address().port}`;

// What a gateway says by the SDK.
function message(lane, a, now) {
  const plain = (v) => v.replace(/^\+/, "");
  const ascii = /^[\x20-\x7e\n]*$/.test(a.body);
  const callback = a.status_url && a.status_url + (lane.callback_token && !lane.signature_secret ? `&k=${lane.callback_token}` : "");
  const ttl = a.expires_at && Math.min(Math.max(Math.floor((Date.parse(a.expires_at) - now) / 1000), 20), 604800) * 1000;
  return {
    to: plain(a.to), from: plain(a.from ?? lane.from), text: a.body, ...(ascii ? {} : { type: "unicode" }),
    ...(a.token ? { clientRef: a.token } : {}), ...(callback ? { callback } : {}), ...(ttl ? { ttl } : {}),
  };
}

async function request(about, lane, attempt) {
  const auth = new Auth({ apiKey: lane.api_key, apiSecret: lane.api_secret });
  if (about.call === "send") await new SMS(auth, { restHost }).send(message(lane, attempt, Date.parse(about.now)));
  else await new Accounts(auth, { restHost }).getBalance();
  const { rq, body } = recorded;
  const kept = [["content-type", "Content-Type"], ["authorization", "Authorization"]].filter(([k]) => rq.headers[k]);
  const lines = [`${rq.method} ${lane.base_url ?? "https://rest.nexmo.com"}${rq.url}`, ...kept.map(([k, name]) => `${name}: ${rq.headers[k]}`)];
  return lines.join("\n") + (body ? "\n\n" + body : "");
}

// The parameters as they were posted, `sig` among them.
function posted(hook) {
  const [head, body = ""] = hook.split(/\n\n([^]*)/);
  const url = new URL(head.split("\n")[0].split(" ")[1]);
  const params = head.startsWith("GET ") ? Object.fromEntries(url.searchParams)
    : /^Content-Type: .*json/m.test(head) ? JSON.parse(body) : Object.fromEntries(new URLSearchParams(body));
  if (head.startsWith("GET ")) for (const own of ["t", "k"]) delete params[own];
  return params;
}

function sign(text, about, lane, hook) {
  if (about.signature === "keep" || !lane.signature_secret) return text;
  const params = posted(hook);
  if (!params.sig) return text;
  const method = lane.signature_method ?? "sha256";
  const all = Object.keys(params).filter((k) => k !== "sig").sort().map((k) => `&${k}=${params[k].replace(/[&=]/g, "_")}`).join("");
  const sig = method === "md5hash" ? createHash("md5").update(all + lane.signature_secret).digest("hex")
    : createHmac(method, lane.signature_secret).update(all).digest("hex");
  const names = { md5hash: "md5hash", md5: "md5hmac", sha1: "sha1hmac", sha256: "sha256hmac", sha512: "sha512hmac" };
  const ok = new SMS(new Auth({ apiKey: "x", apiSecret: "x" })).verifySignature(sig, params, lane.signature_secret, AlgorithmTypes[names[method]]);
  if (!ok) throw new Error("the SDK does not take " + sig);
  return text.replace(params.sig, () => (about.signature === "upper" ? sig.toUpperCase() : sig));
}

const check = process.argv.includes("--check");
let wrong = 0, seen = 0;
for (const name of readdirSync(here).filter((f) => f.endsWith(".case")).sort()) {
  const path = join(here, name);
  const text = readFileSync(path, "utf8");
  const s = sections(text);
  const about = pairs(s.case), lane = pairs(s.lane), attempt = pairs(s.attempt);
  let now = text;
  if (s.hook) now = sign(text, about, lane, s.hook);
  else if (s.request !== undefined) {
    const made = await request(about, lane, attempt);
    now = text.replace(`[request]\n${s.request}`, () => `[request]\n${made}`);
  }
  seen++;
  if (now === text) continue;
  wrong++;
  if (check) console.error(`${name}: not what the SDK makes:\n${now}`);
  else writeFileSync(path, now);
}
console.log(`${seen} cases, ${wrong} ${check ? "differ" : "written"}`);
process.exit(check && (wrong || seen < 10) ? 1 : 0);
