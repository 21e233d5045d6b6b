// The node in n8n's engine against a sandbox.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { answered, badLine, credentialsTested, run, sandbox, sessionsShown } from "./harness.mjs";

const world = await sandbox();
const { credentials } = world;
const OWN = "15550000001";
const sessionId = await world.pair(OWN);
const limit = { timeout: 60_000 };
const message = (operation, more) => ({ resource: "message", operation, ...more });
const text = (to, words, more) => message("sendText", { sessionId, to, text: words, ...more });

test("the credentials are tested by a call of the account", limit, async () => {
  assert.equal(await credentialsTested(credentials), 200);
  assert.equal(await credentialsTested({ ...credentials, apiKey: "wharf_test_wrong" }), 401);
});

test("the form lists the sessions", limit, async () => {
  const [first] = await sessionsShown(credentials);
  assert.deepEqual([first.value, first.name], [sessionId, `phone ${OWN} (${OWN})`]);
});

test("a text goes out for each item, and the answer stands beside its item", limit, async () => {
  const items = ["15550002001", "15550002002", "15550002003"].map((number) => ({ json: { number } }));
  const answers = await answered(credentials, text("={{ $json.number }}", "=Hello {{ $json.number }}", { additionalFields: { reference: "greetings" } }), { items });
  assert.deepEqual(answers.map(({ json, pairedItem }) => [json.status, json.reference, pairedItem.item]), [0, 1, 2].map((item) => ["sent", "greetings", item]));
  for (const { json } of items) assert.deepEqual((await world.arrived(json.number, 1)).map((entry) => entry.text), [`Hello ${json.number}`]);
});

test("what n8n tries again is sent once, and what is executed again is sent again", limit, async () => {
  const line = await badLine(world.url);
  Object.assign(line, { path: "/v1/messages/text", losing: 4 });
  const throughIt = { ...credentials, url: line.url };
  // All tries of the node's own lose their answers; then n8n runs the node again.
  const [{ json }] = await answered(throughIt, text("15550002010", "once"), { retryOnFail: true, maxTries: 2, waitBetweenTries: 0 });
  const sends = line.seen.filter(({ path }) => path.startsWith("/v1/messages/text"));
  assert.equal(sends.length, 5);
  assert.equal(new Set(sends.map(({ key }) => key)).size, 1);
  assert.equal((await world.arrived("15550002010", 1)).length, 1);
  const [again] = await answered(throughIt, text("15550002010", "once"));
  assert.notEqual(again.json.messageId, json.messageId);
  assert.equal((await world.arrived("15550002010", 2)).length, 2);
});

test("a key of one's own holds over executions", limit, async () => {
  const parameters = text("15550002011", "your order", { additionalFields: { idempotencyKey: "=order-{{ $json.order }}" } });
  const items = [{ json: { order: 17 } }];
  const [first] = await answered(credentials, parameters, { items });
  const [second] = await answered(credentials, parameters, { items });
  assert.equal(second.json.messageId, first.json.messageId);
  assert.equal((await world.arrived("15550002011", 1)).length, 1);
});

test("a refusal has its code, its reason and the request's id", limit, async () => {
  const { error } = await run(credentials, text("1555000200.0", "never"));
  assert.match(error.message, /^invalid_phone_number: /);
  assert.match(error.description, /Reason: .+Field: to\. Request ID: \S+/);
  assert.equal(error.httpCode, "400");
  const nobody = await run({ ...credentials, apiKey: "wharf_test_wrong" }, text("15550002001", "never"));
  assert.match(nobody.error.message, /^invalid_api_key: /);
  const nowhere = await run({ ...credentials, url: world.url.replace(/\d+$/, "1") }, text("15550002001", "never"));
  assert.equal(nowhere.error.message, "Wharf was not reached");
});

