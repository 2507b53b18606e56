// Calls a server with a client of APNs that is not ours (@parse/node-apn, sdk/package-lock.json):
//   node call_server.mjs PORT FOLDER KEY_ID TEAM_ID TOPIC DEVICE...     FOLDER has ca.pem and AuthKey.p8
// One notification to each device; writes {"sent": [DEVICE], "failed": [[DEVICE, STATUS, REASON]]}.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const require = createRequire(join(dirname(fileURLToPath(import.meta.url)), "sdk", "package.json"));
const apn = require("@parse/node-apn");
const [port, folder, keyId, teamId, topic, ...devices] = process.argv.slice(2);
const provider = new apn.Provider({
  token: { key: join(folder, "AuthKey.p8"), keyId, teamId },
  address: "localhost",
  port: Number(port),
  ca: readFileSync(join(folder, "ca.pem")),
});
const n = new apn.Notification();
n.alert = { title: "Order A-1", body: "Your order is ready" };
n.topic = topic;
n.pushType = "alert";
n.id = "4d2f3c2a-0000-4000-8000-000000000000";
n.expiry = Math.floor(Date.now() / 1000) + 3600;
const said = await provider.send(n, devices);
console.log(JSON.stringify({
  sent: said.sent.map((s) => s.device),
  failed: said.failed.map((f) => [f.device, f.status, f.response?.reason ?? String(f.error)]),
}));
provider.shutdown();
