// The posts of an application that uses the official SDK: the same event in structured and binary mode, others, and a batch of them.
import { CloudEvent, HTTP } from "cloudevents";

const data = { phone: "+14155550123", name: "李雷", order_id: 1001, total: 20, urgent: false };
const event = (id, more) => new CloudEvent({ id, source: "/shop/1?till=2", type: "order.paid", time: "2026-01-31T08:30:00.000Z", subject: "orders/1001", data, traceid: "x7", ...more });
const posts = {
  structured: HTTP.structured(event("s-1")),
  binary: HTTP.binary(event("b-1")),
  "structured, other JSON": HTTP.structured(event("s-2", { datacontenttype: "application/vnd.shop+json", dataschema: "https://shop.example/order" })),
  "binary, without data": HTTP.binary(event("b-2", { data: undefined, type: "order.seen", subject: undefined })),
  "structured, bytes": HTTP.structured(event("s-3", { data: new Uint8Array(Buffer.from(JSON.stringify(data))) })),
};
const batch = ["m-1", "m-2", "s-1"].map((id) => JSON.parse(HTTP.structured(event(id)).body));
posts.batch = { headers: { "content-type": "application/cloudevents-batch+json; charset=UTF-8" }, body: JSON.stringify(batch) };
for (const p of Object.values(posts)) p.body ??= "";
console.log(JSON.stringify(posts, null, 1));
