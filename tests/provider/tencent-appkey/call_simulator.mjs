// Calls a server with the vendor's own SDK: node call_simulator.mjs HOST:PORT APP_ID APP_KEY < calls.json
//
// calls.json is [["SmsSingleSender", "send", ...arguments], ...]; the answers are written as one list. The SDK
// knows https alone and its own host: its connection is led to the server given, all else is as it is.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const require = createRequire(join(dirname(fileURLToPath(import.meta.url)), "sdk", "package.json"));
const http = require("http");
const https = require("https");
const [address, appId, appKey] = process.argv.slice(2);
const [host, port] = address.split(":");
https.request = (options, done) => http.request({ ...options, host, port }, done);
const sdk = require("qcloudsms_js")(appId, appKey);
const out = [];
for (const [sender, call, ...args] of JSON.parse(readFileSync(0, "utf8")))
  out.push(await new Promise((done) => sdk[sender]()[call](...args, (error, _, data) => done(error ? String(error) : data))));
console.log(JSON.stringify(out));
