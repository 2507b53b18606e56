// The official library as a customer uses it. Reads one JSON object a line, {secret, headers, body}, and answers each with one
// line: "ok", or what the library says is wrong.
import readline from "node:readline";
import { Webhook } from "standardwebhooks";

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { secret, headers, body } = JSON.parse(line);
  try {
    new Webhook(secret).verify(body, headers);
    console.log("ok");
  } catch (e) {
    console.log(String(e.message));
  }
}
