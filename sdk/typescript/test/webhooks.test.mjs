// Deliveries: those of a real webhook, and those of strangers.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, test } from "node:test";
import { Webhook } from "standardwebhooks";
import { WebhookVerificationError, verify } from "wharf-client/webhooks";
import { refusal, sandbox, until } from "./harness.mjs";

const SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const OTHER = "whsec_ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=";

/** A delivery as the published library of the scheme signs it. */
function delivery(body = '{"event":"webhook.test"}', { secret = SECRET, at = new Date(), id = "evt_1" } = {}) {
  const signature = new Webhook(secret).sign(id, at, body);
  return [body, { "webhook-id": id, "webhook-timestamp": String(Math.floor(at / 1000)), "webhook-signature": signature }];
}

test("what a webhook delivers is verified as it comes, and a receiver need not know the client", { timeout: 60_000 }, async () => {
  const world = await sandbox();
  const wharf = world.client();
  const taken = [];
  const server = createServer(async (request, response) => {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    taken.push(await verify(Buffer.concat(pieces), request.headers, SECRET));
    response.writeHead(204).end();
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  after(() => server.close());
  await wharf.webhooks.create({ url: `http://127.0.0.1:${server.address().port}/`, events: ["session.qr"], secret: SECRET });
  const { sessionId } = await wharf.sessions.create({ name: "délivré ✓" });
  await until(() => taken.some((event) => event.event === "session.qr" && event.sessionId === sessionId));
  assert.equal(taken[0].event, "webhook.test");
});

test("text, bytes and every form of headers are verified", async () => {
  const [body, headers] = delivery('{"event":"message.received","data":{"text":"Grüße \u2028 👋"}}');
  const upper = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toUpperCase(), [value]]));
  for (const given of [headers, new Headers(headers), upper]) {
    for (const form of [body, Buffer.from(body), new TextEncoder().encode(body).buffer]) {
      assert.equal((await verify(form, given, SECRET)).data.text, "Grüße \u2028 👋");
    }
  }
});

test("while a secret is replaced either of both is enough", async () => {
  const [body, headers] = delivery();
  const [, newer] = delivery(body, { secret: OTHER });
  const both = { ...headers, "webhook-signature": `${newer["webhook-signature"]} ${headers["webhook-signature"]}` };
  for (const secret of [SECRET, OTHER, [OTHER, SECRET]]) await verify(body, both, secret);
  await verify(body, headers, [OTHER, SECRET]);
});

test("what is forged, late, early or broken is refused with its fault", async () => {
  const [body, headers] = delivery();
  const fault = async (...all) => {
    const error = await refusal(verify(...all));
    assert.ok(error instanceof WebhookVerificationError, `${error}`);
    return error.fault;
  };
  assert.equal(await fault(`${body} `, headers, SECRET), "signature_wrong");
  assert.equal(await fault(body, headers, OTHER), "signature_wrong");
  assert.equal(await fault(body, { ...headers, "webhook-id": "evt_2" }, SECRET), "signature_wrong");
  assert.equal(await fault(body, { ...headers, "webhook-signature": headers["webhook-signature"].replace("v1,", "v2,") }, SECRET), "signature_wrong");
  assert.equal(await fault(body, { ...headers, "webhook-signature": "v1,not base64!" }, SECRET), "signature_wrong");
  assert.equal(await fault(body, { ...headers, "webhook-timestamp": "soon" }, SECRET), "time_unreadable");
  assert.equal(await fault(body, {}, SECRET), "header_missing");
  assert.equal(await fault(body, headers, "whsec_"), "secret_unreadable");
  const now = Date.now();
  assert.equal(await fault(body, headers, SECRET, { now: () => now + 302_000 }), "too_old");
  assert.equal(await fault(body, headers, SECRET, { now: () => now - 302_000 }), "too_new");
  await verify(body, headers, SECRET, { now: () => now + 290_000 });
  assert.equal(await fault(...delivery("no json"), SECRET), "not_json");
});
