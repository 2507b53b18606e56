// Makes the [request] section of every case in this folder with the vendor's own SDK:
//
//   cd sdk && npm ci && cd .. && node make_vectors.mjs [--check]
//
// The SDK builds, signs and hands its request to a recorder that stands where its HTTP client would be, at the
// case's `now`. Three headers of the SDK (Host, X-TC-RequestClient, X-TC-TraceId) say where and who, not what;
// they are left out. --check writes nothing and fails when something would change.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(join(here, "sdk", "package.json"));
const fetching = require("tencentcloud-sdk-nodejs-common/tencentcloud/common/http/fetch");
const { sms } = require("tencentcloud-sdk-nodejs-sms");

let recorded = null;
fetching.default = async (url, config) => {
  recorded = { url, config };
  throw new Error("recorded");
};

const RealDate = Date;
function setClock(now) {
  globalThis.Date = class extends RealDate {
    constructor(...args) {
      if (args.length) super(...args);
      else super(now);
    }
    static now() {
      return RealDate.parse(now);
    }
  };
}

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

function sendRequest(lane, attempts) {
  const a = attempts[0];
  const mainland = a.to.startsWith("+86");
  const template = a.code ?? (mainland ? lane.template_id : lane.template_id_abroad);
  let params = a.code ? [] : [a.body];
  if (a.params) {
    const given = JSON.parse(a.params);
    params = Array.isArray(given) ? given : Object.keys(given).sort((x, y) => x - y).map((k) => given[k]);
  }
  const tokens = attempts.map((x) => x.token).filter(Boolean);
  return {
    PhoneNumberSet: attempts.map((x) => x.to),
    SmsSdkAppId: lane.sdk_app_id,
    TemplateId: template,
    SignName: mainland ? (a.sign ?? lane.sign_name) : undefined,
    TemplateParamSet: params,
    SenderId: mainland ? undefined : (a.from ?? lane.from),
    SessionContext: tokens.length ? context(tokens) : undefined,
  };
}

function hour(at) {
  return new RealDate(at + 8 * 3600e3).toISOString().replace(/[-T]/g, "").slice(0, 10);
}

async function record(text) {
  const about = pairs(section(text, "case"));
  const lane = pairs(section(text, "lane"));
  const attempts = [pairs(section(text, "attempt"))];
  for (let i = 2; section(text, `attempt${i}`) !== null; i++) {
    const next = pairs(section(text, `attempt${i}`));
    if (about.apart !== String(i)) attempts.push(next);
  }
  const base = new URL(lane.base_url ?? "https://sms.tencentcloudapi.com");
  const now = RealDate.parse(about.now);
  const client = new sms.v20210111.Client({
    credential: { secretId: lane.secret_id, secretKey: lane.secret_key, token: lane.session_token },
    region: lane.region ?? "ap-guangzhou",
    profile: { language: undefined, httpProfile: { endpoint: base.host, protocol: `${base.protocol}//` } },
  });
  recorded = null;
  setClock(about.now);
  try {
    if (about.call === "send") await client.SendSms(JSON.parse(JSON.stringify(sendRequest(lane, attempts))));
    else if (about.call === "lookup")
      await client.PullSmsSendStatusByPhoneNumber({
        BeginTime: Math.floor(RealDate.parse(attempts[0].started_at) / 1000) - 60,
        Offset: 0,
        Limit: 100,
        PhoneNumber: attempts[0].to,
        SmsSdkAppId: lane.sdk_app_id,
      });
    else if (about.call === "pull_replies") await client.PullSmsReplyStatus({ Limit: 100, SmsSdkAppId: lane.sdk_app_id });
    else if (about.call === "pull_receipts") await client.PullSmsSendStatus({ Limit: 100, SmsSdkAppId: lane.sdk_app_id });
    else
      await client.SendStatusStatistics({
        BeginTime: hour(now - 3600e3),
        EndTime: hour(now),
        SmsSdkAppId: lane.sdk_app_id,
        Limit: 0,
        Offset: 0,
      });
  } catch (e) {
    if (!recorded) throw e;
  } finally {
    globalThis.Date = RealDate;
  }
  const { url, config } = recorded;
  const headers = Object.entries(config.headers).filter(([k]) => !["Host", "X-TC-RequestClient", "X-TC-TraceId"].includes(k));
  return [`${config.method} ${url}`, ...headers.map(([k, v]) => `${k}: ${v}`), "", config.body].join("\n");
}

let changed = 0;
let read = 0;
for (const name of readdirSync(here).filter((f) => f.endsWith(".case")).sort()) {
  const path = join(here, name);
  const before = readFileSync(path, "utf8");
  const old = section(before, "request");
  if (old === null) continue;
  read++;
  const request = await record(before);
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
