// Makes the [request] of every case in this folder that has an [sdk] section, with the vendor's own SDKs:
//
//   cd sdk && npm ci && cd .. && node make_vectors.mjs [--check]
//
// [sdk] says what is called: `action`, and the parameters by name. The SDK writes and signs the request; in place of the
// network there is a recorder, in place of clock and dice the case's `now` and `nonce` (the 16 digits of nonce and
// those of now make the SignatureNonce). --check writes nothing and fails when something would change.
import { createRequire } from "node:module";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(join(here, "sdk", "package.json"));
const china = require("@alicloud/dysmsapi20170525");
const globe = require("@alicloud/dysmsapi20180501");
const { default: OpenApiUtil, Config } = require("@alicloud/openapi-core/dist/utils");
const core = require("@darabonba/typescript/dist/core");
const httpx = require("httpx");
const RPCClient = require("@alicloud/pop-core");

class Recorded extends Error {
  constructor(request) {
    super("recorded");
    this.request = request;
  }
}
core.doAction = async (request) => { throw new Recorded(request); };
httpx.request = async (url, options) => { throw new Recorded({ url, options }); };

async function recorded(call) {
  try {
    await call();
  } catch (e) {
    const found = e instanceof Recorded ? e : e.cause ?? e.data ?? e;
    if (found.request) return found.request;
    throw e;
  }
  throw new Error("nothing was requested");
}

function section(text, name) {
  const start = text.search(new RegExp(`^\\[${name}\\]\n`, "m"));
  if (start < 0) return null;
  const body = text.slice(start + name.length + 3);
  const end = body.search(/^\[[a-z0-9]+\]\n/m);
  return (end < 0 ? body : body.slice(0, end)).replace(/\n+$/, "");
}

function pairs(text) {
  return Object.fromEntries((text ?? "").split("\n").filter(Boolean).map((line) => {
    const at = line.indexOf(":");
    return [line.slice(0, at), line.slice(at + 1).replace(/^ /, "").replace(/\\n/g, "\n").replace(/\\\\/g, "\\")];
  }));
}

const hex16 = (x) => BigInt(x).toString(16).padStart(16, "0");
const encode = (v) => encodeURIComponent(v).replace(/[!'()*]/g, (c) => "%" + c.charCodeAt(0).toString(16).toUpperCase());
const query = (o) => Object.keys(o).sort().map((k) => `${k}=${encode(o[k])}`).join("&");

async function bytes(body) {
  if (!body) return "";
  const parts = [];
  for await (const part of body) parts.push(Buffer.from(part));
  return Buffer.concat(parts).toString();
}

async function v3(lane, action, params, base, date, nonce) {
  const api = action === "SendMessageToGlobe" ? globe : china;
  OpenApiUtil.getTimestamp = () => date;
  OpenApiUtil.getNonce = () => nonce;
  const key = { accessKeyId: lane.access_key_id, accessKeySecret: lane.access_key_secret };
  if (lane.security_token) key.securityToken = lane.security_token;
  const client = new api.default(new Config({ ...key, endpoint: base.replace(/^https?:\/\//, "") }));
  // The SDK's note of where the key came from (x-acs-credentials-provider) is optional, and the gateway sends none.
  client._credential = { getCredential: async () => ({ type: "access_key", ...key }) };
  const fields = Object.fromEntries(Object.entries(params).map(([k, v]) => [k[0].toLowerCase() + k.slice(1), v]));
  const rq = await recorded(() => client[action[0].toLowerCase() + action.slice(1)](new api[action + "Request"](fields)));
  const h = rq.headers;
  const order = [["Host", "host"], ["x-acs-version"], ["x-acs-action"], ["x-acs-date"], ["x-acs-signature-nonce"], ["Accept", "accept"],
    ["Content-Type", "content-type"], ["x-acs-content-sha256"], ["x-acs-accesskey-id"], ["x-acs-security-token"], ["Authorization"]];
  const known = new Set([...order.map(([ours, theirs]) => theirs ?? ours), "user-agent"]);
  for (const name of Object.keys(h)) if (!known.has(name)) throw new Error(`the SDK sends ${name}`);
  const lines = order.filter(([ours, theirs]) => h[theirs ?? ours]).map(([ours, theirs]) => `${ours}: ${h[theirs ?? ours]}`);
  const body = await bytes(rq.body);
  return [`${rq.method} ${base}/?${query(rq.query)}`, ...lines].join("\n") + (body ? `\n\n${body}` : "");
}

async function v1(lane, action, params, base, date, nonce) {
  const client = new RPCClient({ accessKeyId: lane.access_key_id, accessKeySecret: lane.access_key_secret,
    securityToken: lane.security_token, endpoint: base,
    apiVersion: action === "SendMessageToGlobe" ? "2018-05-01" : "2017-05-25" });
  const { url, options } = await recorded(() => client.request(action, { ...params, Timestamp: date, SignatureNonce: nonce },
    { method: "POST" }));
  return `POST ${url}\nContent-Type: ${options.headers["content-type"]}\n\n${options.data}`;
}

async function remake(text) {
  const call = pairs(section(text, "sdk"));
  if (!call.action) return text;
  const about = pairs(section(text, "case"));
  const lane = pairs(section(text, "lane"));
  const { action, ...params } = call;
  const base = action === "SendMessageToGlobe" ? lane.global_url : lane.base_url || "https://dysmsapi.aliyuncs.com";
  const at = Date.parse(about.now);
  const date = new Date(at).toISOString().slice(0, 19) + "Z";
  const nonce = hex16(about.nonce ?? 1) + hex16(BigInt(at) * 1000n);
  const request = await (lane.signature === "v1" ? v1 : v3)(lane, action, params, base, date, nonce);
  const start = text.search(/^\[request\]\n/m);
  if (start < 0) throw new Error("a case with [sdk] needs a [request]");
  const old = section(text, "request");
  return text.slice(0, start) + "[request]\n" + request + text.slice(start + 10 + old.length);
}

const check = process.argv.includes("--check");
const files = readdirSync(here).filter((f) => f.endsWith(".case"));
let changed = 0;
for (const name of files) {
  const path = join(here, name);
  const before = readFileSync(path, "utf8");
  const after = await remake(before);
  if (before === after) continue;
  changed++;
  if (check) console.log(`${path}: the request differs from the SDK's`);
  else writeFileSync(path, after);
}
console.log(`${files.length} files read, ${changed} ${check ? "differ" : "written"}`);
process.exitCode = check && changed ? 1 : 0;
