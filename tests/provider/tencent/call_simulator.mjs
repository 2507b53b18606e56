// Calls a server with the vendor's own SDK: node call_simulator.mjs HOST:PORT SECRET_ID SECRET_KEY < calls.json
//
// calls.json is [["SendSms", {...}], ...]; what comes back is written as one list, a refusal as {"error": CODE}.
// The SDK takes the name of the service from the host's first label: so that is sms., at this machine.
import { readFileSync } from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const require = createRequire(join(dirname(fileURLToPath(import.meta.url)), "sdk", "package.json"));
const { sms } = require("tencentcloud-sdk-nodejs-sms");
const [address, secretId, secretKey] = process.argv.slice(2);
const [host, port] = address.split(":");
const lookup = (_, options, done) => (options.all ? done(null, [{ address: host, family: 4 }]) : done(null, host, 4));
const client = new sms.v20210111.Client({
  credential: { secretId, secretKey },
  region: "ap-guangzhou",
  profile: {
    httpProfile: { endpoint: `sms.localhost:${port}`, protocol: "http://", agent: new http.Agent({ lookup }) },
  },
});
const out = [];
for (const [action, params] of JSON.parse(readFileSync(0, "utf8"))) {
  try {
    out.push(await client[action](params));
  } catch (e) {
    out.push({ error: e.code ?? e.message });
  }
}
console.log(JSON.stringify(out));
