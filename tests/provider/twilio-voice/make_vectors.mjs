// Makes the [request] of every case in this folder, and the signature of every [hook], with the vendor's own SDK (its exact
// version is in ../twilio/sdk/package-lock.json): calls.create and calls.list with an HTTP client that only records, TwiML by
// its VoiceResponse.
//
//   node make_vectors.mjs [--check]
//
// What is said stands in [case]: `say: LANGUAGE [VOICE]`, `spoken: the text`, `times: N`. --check writes nothing and fails when
// something would change. `signature: keep` in [case]: it is wrong on purpose.
import { createRequire } from "node:module";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(join(here, "..", "twilio", "sdk", "package.json"));
const twilio = require("twilio");
const { getExpectedTwilioSignature } = require("twilio/lib/webhooks/webhooks");

const sections = (text) => Object.fromEntries(text.split(/^\[(?=[a-z]+\]\n)/m).slice(1).map((s) => {
  const end = s.indexOf("]");
  return [s.slice(0, end), s.slice(end + 2).replace(/\n+$/, "")];
}));
const pairs = (text = "") => Object.fromEntries(text.split("\n").filter((l) => l.includes(": ")).map((l) => {
  const at = l.indexOf(": ");
  const value = l.slice(at + 2).replace(/\\(x[0-9a-fA-F]{2}|.)/g, (_, c) =>
    c.length > 1 ? String.fromCharCode(parseInt(c.slice(1), 16)) : c === "n" ? "\n" : c === "t" ? "\t" : c);
  return [l.slice(0, at), value];
}));

class Recorder {
  async request(o) {
    this.seen = o;
    throw new Error("recorded");
  }
}

// The form as the SDK's own HTTP client writes it.
function form(data) {
  const out = new URLSearchParams();
  for (const [k, v] of Object.entries(data)) for (const one of [].concat(v)) out.append(k, one);
  return out.toString().replace(/\*/g, "%2A").replace(/%7E/g, "~");
}

function twiml(about) {
  const r = new twilio.twiml.VoiceResponse();
  const [language, voice] = about.say.split(" ");
  r.pause({ length: 1 });
  for (let i = 0; i < Number(about.times ?? 3); i++) {
    r.say(voice ? { language, voice } : { language }, about.spoken);
    r.pause({ length: 1 });
  }
  return r.toString();
}

async function request(about, lane, attempt) {
  const recorder = new Recorder();
  const options = { httpClient: recorder, accountSid: lane.account_sid };
  const client = lane.api_key ? twilio(lane.api_key, lane.api_secret, options) : twilio(lane.account_sid, lane.auth_token, options);
  const from = attempt.from ?? lane.from;
  const machine = { hear: "Enable", leave: "DetectMessageEnd" }[lane.machine_detection];
  const call = { to: attempt.to, from, timeout: Number(lane.ring_s ?? 40) };
  if (attempt.status_url) call.statusCallback = attempt.status_url;
  if (machine) call.machineDetection = machine;
  try {
    if (about.call === "send") {
      if (attempt.code) call.url = attempt.code;
      else call.twiml = twiml(about);
      await client.calls.create(call);
    } else if (about.call === "lookup") {
      await client.calls.page({ to: attempt.to, from, pageSize: 50 });
    } else {
      await client.api.v2010.accounts(lane.account_sid).fetch();
    }
  } catch (e) {
    if (e.message !== "recorded") throw e;
  }
  const o = recorder.seen;
  const query = o.params && Object.keys(o.params).length ? "?" + form(o.params) : "";
  const lines = [`${o.method.toUpperCase()} ${o.uri}${query}`,
    "Authorization: Basic " + Buffer.from(`${o.username}:${o.password}`).toString("base64"),
    "Accept: " + o.headers.Accept];
  if (o.data) lines.push("Content-Type: " + o.headers["Content-Type"], "", form(o.data));
  return lines.join("\n");
}

function sign(text, about, lane, hook) {
  if (about.signature === "keep") return text;
  const [head, body = ""] = hook.split(/\n\n([^]*)/);
  const url = head.split("\n")[0].split(" ")[1];
  const params = Object.fromEntries(new URLSearchParams(body));
  return text.replace(/^X-Twilio-Signature:.*$/m, () => "X-Twilio-Signature: " + getExpectedTwilioSignature(lane.auth_token, url, params));
}

const check = process.argv.includes("--check");
let wrong = 0, seen = 0;
for (const name of readdirSync(here).filter((f) => f.endsWith(".case")).sort()) {
  const path = join(here, name);
  const text = readFileSync(path, "utf8");
  const s = sections(text);
  const about = pairs(s.case), lane = pairs(s.lane), attempt = pairs(s.attempt);
  let now = text;
  if (s.hook) {
    now = sign(text, about, lane, s.hook);
  } else if (s.request !== undefined) {
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
