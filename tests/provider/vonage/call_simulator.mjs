// Calls a server with Vonage's own SDK: node call_simulator.mjs URL API_KEY API_SECRET < calls.json
//
// calls.json is [["send", {...}], ["getBalance"], ["verifySignature", sig, params, secret, method]]; what comes back is written as one
// list, a refusal as {"error": STATUS, "text": WORDS}.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const require = createRequire(join(dirname(fileURLToPath(import.meta.url)), "sdk", "package.json"));
const { SMS } = require("@vonage/sms");
const { Accounts } = require("@vonage/accounts");
const { Auth, AlgorithmTypes } = require("@vonage/auth");
const [restHost, apiKey, apiSecret] = process.argv.slice(2);
const auth = new Auth({ apiKey, apiSecret });
const sms = new SMS(auth, { restHost }), accounts = new Accounts(auth, { restHost });
const out = [];
for (const [action, ...words] of JSON.parse(readFileSync(0, "utf8"))) {
  try {
    if (action === "send") out.push((await sms.send(...words)).messages);
    else if (action === "getBalance") out.push(await accounts.getBalance());
    else out.push(sms.verifySignature(...words.slice(0, 3), AlgorithmTypes[words[3]]));
  } catch (e) {
    const refused = e.getFailedMessages?.()[0];
    out.push(refused ? { error: refused.status, text: refused["error-text"] } : { error: e.response?.status ?? String(e) });
  }
}
console.log(JSON.stringify(out));
