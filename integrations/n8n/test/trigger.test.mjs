// The trigger in n8n's contexts against a sandbox: Wharf delivers to a server that does what n8n's does.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { listening, sandbox, until } from "./harness.mjs";

const world = await sandbox();
const sessionId = await world.pair("15550000001");
const limit = { timeout: 60_000 };
const says = (text) => world.control("POST", "/control/phones/15550002001/send", { to: "15550000001", type: "text", text });
const webhooks = () => world.wharf("GET", "/v1/webhooks");

/** A delivery as somebody else would write it. */
async function forged(trigger, event, { secret, age = 0 } = {}) {
  const body = JSON.stringify(event);
  const time = String(Math.floor(Date.now() / 1000) - age);
  const signature = createHmac("sha256", Buffer.from((secret ?? "whsec_AAAA").slice(6), "base64")).update(`evt_1.${time}.${body}`).digest("base64");
  const headers = { "Content-Type": "application/json", "webhook-id": "evt_1", "webhook-timestamp": time, "webhook-signature": `v1,${signature}` };
  return (await fetch(trigger.url, { method: "POST", body, headers })).status;
}

test("a webhook is there while the workflow is on, and gone when it is off", limit, async () => {
  const trigger = await listening(world.credentials, { events: ["message.received", "message.reaction"], sessionId, options: { maxBytes: 100_000 } });
  assert.equal(await trigger.on(), true);
  const [webhook] = await webhooks();
  assert.deepEqual([webhook.url, webhook.sessionId, webhook.events, webhook.maxBytes], [trigger.url, sessionId, ["message.received", "message.reaction"], 100_000]);
  assert.equal(await trigger.on(), true);
  assert.deepEqual((await webhooks()).map(({ webhookId }) => webhookId), [webhook.webhookId]);
  assert.equal(await trigger.off(), true);
  assert.deepEqual(await webhooks(), []);
  assert.equal(await trigger.off(), true);
});

test("what comes in starts the workflow, and the test of the address does not", limit, async () => {
  const trigger = await listening(world.credentials, { events: ["message.received"], sessionId: "", options: {} });
  await trigger.on();
  await says("start it");
  await until(() => trigger.started.length > 0);
  assert.deepEqual(trigger.started.map(({ event, data }) => [event, data.text]), [["message.received", "start it"]]);
  await trigger.off();
});

test("an event that is delivered twice starts the workflow once, unless repeats are kept", limit, async () => {
  for (const [keepRepeats, times] of [[false, 1], [true, 2]]) {
    const trigger = await listening(world.credentials, { events: ["message.received"], sessionId: "", options: { keepRepeats } });
    await trigger.on();
    await says(`again ${keepRepeats}`);
    await until(() => trigger.started.length > 0);
    const [{ webhookId }] = await webhooks();
    const [{ deliveryId }] = await until(async () => {
      const made = await world.wharf("GET", `/v1/webhooks/${webhookId}/deliveries?status=delivered`);
      return made.length && made;
    });
    const before = trigger.answers.length;
    await world.wharf("POST", `/v1/webhooks/${webhookId}/deliveries/${deliveryId}/retry`);
    await until(() => trigger.answers.length > before);
    assert.equal(trigger.started.length, times);
    await trigger.off();
  }
});

test("what is not signed, signed by others or old starts nothing", limit, async () => {
  const trigger = await listening(world.credentials, { events: ["message.received"], sessionId: "", options: {} });
  await trigger.on();
  const event = { event: "message.received", eventId: "evt_forged", data: {} };
  assert.equal(await forged(trigger, event), 401);
  assert.equal(await forged(trigger, event, { secret: trigger.kept["node:Trigger"].secret, age: 301 }), 401);
  assert.equal((await fetch(trigger.url, { method: "POST", body: "{}" })).status, 401);
  assert.deepEqual(trigger.started, []);
  assert.equal(await forged(trigger, event, { secret: trigger.kept["node:Trigger"].secret }), 200);
  assert.equal(trigger.started.length, 1);
  await trigger.off();
});

test("a form that was changed gets another webhook in the place of the first", limit, async () => {
  const trigger = await listening(world.credentials, { events: ["message.received"], sessionId: "", options: {} });
  await trigger.on();
  const [first] = await webhooks();
  trigger.node.parameters = { events: ["message.received", "call.received"], sessionId: "", options: {} };
  await trigger.on();
  const all = await webhooks();
  assert.equal(all.length, 1);
  assert.notEqual(all[0].webhookId, first.webhookId);
  assert.deepEqual(all[0].events, ["message.received", "call.received"]);
  await trigger.off();
});

test("another key in the credentials does not make the webhook deaf", limit, async () => {
  const trigger = await listening(world.credentials, { events: ["message.received"], sessionId: "", options: {} });
  await trigger.on();
  const { apiKey } = await world.wharf("POST", "/v1/api-keys", { name: "newer", permissions: ["webhooks:manage"] });
  trigger.credentials = { ...world.credentials, apiKey };
  await says("with another key");
  await until(() => trigger.started.length > 0);
  assert.equal(await trigger.on(), true);
  assert.equal((await webhooks()).length, 1);
  await trigger.off();
});

test("a webhook that somebody deleted is made anew", limit, async () => {
  const trigger = await listening(world.credentials, { events: ["message.received"], sessionId: "", options: {} });
  await trigger.on();
  const [{ webhookId }] = await webhooks();
  await world.wharf("DELETE", `/v1/webhooks/${webhookId}`);
  await trigger.on();
  assert.equal((await webhooks()).length, 1);
  await trigger.off();
  assert.deepEqual(await webhooks(), []);
});
