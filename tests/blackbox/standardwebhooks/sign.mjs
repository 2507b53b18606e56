// The official library as a source of events uses it. Reads one JSON object a line, {secret, id, at, body}, and answers each with
// its signature, one a line.
import readline from "node:readline";
import { Webhook } from "standardwebhooks";

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { secret, id, at, body } = JSON.parse(line);
  console.log(new Webhook(secret).sign(id, new Date(at * 1000), body));
}
