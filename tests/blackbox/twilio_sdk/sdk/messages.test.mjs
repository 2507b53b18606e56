// Twilio's Node SDK as it is, with another base address. Where the gateway is comes from the environment.
import assert from "node:assert/strict";
import http from "node:http";
import { test } from "node:test";
import twilio from "twilio";

const { HONGYAN_URL, HONGYAN_ACCOUNT, HONGYAN_AUTH_TOKEN, HONGYAN_KEY, TEST_NUMBER } = process.env;
const SERVICE = "MG" + "0123456789abcdef".repeat(2);
const FINAL = ["delivered", "undelivered", "failed", "canceled"];
const to = TEST_NUMBER;

function clientOf(user, secret, accountSid = HONGYAN_ACCOUNT) {
  const client = twilio(user, secret, { accountSid });
  client.api.baseUrl = HONGYAN_URL;
  return client;
}

const client = clientOf(HONGYAN_ACCOUNT, HONGYAN_AUTH_TOKEN);

const refused = (call, status, code) =>
  assert.rejects(call, (e) => {
    assert.equal(e.constructor.name, "RestException");
    assert.deepEqual([e.status, e.code], [status, code]);
    assert.equal(e.moreInfo, `https://www.twilio.com/docs/errors/${code}`);
    return true;
  });

async function untilFinal(sid) {
  for (const end = Date.now() + 15000; Date.now() < end; ) {
    const message = await client.messages(sid).fetch();
    if (FINAL.includes(message.status)) return message;
    await new Promise((done) => setTimeout(done, 20));
  }
  throw new Error("not final in time");
}

const schedule = (more = {}) =>
  client.messages.create({
    to,
    from: "Acme",
    body: "later",
    scheduleType: "fixed",
    sendAt: new Date(Date.now() + 3600e3),
    ...more,
  });

test("a message is created, delivered and fetched", async () => {
  const made = await client.messages.create({ to, from: "Acme", body: "你好 + & =" });
  assert.equal(made.status, "queued");
  assert.equal(made.direction, "outbound-api");
  assert.ok(Math.abs(made.dateCreated - Date.now()) < 60e3);
  const found = await untilFinal(made.sid);
  assert.equal(found.status, "delivered");
  assert.equal(found.body, "你好 + & =");
  assert.equal(found.numSegments, "1");
  assert.equal(found.errorCode, null);
});

test("an API key does as well, and belongs to one account", async () => {
  const [user, secret] = HONGYAN_KEY.split(".");
  assert.ok((await clientOf(user, secret).messages.create({ to, body: "x" })).sid);
  await refused(clientOf(user, secret, "AC" + "0".repeat(32)).messages.create({ to, body: "x" }), 404, 20404);
});

test("wrong credentials are 20003", () =>
  refused(clientOf(HONGYAN_ACCOUNT, "0".repeat(32)).messages.list(), 401, 20003));

test("refusals have Twilio's codes", async () => {
  await refused(client.messages.create({ to: "12", from: "Acme", body: "x" }), 400, 21211);
  await refused(client.messages.create({ to, from: "Acme" }), 400, 21602);
  await refused(client.messages.create({ to, body: "a".repeat(1601) }), 400, 21617);
  await refused(client.messages.create({ to, body: "x", mediaUrl: ["https://a.example/cat.png"] }), 400, 21620);
  await refused(client.messages.create({ to, body: "x", scheduleType: "fixed" }), 400, 35111);
  await refused(client.messages("SM" + "0".repeat(32)).fetch(), 404, 20404);
});

test("a scheduled message is canceled, redacted and removed", async () => {
  const made = await schedule({ messagingServiceSid: SERVICE });
  assert.equal(made.status, "scheduled");
  assert.equal(made.messagingServiceSid, SERVICE);
  await refused(client.messages(made.sid).remove(), 409, 20009);
  assert.equal((await client.messages(made.sid).update({ status: "canceled" })).status, "canceled");
  assert.equal((await client.messages(made.sid).update({ body: "" })).body, "");
  assert.equal(await client.messages(made.sid).remove(), true);
  await refused(client.messages(made.sid).fetch(), 404, 20404);
});

test("what was sent cannot be canceled: 30409", async () => {
  const made = await client.messages.create({ to, from: "Acme", body: "x" });
  await untilFinal(made.sid);
  await refused(client.messages(made.sid).update({ status: "canceled" }), 409, 30409);
});

test("lists follow pages forth and back", async () => {
  const from = "P" + Date.now().toString(36);
  const made = [];
  for (let i = 0; i < 5; i++) made.unshift((await schedule({ from })).sid);
  const sids = (list) => list.map((m) => m.sid);
  assert.deepEqual(sids(await client.messages.list({ from, pageSize: 2 })), made);
  assert.deepEqual(sids(await client.messages.list({ from, limit: 3 })), made.slice(0, 3));
  const hourAgo = new Date(Date.now() - 3600e3);
  assert.deepEqual(sids(await client.messages.list({ from, dateSentAfter: hourAgo })), made);
  assert.deepEqual(await client.messages.list({ from, dateSentBefore: hourAgo }), []);
  const first = await client.messages.page({ from, pageSize: 2 });
  const second = await first.nextPage();
  assert.deepEqual(sids(second.instances), made.slice(2, 4));
  assert.deepEqual(sids((await second.previousPage()).instances), made.slice(0, 2));
});

test("the account can be fetched", async () => {
  const account = await client.api.accounts(HONGYAN_ACCOUNT).fetch();
  assert.equal(account.sid, HONGYAN_ACCOUNT);
  assert.equal(account.status, "active");
});

test("status callbacks are signed", async () => {
  const posts = [];
  let whole;
  const told = new Promise((done) => (whole = done));
  const server = http.createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    posts.push({ url: request.url, params: Object.fromEntries(new URLSearchParams(body)), headers: request.headers });
    response.writeHead(204).end();
    if (posts.at(-1).params.MessageStatus === "delivered") whole();
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const base = `http://127.0.0.1:${server.address().port}`;
  try {
    const made = await client.messages.create({ to, from: "Acme", body: "x", statusCallback: base + "/hook?a=1%202" });
    await told;
    assert.deepEqual(posts.map((p) => p.params.MessageStatus), ["sent", "delivered"]);
    for (const { url, params, headers } of posts) {
      assert.equal(params.MessageSid, made.sid);
      assert.ok(twilio.validateRequest(HONGYAN_AUTH_TOKEN, headers["x-twilio-signature"], base + url, params));
    }
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
