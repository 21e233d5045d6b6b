// The first minutes of a person with a collection: import it, set address and key, send. Fails where the phone shows something else.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";

import { bruno, imported, requests, send, set } from "./programs.js";

const { URL: baseUrl, CONTROL, KEY, OPERATOR } = process.env;
const MALFORMED = ["invalid_request", "invalid_parameter_type", "missing_required_parameter"];
const ask = async (url, options) => (await (await fetch(url, options)).json()).data;
const authorized = { headers: { Authorization: `Bearer ${KEY}` } };
const value = (collection, name) => collection.variable.find(({ key }) => key === name)?.value;

// How often a person's phone shows this text from somebody else.
async function shown(number, text) {
  const ledger = await ask(`${CONTROL}/control/phones/${number}/messages`);
  return ledger.filter((message) => message.text === text && !message.fromMe).length;
}

const ours = JSON.parse(await readFile("wharf.postman_collection.json", "utf8"));

console.log("== our collection");
let used = set(ours, { baseUrl, apiKey: KEY, operatorKey: OPERATOR });
let sent = await send(used, ["create_session"]);
assert.equal(sent.answers[0].status, 201);
used = sent.collection;
const session = value(used, "sessionId");
assert.equal(session, sent.answers[0].answer.data.sessionId, "the session is remembered");
await fetch(`${CONTROL}/control/scan`, { method: "POST", body: sent.answers[0].answer.data.qr });
const linked = await ask(`${baseUrl}/v1/events?cursor=oldest&events=session.connected&sessionId=${session}&wait=30`, authorized);
assert.equal(linked.length, 1, "the session is connected");

const person = value(used, "to");
const text = JSON.parse(requests(ours).find(({ id }) => id === "send_text").request.body.raw).text;
sent = await send(used, ["send_text"], 3);
used = sent.collection;
assert.deepEqual(sent.answers.map(({ status }) => status), [201, 201, 201]);
assert.equal(new Set(sent.answers.map(({ answer }) => answer.data.messageId)).size, 3, "three messages");
assert.equal(await shown(person, text), 3);
console.log("three sends, three messages at the phone");

sent = await send(used, ["get_message", "list_messages"]);
const [one, listed] = sent.answers.map(({ answer }) => answer.data);
assert.equal(one.messageId, value(used, "messageId"), "the last message is remembered");
assert.equal(listed.filter((message) => message.text === text && message.direction === "outgoing").length, 3);

// A file has a place of its own, and what is sent next names it.
for (const id of ["upload_media", "send_media"]) {
  sent = await send(used, [id]);
  used = sent.collection;
  assert.equal(sent.answers[0].status, 201, id);
}

// All the rest, the linked session's end last: what is asked for may not be there, but nothing is malformed as it stands.
const all = requests(ours).map(({ id }) => id);
const ends = requests(ours.item.find(({ name }) => name === "sessions")).map(({ id }) => id);
const none = "0".repeat(32);
used = set(used, { webhookId: `whk_${none}`, deliveryId: `dlv_${none}`, accountId: `acc_${none}` });
const refused = [];
for (const ids of [all.filter((id) => !ends.includes(id)), ends]) {
  sent = await send(used, ids);
  assert.equal(sent.answers.length, ids.length);
  refused.push(...sent.answers.filter(({ answer }) => answer?.success === false).map(({ id, answer }) => ({ id, ...answer.error })));
}
console.table(refused.map(({ id, code, details }) => ({ id, code, field: details?.field, reason: details?.reason })));
assert.deepEqual(refused.filter(({ code }) => MALFORMED.includes(code)), []);

console.log("== Bruno");
const names = (await bruno(ours)).map(({ name }) => name);
assert.equal(names.length, all.length);
console.log(`${names.length} requests after the import`);

console.log("== the document, imported");
const document = await (await fetch(`${baseUrl}/openapi.json`)).json();
const second = await ask(`${baseUrl}/v1/sessions`, { ...authorized, method: "POST", body: '{"name":"imported"}', headers: { ...authorized.headers, "Content-Type": "application/json" } });
await fetch(`${CONTROL}/control/scan`, { method: "POST", body: second.qr });
await ask(`${baseUrl}/v1/events?cursor=oldest&events=session.connected&sessionId=${second.sessionId}&wait=30`, authorized);
const body = (text) => ({ sessionId: second.sessionId, to: "15550001002", text });
const textOf = (collection) => requests(collection).find(({ request }) => request.url.path.join("/") === "v1/messages/text" && request.method === "POST");

// With every member and header that there could be: a refusal names what to switch off, and nothing is answered without being sent.
let made = set(await imported(document, {}), { baseUrl, bearerToken: KEY });
let request = textOf(made).request;
request.body.raw = JSON.stringify(body("all settings as they were"));
const off = [];
for (;;) {
  sent = await send(made, [textOf(made).id]);
  if (sent.answers[0].status === 201) break;
  const { code, details } = sent.answers[0].answer.error;
  const named = [...request.header, ...request.url.query].find(({ key, disabled }) => key === details?.field && !disabled);
  assert.ok(named, `a refusal that names nothing to switch off: ${code} ${JSON.stringify(details)}`);
  named.disabled = true;
  off.push(named.key);
}
assert.deepEqual(off.sort(), ["Idempotency-Key", "wait"]);
await send(made, [textOf(made).id], 2);
assert.equal(await shown("15550001002", "all settings as they were"), 3);
console.log(`settings as they are: refused until ${off.join(" and ")} are off, then three sends, three messages at the phone`);

// As docs/clients.md says: examples for values.
made = set(await imported(document, { parametersResolution: "Example" }), { baseUrl, bearerToken: KEY });
request = textOf(made).request;
assert.deepEqual(Object.keys(JSON.parse(request.body.raw)).sort(), ["sessionId", "text", "to"]);
request.body.raw = JSON.stringify(body("settings of our page"));
sent = await send(made, [textOf(made).id], 3);
assert.deepEqual(sent.answers.map(({ status }) => status), [201, 201, 201]);
assert.equal(await shown("15550001002", "settings of our page"), 3);
console.log("settings of our page: three sends, three messages at the phone");
