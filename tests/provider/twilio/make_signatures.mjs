// Makes the X-Twilio-Signature of every case in this folder that has a [hook], and the last column of
// tests/model/twilio_sign.tsv, with the vendor's own SDK:
//
//   cd sdk && npm ci && cd .. && node make_signatures.mjs [--check]
//
// A case says in [case]: `signature: keep` when its signature is wrong on purpose, `signed_url: ...` when the
// provider signs another form of the address than it calls (the port rule), and `signed_body: ...` when the
// signed form is not the one sent. --check writes nothing and fails when something would change.
import { createRequire } from "node:module";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(join(here, "sdk", "package.json"));
const { getExpectedTwilioSignature } = require("twilio/lib/webhooks/webhooks");

function form(text) {
  const out = {};
  for (const [key, value] of new URLSearchParams(text)) {
    if (!(key in out)) out[key] = value;
    else out[key] = [].concat(out[key], value);
  }
  return out;
}

function section(text, name) {
  const start = text.search(new RegExp(`^\\[${name}\\]\n`, "m"));
  if (start < 0) return null;
  const body = text.slice(start + name.length + 3);
  const end = body.search(/^\[[a-z]+\]\n/m);
  return (end < 0 ? body : body.slice(0, end)).replace(/\n+$/, "");
}

function value(text, key) {
  const found = text.match(new RegExp(`^${key}: (.*)$`, "m"));
  return found ? found[1] : null;
}

function signCase(text) {
  const hook = section(text, "hook");
  const about = section(text, "case");
  if (hook === null || value(about, "signature") === "keep") return text;
  const [head, body = ""] = hook.split(/\n\n([^]*)/);
  const [method, url] = head.split("\n")[0].split(" ");
  const signed = value(about, "signed_url") ?? url;
  const params = method === "POST" ? form(value(about, "signed_body") ?? body) : {};
  const signature = getExpectedTwilioSignature(value(section(text, "lane"), "auth_token"), signed, params);
  return text.replace(/^X-Twilio-Signature:.*$/m, () => `X-Twilio-Signature: ${signature}`);
}

function signRow(line) {
  if (line === "" || line.startsWith("#")) return line;
  const [name, token, url, body] = line.split("\t");
  return [name, token, url, body, getExpectedTwilioSignature(token, url, form(body))].join("\t");
}

const files = readdirSync(here).filter((f) => f.endsWith(".case")).map((f) => [join(here, f), signCase]);
const signRows = (text) => text.split("\n").map(signRow).join("\n");
files.push([join(here, "..", "..", "model", "twilio_sign.tsv"), signRows]);

let changed = 0;
for (const [path, sign] of files) {
  const before = readFileSync(path, "utf8");
  const after = sign(before);
  if (before === after) continue;
  changed++;
  if (process.argv.includes("--check")) console.log(`${path}: signatures differ from the SDK's`);
  else writeFileSync(path, after);
}
console.log(`${files.length} files read, ${changed} ${process.argv.includes("--check") ? "differ" : "written"}`);
process.exitCode = process.argv.includes("--check") && changed ? 1 : 0;
