// Makes the [request] of the cases that send a content template, with the vendor's Node SDK: Debian's Python one is older than
// those. `variables` in [case] is what the SDK is given.
//
//   node make_content.mjs [--check]
import { createRequire } from "node:module";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const twilio = createRequire(join(here, "sdk", "package.json"))("twilio");
const value = (text, key) => text.match(new RegExp(`^${key}: (.*)$`, "m"))?.[1];

async function made(text) {
  let seen;
  const httpClient = { async request(o) { seen = o; throw new Error("recorded"); } };
  const [now, end] = [value(text, "now"), value(text, "expires_at")].map((t) => Date.parse(t) / 1000);
  try {
    await twilio(value(text, "account_sid"), value(text, "auth_token"), { httpClient }).messages.create({
      to: "whatsapp:" + value(text, "to"), from: "whatsapp:" + value(text, "from"), contentSid: value(text, "code"),
      contentVariables: value(text, "variables"), statusCallback: value(text, "status_url"), validityPeriod: Math.floor(end - now) });
  } catch (e) {
    if (e.message !== "recorded") throw e;
  }
  return { head: [`${seen.method.toUpperCase()} ${seen.uri}`,
    "Authorization: Basic " + Buffer.from(`${seen.username}:${seen.password}`).toString("base64"),
    "Accept: " + seen.headers.Accept, "Content-Type: " + seen.headers["Content-Type"],
    "traceparent: " + value(text, "traceparent")].join("\n"), form: new URLSearchParams(seen.data) };
}

const check = process.argv.includes("--check");
let wrong = 0, seen = 0;
for (const name of readdirSync(here).filter((f) => f.endsWith(".case")).sort()) {
  const path = join(here, name), text = readFileSync(path, "utf8");
  if (!/^code: HX/m.test(text) || !/^call: send$/m.test(text) || !text.includes("[request]\n")) continue;
  seen++;
  const { head, form } = await made(text);
  const now = text.match(/^\[request\]\n([^]*?)\n\n([^\n]*)\n/m);
  // Two SDKs, two orders of the form: its pairs are what counts.
  const pairs = (f) => JSON.stringify([...f].sort());
  if (now[1] === head && pairs(new URLSearchParams(now[2])) === pairs(form)) continue;
  wrong++;
  if (check) console.error(`${name}: the SDK makes\n${head}\n\n${form}`);
  else writeFileSync(path, text.replace(now[0], () => `[request]\n${head}\n\n${form}\n`));
}
console.log(`${seen} cases, ${wrong} ${check ? "differ" : "written"}`);
process.exit(check && (wrong || seen < 2) ? 1 : 0);