test("an item that fails lets the others go on, to the output of errors where there is one", limit, async () => {
  const items = [{ json: { to: "15550009999" } }, { json: { to: "15550002012" } }];
  const parameters = text("={{ $json.to }}", "go on");
  const [failed, sent] = await answered(credentials, parameters, { items, onError: "continueRegularOutput" });
  assert.deepEqual([failed.json.error.code, failed.json.error.httpStatus, failed.pairedItem.item], ["recipient_not_on_whatsapp", 400, 0]);
  assert.equal(sent.json.status, "sent");
  const { outputs } = await run(credentials, parameters, { items, onError: "continueErrorOutput" });
  assert.deepEqual(outputs.map((output) => output.length), [1, 1]);
  assert.match(outputs[1][0].json.message, /^recipient_not_on_whatsapp: /);
  assert.equal(outputs[1][0].json.to, "15550009999");
});

test("a list gives a limit, or all pages of it", limit, async () => {
  const send = (number) => world.wharf("POST", "/v1/messages/text", { sessionId, to: "15550002020", text: `row ${number}`, async: true });
  for (let from = 0; from < 230; from += 10) await Promise.all(Array.from({ length: 10 }, (_, at) => send(from + at)));
  const rows = (more) => answered(credentials, message("getAll", { filters: { chatId: "15550002020" }, ...more }));
  assert.equal((await rows({ returnAll: false, limit: 3 })).length, 3);
  assert.equal((await rows({ returnAll: false, limit: 210 })).length, 210);
  const all = await rows({ returnAll: true });
  assert.equal(new Set(all.map(({ json }) => json.messageId)).size, 230);
});

test("a file goes out from a field, by its id and by its URL, and comes back the same", limit, async () => {
  const bytes = Buffer.from("%PDF-1.4\n% a plan of the harbour\n%%EOF\n");
  const binary = { plan: { data: bytes.toString("base64"), mimeType: "application/pdf", fileName: "plan.pdf" } };
  const field = { binaryPropertyName: "plan" };
  const file = (source, more) => message("sendMedia", { sessionId, to: "15550002030", mediaType: "document", source, additionalFields: { caption: source }, ...more });
  const [sent] = await answered(credentials, file("binary", field), { items: [{ json: {}, binary }] });
  const { mediaId } = sent.json;
  await answered(credentials, file("mediaId", { mediaId }));
  const entries = await world.arrived("15550002030", 2);
  assert.deepEqual(entries.map(({ media }) => [media.caption, media.fileName, media.sha256]), ["binary", "mediaId"].map((source) => [source, "plan.pdf", createHash("sha256").update(bytes).digest("hex")]));
  const { error } = await run(credentials, file("url", { mediaUrl: "http://127.0.0.1:1/plan.pdf" }));
  assert.match(error.message, /^media_url_inaccessible: /);
  const [uploaded] = await answered(credentials, { resource: "media", operation: "upload", ...field }, { items: [{ json: {}, binary }] });
  assert.equal(uploaded.json.fileName, "plan.pdf");
  const [down] = await answered(credentials, { resource: "media", operation: "download", mediaId: uploaded.json.mediaId, binaryPropertyName: "file" });
  assert.deepEqual([down.json.fileName, down.binary.file.fileName, down.binary.file.mimeType], ["plan.pdf", "plan.pdf", "application/pdf"]);
  assert.ok(Buffer.from(down.binary.file.data, "base64").equals(bytes));
});

test("a wait ends when the message has come so far, has failed, or the time is over", limit, async () => {
  const wait = (messageId, until, timeoutSeconds) => run(credentials, message("waitFor", { messageId, until, timeoutSeconds }));
  const [read] = await answered(credentials, text("15550001003", "read this"));
  assert.equal((await wait(read.json.messageId, "read", 30)).outputs[0][0].json.status, "read");
  const [unread] = await answered(credentials, text("15550001002", "nobody reads this"));
  assert.match((await wait(unread.json.messageId, "read", 1)).error.message, /is (sent|delivered), and not read within 1 seconds/);
  const failed = await world.wharf("POST", "/v1/messages/text", { sessionId, to: "15550007479", text: "is refused", async: true });
  const { error } = await wait(failed.messageId, "delivered", 30);
  assert.equal(error.message, "message_sending_failed: the message failed");
});
