// Makes the [request] section of every case in this folder with Google's own SDK (firebase-admin, and the library
// it has its tokens by):
//
//   cd sdk && npm ci && cd .. && node make_vectors.mjs [--check]
//
// The SDK builds, signs and hands its request to a recorder that stands where its HTTP client would be, at the
// case's `now`. Headers that say who the SDK is are left out. Google's library signs with the header
// {"alg":"RS256","typ":"JWT","kid":...} when it is given the key's id. --check writes nothing and fails when
// something would change.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { EventEmitter } from "node:events";
import https from "node:https";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(join(here, "sdk", "package.json"));
const { initializeApp, deleteApp } = require("firebase-admin/app");
const { getMessaging } = require("firebase-admin/messaging");
const jsonwebtoken = require("jsonwebtoken");

let recorded = null;
https.request = (options) => {
  const stand = new EventEmitter();
  const chunks = [];
  stand.write = (c) => chunks.push(Buffer.from(c));
  stand.end = (c) => {
    if (c) chunks.push(Buffer.from(c));
    recorded({ options, body: Buffer.concat(chunks).toString() });
  };
  stand.setTimeout = stand.setHeader = stand.setNoDelay = stand.destroy = () => stand;
  return stand;
};

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

// What a gateway says by the SDK: the tag of a message is its number, so that one that comes twice shows once.
function message(lane, a, now) {
  const ttl = Math.floor((Date.parse(a.expires_at) - now) / 1000);
  const tag = a.collapse ?? "m0000000000000001";
  const urgent = a.priority !== "marketing";
  const sound = lane.sound ?? "default";
  const android = {
    priority: (lane.android_priority ?? "auto") === "auto" ? (urgent ? "high" : "normal") : lane.android_priority,
    ttl: ttl * 1000,
    notification: { tag, ...(lane.android_channel ? { channelId: lane.android_channel } : {}) },
    ...(a.collapse ? { collapseKey: a.collapse } : {}),
  };
  const headers = {
    "apns-priority": urgent ? "10" : "5",
    "apns-expiration": String(Math.floor(now / 1000) + ttl),
    "apns-collapse-id": tag,
  };
  return {
    token: a.to.slice(4),
    notification: { ...(a.title ? { title: a.title } : {}), body: a.body },
    ...(a.data ? { data: JSON.parse(a.data) } : {}),
    android,
    apns: { headers, ...(sound === "none" ? {} : { payload: { aps: { sound } } }) },
  };
}

async function recordSend(lane, account, a, now) {
  const app = initializeApp(
    {
      credential: { getAccessToken: async () => ({ access_token: a.grant, expires_in: 3600 }) },
      projectId: lane.project_id ?? account.project_id,
    },
    `case${Math.random()}`,
  );
  const seen = new Promise((resolve) => (recorded = resolve));
  getMessaging(app)
    .send(message(lane, a, now), lane.validate_only === "yes")
    .catch(() => {});
  const { options, body } = await seen;
  await deleteApp(app);
  // The SDK has one address of its own.
  const base = lane.base_url ?? `https://${options.hostname ?? options.host}`;
  const kept = ["Authorization", "content-type"].map((k) => [k === "content-type" ? "Content-Type" : k, options.headers[k]]);
  return [`${options.method} ${base}${options.path}`, ...kept.map(([k, v]) => `${k}: ${v}`), "", body].join("\n");
}

function recordGrant(lane, account, now) {
  const url = lane.token_url ?? account.token_uri;
  const at = Math.floor(now / 1000);
  const claims = {
    iss: account.client_email,
    scope: "https://www.googleapis.com/auth/firebase.messaging",
    aud: url,
    exp: at + 3600,
    iat: at,
  };
  const assertion = jsonwebtoken.sign(claims, account.private_key, { algorithm: "RS256", keyid: account.private_key_id });
  const form = new URLSearchParams({ grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion });
  return [`POST ${url}`, "Content-Type: application/x-www-form-urlencoded", "", form.toString()].join("\n");
}

let changed = 0;
let read = 0;
for (const name of readdirSync(here).filter((f) => f.endsWith(".case")).sort()) {
  const path = join(here, name);
  const before = readFileSync(path, "utf8");
  const old = section(before, "request");
  if (old === null) continue;
  read++;
  const about = pairs(section(before, "case"));
  const lane = pairs(section(before, "lane"));
  const account = JSON.parse(readFileSync(join(here, lane.service_account_file)));
  const now = Date.parse(about.now);
  const request =
    about.call === "probe" ? old : about.call === "send" ? await recordSend(lane, account, pairs(section(before, "attempt")), now) : recordGrant(lane, account, now);
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
process.exit(process.argv.includes("--check") && changed ? 1 : 0);
