// Makes the [request] of every case in this folder, and the signature of every [hook], with the vendor's own SDK (its exact
// version is in ../twilio/sdk/package-lock.json): calls.create and calls.list with an HTTP client that only records, TwiML by
// its VoiceResponse.
//
//   node make_vectors.mjs [--check]
//
// What is said stands in [case]: `say: LANGUAGE [VOICE]`, `spoken: the text`, `times: N`, `keys: what is said of keys`. What travels
// sealed in the address that Twilio asks about a key is sealed here a second time, from src/provider/twilio_say.h; of a post about a
// key `sealed` holds it, and the reply is written by the SDK, too. --check writes nothing and fails when
// something would change. `signature: keep` in [case]: it is wrong on purpose.
import { createCipheriv, createHmac } from "node:crypto";
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

// base&say=..., AES-256-GCM with a key and nonce of HMAC-SHA256.
function action(token, base, presses, say, text) {
  const [language, voice = ""] = say.split(" ");
  const plain = Buffer.from([presses, language, voice, text].join("\n"));
  const key = createHmac("sha256", token).update("hongyan: what a call says").digest();
  const nonce = createHmac("sha256", key).update(plain).update("\n" + base).digest().subarray(0, 12);
  const gcm = createCipheriv("aes-256-gcm", key, nonce);
  const sealed = Buffer.concat([gcm.update(plain), gcm.final()]);
  return `${base}&say=` + Buffer.concat([nonce, gcm.getAuthTag(), sealed]).toString("base64url");
}

function twiml(about, url, times) {
  const r = new twilio.twiml.VoiceResponse();
  const [language, voice] = about.say.split(" ");
  const how = voice ? { language, voice } : { language };
  r.pause({ length: 1 });
  const to = url ? r.gather({ action: url, numDigits: 1, timeout: 5 }) : r;
  for (let i = 0; i < times; i++) {
    to.say(how, about.spoken);
    to.pause({ length: 1 });
    if (url && about.keys && i === 0) {
      to.say(how, about.keys);
      to.pause({ length: 1 });
    }
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
      else {
        const asks = attempt.status_url && (lane.repeat_on_key ?? "yes") === "yes" && about.keys !== "none";
        const url = asks && action(lane.auth_token, attempt.status_url, 9, about.say, attempt.body);
        call.twiml = twiml(about, url, Number(about.times ?? 3));
      }
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

// A post about a key: its address, and our answer.
function pressed(text, about, lane) {
  const [presses, language, voice, said] = about.sealed.split("\n");
  const say = voice ? `${language} ${voice}` : language;
  const base = text.match(/^POST (\S+?)&say=/m)[1];
  const next = Number(presses) > 0 && action(lane.auth_token, base, Number(presses) - 1, say, said);
  const reply = twiml({ ...about, say }, next, 1);
  return text.replace(/^POST \S+/m, () => "POST " + action(lane.auth_token, base, Number(presses), say, said))
    .replace(/(\[reply\]\ntext\/xml\n).*/, (_, head) => head + reply);
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
    if (about.sealed && about.spoken) now = pressed(text, about, lane);
    now = sign(now, about, lane, sections(now).hook);
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
