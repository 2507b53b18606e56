// One call of Alibaba Cloud's own SDK against the address given: node aliyun_sdk.mjs '{"sdk": "v3" | "v1", "url", "id",
// "secret", "action", "params"}'. Prints {"ok": body} or {"code", "message"}.
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(join(here, "..", "provider", "aliyun", "sdk", "package.json"));
const { sdk, url, id, secret, action, params } = JSON.parse(process.argv[2]);
const globe = action === "SendMessageToGlobe";

async function v3() {
  const api = require(globe ? "@alicloud/dysmsapi20180501" : "@alicloud/dysmsapi20170525");
  const { Config } = require("@alicloud/openapi-core/dist/utils");
  const client = new api.default(new Config({ accessKeyId: id, accessKeySecret: secret, protocol: "HTTP",
    endpoint: url.replace("http://", "") }));
  const fields = Object.fromEntries(Object.entries(params).map(([k, v]) => [k[0].toLowerCase() + k.slice(1), v]));
  const answer = await client[action[0].toLowerCase() + action.slice(1)](new api[action + "Request"](fields));
  return answer.body.toMap();
}

async function v1() {
  const RPCClient = require("@alicloud/pop-core");
  const client = new RPCClient({ accessKeyId: id, accessKeySecret: secret, endpoint: url,
    apiVersion: globe ? "2018-05-01" : "2017-05-25" });
  return client.request(action, params, { method: "POST" });
}

try {
  console.log(JSON.stringify({ ok: await (sdk === "v1" ? v1 : v3)() }));
} catch (e) {
  console.log(JSON.stringify({ code: e.code, message: e.message }));
}
