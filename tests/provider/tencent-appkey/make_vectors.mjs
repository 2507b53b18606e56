// Makes the [request] section of every case in this folder with the vendor's own SDK (qcloudsms_js):
//
//   cd sdk && npm ci && cd .. && node make_vectors.mjs [--check]
//
// The SDK's random number and clock are the case's `nonce` and `now`; its request is taken where it would be
// sent. One call of the SDK misspells its content type; all are written as application/json. --check writes
// nothing and fails when something would change.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(join(here, "sdk", "package.json"));
const util = require("qcloudsms_js/lib/util");
const qcloudsms = require("qcloudsms_js");
let recorded;
util.request = (options) => (recorded = options);

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

// What of several tokens Tencent shall give back: see src/provider/tencent_context.c.
function context(tokens) {
  if (tokens.length === 1) return tokens[0];
  const filter = Buffer.alloc(381);
  for (const token of tokens) {
    const hash = createHash("sha256").update(token).digest();
    for (let i = 0; i < 10; i++) {
      const bit = hash.readUInt16BE(2 * i) % (381 * 8);
      filter[bit >> 3] |= 1 << (bit & 7);
    }
  }
  return filter.toString("base64");
}

function record(text) {
  const about = pairs(section(text, "case"));
  const lane = pairs(section(text, "lane"));
  const attempts = [pairs(section(text, "attempt"))];
  for (let i = 2; section(text, `attempt${i}`) !== null; i++) attempts.push(pairs(section(text, `attempt${i}`)));
  util.getRandom = () => Number(about.nonce) % 100000;
  util.getCurrentTime = () => Math.floor(Date.parse(about.now) / 1000);
  const a = attempts[0];
  const nation = a.to.startsWith("+86") ? "86" : about.nation;
  const mobiles = attempts.map((x) => x.to.slice(1 + nation.length));
  const template = a.code ?? lane.template_id;
  const sign = nation === "86" ? (a.sign ?? lane.sign_name ?? "") : "";
  const ext = context(attempts.map((x) => x.token));
  const sdk = qcloudsms(lane.sdk_app_id, lane.app_key);
  const many = attempts.length > 1;
  const sender = many ? sdk.SmsMultiSender() : sdk.SmsSingleSender();
  const to = many ? mobiles : mobiles[0];
  if (template) sender.sendWithParam(nation, to, template, a.code ? JSON.parse(a.params ?? "[]") : [a.body], sign, "", ext);
  else sender.send(lane.type ?? 0, nation, to, (sign ? `【${sign}】` : "") + a.body, "", ext);
  const url = `https://${recorded.host}${recorded.path}`;
  return `${recorded.method} ${url}\nContent-Type: application/json\n\n${JSON.stringify(recorded.body)}`;
}

let changed = 0;
let read = 0;
for (const name of readdirSync(here).filter((f) => f.endsWith(".case")).sort()) {
  const path = join(here, name);
  const before = readFileSync(path, "utf8");
  const old = section(before, "request");
  if (old === null) continue;
  read++;
  const request = record(before);
  if (request === old) continue;
  changed++;
  if (process.argv.includes("--check")) console.log(`${name}: the request differs from the SDK's`);
  else {
    const start = before.search(/^\[request\]\n/m) + "[request]\n".length;
    const rest = before.slice(start);
    const end = rest.search(/^\[[a-z0-9]+\]\n/m);
    writeFileSync(path, before.slice(0, start) + request + "\n" + (end < 0 ? "" : "\n" + rest.slice(end)));
  }
}
console.log(`${read} requests, ${changed} ${process.argv.includes("--check") ? "differ" : "written"}`);
process.exitCode = process.argv.includes("--check") && changed ? 1 : 0;
