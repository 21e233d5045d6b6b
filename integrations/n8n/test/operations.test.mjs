// Every operation that the node offers, once, as a workflow would use it.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { after, test } from "node:test";
import { answered, sandbox, until } from "./harness.mjs";

const require = createRequire(import.meta.url);
const { operations } = require("../dist/nodes/Wharf/generated/index.js");

const world = await sandbox();
const sessionId = await world.pair("15550000001");
const limit = { timeout: 60_000 };
const called = new Set();

/** Calls an operation with its fields, and gives the data of its items. */
async function call(resource, operation, fields = {}) {
  called.add(`${resource}:${operation}`);
  const items = await answered(world.credentials, { resource, operation, ...fields });
  return items.map(({ json }) => json);
}
const one = async (...all) => (await call(...all))[0];
const all = { returnAll: true };

test("messages are sent, changed, forwarded, read and found", limit, async () => {
  const to = "15550002001";
  const said = await one("message", "sendText", { sessionId, to, text: "good morning", additionalFields: { linkPreview: false, mentions: "15550002002, 15550002003" } });
  assert.deepEqual(said.mentionIds.length, 2);
  assert.equal((await one("message", "edit", { messageId: said.messageId, text: "good evening" })).text, "good evening");
  assert.equal((await one("message", "sendReaction", { messageId: said.messageId, emoji: "⚓" })).type, "reaction");
  const place = await one("message", "sendLocation", { sessionId, to, latitude: 53.5413, longitude: 9.9842, additionalFields: { name: "Harbour" } });
  assert.deepEqual([place.latitude, place.name], [53.5413, "Harbour"]);
  const cards = await one("message", "sendContact", { sessionId, to, contacts: '[{"name": "Ada Lovelace", "phoneNumbers": ["+1 555 000 1001"]}]' });
  assert.equal(cards.contacts[0].name, "Ada Lovelace");
  const poll = await one("message", "sendPoll", { sessionId, to, question: "When?", options: "now, at once\nlater\n", additionalFields: { selectableCount: 0 } });
  assert.deepEqual(poll.options, ["now, at once", "later"]);
  const dry = await one("message", "sendText", { sessionId, to, text: "not now", additionalFields: { dryRun: true } });
  assert.equal(dry.dryRun, true);
  const file = { name: "a.txt", data: Buffer.from("a plan\n").toString("base64"), mimeType: "text/plain", fileName: "a.txt" };
  called.add("media:upload");
  const [uploaded] = await answered(world.credentials, { resource: "media", operation: "upload", binaryPropertyName: "data" }, { items: [{ json: {}, binary: { data: file } }] });
  await one("message", "sendMedia", { sessionId, to, mediaType: "document", source: "mediaId", mediaId: uploaded.json.mediaId });
  await one("media", "download", { mediaId: uploaded.json.mediaId, binaryPropertyName: "data" });
  assert.equal((await one("message", "forward", { messageId: place.messageId, to: "15550002002" })).forwarded, true);
  await one("message", "waitFor", { messageId: said.messageId, until: "delivered", timeoutSeconds: 30 });
  assert.equal((await one("message", "delete", { messageId: poll.messageId })).change.status !== undefined, true);
  assert.equal((await one("message", "get", { messageId: said.messageId })).messageId, said.messageId);
  await world.control("POST", "/control/phones/15550002001/send", { to: "15550000001", type: "text", text: "and to you" });
  const found = await until(async () => {
    const rows = await call("message", "getAll", { ...all, filters: { direction: "incoming", text: "and to you", since: new Date(0).toISOString() } });
    return rows.length && rows;
  });
  assert.ok((await one("message", "markRead", { messageId: found[0].messageId })).readAt);
});

test("contacts are checked, shown and blocked, and chats are read", limit, async () => {
  const checked = await call("contact", "check", { sessionId, phoneNumbers: "+1 555 000 1001; 15550009999" });
  assert.deepEqual(checked.map(({ onWhatsapp }) => onWhatsapp), [true, false]);
  const contactId = "15550001001";
  assert.equal((await one("contact", "get", { sessionId, contactId })).onWhatsapp, true);
  assert.ok((await call("contact", "getAll", { sessionId, ...all })).length > 0);
  await one("contact", "getPresence", { sessionId, contactId });
  assert.equal((await one("contact", "block", { sessionId, contactId: "15550002009" })).blocked, true);
  assert.equal((await call("contact", "getBlocked", { sessionId })).length, 1);
  assert.equal((await one("contact", "unblock", { sessionId, contactId: "15550002009" })).blocked, false);
  await assert.rejects(call("contact", "getPicture", { sessionId, contactId: "15550002009" }), /resource_not_found/);
  assert.ok((await call("chat", "getAll", { sessionId, returnAll: false, limit: 1 })).length === 1);
  assert.equal((await one("chat", "setTyping", { sessionId, chatId: "15550002001", status: "typing" })).status, "typing");
  assert.equal(typeof (await one("chat", "markRead", { sessionId, chatId: "15550002001" })).read, "number");
});

