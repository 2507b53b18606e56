// Calls a server with Google's own SDK: node call_simulator.mjs HOST:PORT ACCOUNT.json < calls.json
//
// calls.json is [["send", message, dryRun], ["sendEach", [message, ...]], ...]; what comes back is written as one list, a refusal as
// {"error": CODE}. The SDK knows Google's addresses alone: what it sends there is carried to this server, by its sockets and not before.
// So it makes its own tokens (library google-auth-library), requests and sense of the answers.
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const require = createRequire(join(dirname(fileURLToPath(import.meta.url)), "sdk", "package.json"));
const [address, accountFile] = process.argv.slice(2);
const [host, port] = address.split(":");
https.request = (...words) => {
  const done = words.find((w) => typeof w === "function");
  const url = typeof words[0] === "string" || words[0] instanceof URL ? new URL(words.shift()) : null;
  const options = typeof words[0] === "object" ? words[0] : {};
  const path = url ? url.pathname + url.search : options.path;
  return http.request({ ...options, path, protocol: "http:", host, hostname: host, port, agent: undefined }, done);
};
const fetched = globalThis.fetch;
globalThis.fetch = (url, options) => fetched(String(url.url ?? url).replace(/^https?:\/\/[^/]+/, `http://${address}`), options);

const { initializeApp, cert } = require("firebase-admin/app");
const { getMessaging } = require("firebase-admin/messaging");

const account = JSON.parse(readFileSync(accountFile, "utf8"));
const messaging = getMessaging(initializeApp({ credential: cert(account), projectId: account.project_id }));
messaging.enableLegacyHttpTransport?.(); // HTTP/1.1: as the simulator speaks
const out = [];
for (const [action, ...words] of JSON.parse(readFileSync(0, "utf8"))) {
  try {
    const said = await messaging[action](...words);
    out.push(said.responses ? said.responses.map((r) => r.messageId ?? { error: r.error.code }) : said);
  } catch (e) {
    out.push({ error: e.code ?? e.message, text: e.message });
  }
}
console.log(JSON.stringify(out));
process.exit(0);