test("groups are made, changed and left", limit, async () => {
  const { groupId } = await one("group", "create", { sessionId, subject: "The crew", participants: "15550002001, 15550002002" });
  assert.equal((await one("group", "update", { sessionId, groupId, updateFields: { description: "Of the harbour", announcement: true } })).announcement, true);
  const [added] = await call("group", "changeParticipants", { sessionId, groupId, change: "add", participants: "15550002003" });
  assert.equal(added.success, true);
  assert.equal((await one("group", "get", { sessionId, groupId })).participants.length, 4);
  assert.equal((await call("group", "getAll", { sessionId, ...all })).length, 1);
  const { link } = await one("group", "getInvite", { sessionId, groupId });
  assert.notEqual((await one("group", "revokeInvite", { sessionId, groupId })).link, link);
  assert.deepEqual(await call("group", "getRequests", { sessionId, groupId }), []);
  const [decided] = await call("group", "decideRequests", { sessionId, groupId, decision: "approve", participants: "15550002009" });
  assert.equal(decided.success, false);
  await assert.rejects(call("group", "join", { sessionId, code: "no-such-code" }), /resource_not_found|conflict|invalid_request/);
  await one("group", "leave", { sessionId, groupId });
});

test("webhooks are made, tested, changed and deleted, and what they missed is delivered again", limit, async () => {
  const server = createServer((request, response) => response.writeHead(204).end());
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  after(() => server.close());
  const url = `http://127.0.0.1:${server.address().port}/`;
  const { webhookId } = await one("webhook", "create", { url, events: ["message.sent"], additionalFields: { sessionId, headers: '{"X-From": "n8n"}' } });
  assert.equal((await one("webhook", "test", { webhookId })).httpStatus, 204);
  assert.equal((await one("webhook", "get", { webhookId })).sessionId, sessionId);
  assert.equal((await call("webhook", "getAll", all)).length, 1);
  assert.deepEqual((await one("webhook", "update", { webhookId, updateFields: { description: "to n8n" } })).description, "to n8n");
  await one("message", "sendText", { sessionId, to: "15550002001", text: "is told" });
  const [delivery] = await until(async () => {
    const made = await call("webhook", "getDeliveries", { webhookId, ...all, filters: { status: "delivered" } });
    return made.length && made;
  });
  await one("webhook", "retryDelivery", { webhookId, deliveryId: delivery.deliveryId });
  await one("webhook", "recover", { webhookId, since: new Date(0).toISOString() });
  await one("webhook", "delete", { webhookId });
  assert.deepEqual(await call("webhook", "getAll", all), []);
});

test("sessions are made, linked, restarted and deleted, and their QR code is a picture", limit, async () => {
  called.add("session:create");
  const [made] = await answered(world.credentials, { resource: "session", operation: "create", name: "desk" });
  assert.deepEqual([made.binary.qr.mimeType, made.json.status], ["image/png", "qr"]);
  const id = made.json.sessionId;
  assert.equal((await one("session", "update", { sessionId: id, updateFields: { name: "the desk" } })).name, "the desk");
  assert.match((await one("session", "getQr", { sessionId: id })).qr, /^https:|,/);
  assert.match((await one("session", "createPairingCode", { sessionId: id, phoneNumber: "15550000005" })).pairingCode, /^\w{4}-\w{4}$/);
  await one("session", "restart", { sessionId: id });
  assert.equal((await one("session", "get", { sessionId })).status, "connected");
  assert.equal((await call("session", "getAll", { ...all, filters: { name: "desk" } })).length, 1);
  await one("session", "delete", { sessionId: id });
  assert.equal((await one("session", "logout", { sessionId })).status, "disconnected");
});

test("every operation that the node offers was called", () => {
  const offered = Object.entries(operations).flatMap(([resource, all]) => Object.keys(all).map((operation) => `${resource}:${operation}`));
  assert.deepEqual([...called].sort(), offered.sort());
});
