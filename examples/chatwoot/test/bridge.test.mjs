// The bridge between a sandbox and a small copy of Chatwoot: WHARF_SANDBOX_BIN=… node --test test/bridge.test.mjs
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHmac, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import { fakeChatwoot } from "./fake-chatwoot.mjs";

const OWN = "15550000001";
const HOOK = { token: "agent-token", accountId: 7, inboxId: 3 };
const secret = `whsec_${randomBytes(32).toString("base64")}`;
const chatwoot = await fakeChatwoot(HOOK);
after(chatwoot.stop);

/** Starts a program and waits for its first line. */
async function start(path, args, env = {}) {
  const child = spawn(path, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((done) => child.on("exit", done));
  const first = await new Promise((done, failed) => {
    createInterface({ input: child.stdout }).on("line", done);
    ended.then((code) => failed(new Error(`${path} ended with ${code}`)));
  });
  const stop = () => (child.kill(), ended);
  return { first, stop };
}

async function until(look) {
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    await new Promise((done) => setTimeout(done, 50));
  }
}

const data = mkdtempSync(join(tmpdir(), "wharf-chatwoot-"));
// Short at first, for what is to be delivered again, and long enough in the end for a bridge that starts again.
const WHARF_WEBHOOK_RETRY_PAUSES_SECS = "0.1,0.1,0.1,0.1,1,1,2,2,5,5,10,10";
const sandbox = await start(process.env.WHARF_SANDBOX_BIN, ["--json", "--quiet", "--port", "0", "--data-dir", data], { WHARF_WEBHOOK_RETRY_PAUSES_SECS });
after(async () => (await sandbox.stop(), rmSync(data, { recursive: true, force: true })));
const { url, controlUrl, apiKey } = JSON.parse(sandbox.first);

async function asked(base, method, path, body, headers = {}) {
  const answer = await fetch(base + path, { method, headers, body: typeof body === "string" ? body : body && JSON.stringify(body) });
  const { data, error } = await answer.json();
  assert.ok(answer.ok, `${method} ${path}: ${JSON.stringify(error)}`);
  return data;
}
const wharf = (method, path, body) => asked(url, method, path, body, { Authorization: `Bearer ${apiKey}`, "Content-Type": "application/json" });
const control = (method, path, body) => asked(controlUrl, method, path, body);
const says = (number, what) => control("POST", `/control/phones/${number}/send`, { to: OWN, type: "text", ...what });
const shown = (number) => control("GET", `/control/phones/${number}/messages`);

const { sessionId, qr } = await wharf("POST", "/v1/sessions", { name: "desk" });
await control("POST", `/control/scan?phone=${OWN}`, qr);
await until(async () => (await wharf("GET", `/v1/sessions/${sessionId}`)).status === "connected");

const env = {
  WHARF_URL: url,
  WHARF_API_KEY: apiKey,
  WHARF_SESSION_ID: sessionId,
  WHARF_WEBHOOK_SECRET: secret,
  BRIDGE_TOKEN: "in-the-callback",
  CHATWOOT_URL: chatwoot.url,
  CHATWOOT_TOKEN: HOOK.token,
  CHATWOOT_ACCOUNT_ID: String(HOOK.accountId),
  CHATWOOT_INBOX_ID: String(HOOK.inboxId),
  CHATWOOT_WEBHOOK_SECRET: "of the inbox",
};
let bridge = await start(process.execPath, [new URL("../bridge.mjs", import.meta.url).pathname], { ...env, PORT: "0" });
after(() => bridge.stop());
const port = /listening on (\d+)/.exec(bridge.first)[1];
const own = `http://127.0.0.1:${port}`;

/** Chatwoot's webhook, signed as it signs. */
async function calls(body, { path = "/chatwoot/in-the-callback", key = "of the inbox" } = {}) {
  const text = JSON.stringify(body);
  const time = String(Math.floor(Date.now() / 1000));
  const signature = `sha256=${createHmac("sha256", key).update(`${time}.${text}`).digest("hex")}`;
  return (await fetch(own + path, { method: "POST", body: text, headers: { "x-chatwoot-timestamp": time, "x-chatwoot-signature": signature } })).status;
}
const said = (content) => chatwoot.messages.filter((message) => message.content === content);
const limit = { timeout: 60_000 };

test("what people write stands in one conversation of theirs", limit, async () => {
  await says("15550002001", { text: "is it open today?" });
  await until(() => said("is it open today?").length);
  await says("15550002001", { text: "hello?" });
  const [second] = await until(() => said("hello?").length && said("hello?"));
  const [first] = said("is it open today?");
  assert.equal(first.message_type, "incoming");
  assert.equal(first.conversation, second.conversation);
  assert.deepEqual(chatwoot.contacts.map(({ identifier, phone_number }) => [identifier, phone_number]), [["15550002001@s.whatsapp.net", "+15550002001"]]);
});

test("a delivery that is repeated makes no second message, and many at once no second contact", limit, async () => {
  // What was asked happened, and the answer was lost: the bridge answers 500, and Wharf delivers again.
  chatwoot.faults.push((route, body) => route === "POST /conversations/:id/messages" && body.content === "once");
  await Promise.all([1, 2, 3, 4, 5].map((number) => says("15550002002", { text: number === 1 ? "once" : `at once ${number}` })));
  await until(async () => {
    const [{ webhookId }] = await wharf("GET", "/v1/webhooks");
    const deliveries = await wharf("GET", `/v1/webhooks/${webhookId}/deliveries`);
    return [2, 3, 4, 5].every((number) => said(`at once ${number}`).length) && chatwoot.faults.length === 0 && deliveries.every(({ status }) => status === "delivered");
  });
  assert.equal(said("once").length, 1);
  assert.equal(chatwoot.contacts.filter(({ identifier }) => identifier.startsWith("15550002002")).length, 1);
});

test("a picture comes as a file, with its caption", limit, async () => {
  const png = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");
  await says("15550002003", { type: "image", data: png.toString("base64"), caption: "the leak" });
  const [message] = await until(() => said("the leak").length && said("the leak"));
  assert.deepEqual(message.attachments.map(({ name, bytes }) => [name, bytes.equals(png)]), [["image.png", true]]);
});

test("what an agent writes goes out once, however often Chatwoot tells of it, and its ticks come back", limit, async () => {
  await says("15550001003", { text: "a question" });
  const [{ conversation }] = await until(() => said("a question").length && said("a question"));
  const [message, told] = chatwoot.written(conversation, "**Yes**, until eight");
  assert.deepEqual(await Promise.all([calls(told), calls(told)]), [204, 204]);
  assert.equal(await calls(told), 204);
  await until(() => message.status === "read");
  const entries = (await shown("15550001003")).filter(({ fromMe }) => !fromMe).map(({ text }) => text);
  assert.deepEqual(entries, ["*Yes*, until eight"]);
});

test("an agent's file goes out with its words, and a note stays inside", limit, async () => {
  await says("15550002004", { text: "the plan, please" });
  const [{ conversation }] = await until(() => said("the plan, please").length && said("the plan, please"));
  const file = chatwoot.attached("plan.txt", "file", "text/plain", Buffer.from("a plan\n"));
  const [, told] = chatwoot.written(conversation, "here", { attachments: [file] });
  const [, note] = chatwoot.written(conversation, "ask him first", { note: true });
  assert.equal(await calls(note), 204);
  assert.equal(await calls(told), 204);
  const received = async () => (await shown("15550002004")).filter(({ fromMe }) => !fromMe);
  const [entry] = await until(async () => (await received()).length > 0 && (await received()));
  assert.deepEqual([entry.type, entry.media.caption, entry.media.fileName], ["document", "here", "plan.txt"]);
  assert.equal((await received()).length, 1);
});

test("a refusal stands at the agent's message with its code", limit, async () => {
  const [{ id }] = chatwoot.conversations;
  const [message, told] = chatwoot.written(id, "x".repeat(4097));
  assert.equal(await calls(told), 204);
  assert.equal(message.status, "failed");
  assert.match(message.external_error, /^message_too_long: /);
});

test("what the account writes at the phone stands there as sent, and does not go out again", limit, async () => {
  await control("POST", `/control/phones/${OWN}/send`, { to: "15550002001", type: "text", text: "from the phone" });
  const [message] = await until(() => said("from the phone").length && said("from the phone"));
  assert.equal(message.message_type, "outgoing");
  const [, told] = chatwoot.written(message.conversation, "from the phone");
  assert.equal(await calls({ ...told, source_id: message.source_id }), 204);
  const there = async () => (await shown("15550002001")).filter(({ text }) => text === "from the phone");
  await until(async () => (await there()).length > 0);
  assert.equal((await there()).length, 1);
});

test("strangers are refused on both sides", limit, async () => {
  const [{ id }] = chatwoot.conversations;
  const [, told] = chatwoot.written(id, "forged");
  assert.equal(await calls(told, { path: "/chatwoot/guessed" }), 404);
  assert.equal(await calls(told, { key: "guessed" }), 400);
  assert.equal((await fetch(`${own}/wharf`, { method: "POST", body: "{}" })).status, 400);
  assert.equal((await shown("15550002001")).filter(({ text }) => text === "forged").length, 0);
});

test("a bridge that starts again takes up its webhook and knows what it has told", limit, async () => {
  await bridge.stop();
  await says("15550002001", { text: "while it was away" });
  bridge = await start(process.execPath, [new URL("../bridge.mjs", import.meta.url).pathname], { ...env, PORT: port });
  await until(() => said("while it was away").length);
  const [{ webhookId }, ...others] = await wharf("GET", "/v1/webhooks");
  assert.deepEqual(others, []);
  await wharf("POST", `/v1/webhooks/${webhookId}/recover`, { since: new Date(0).toISOString() });
  const deliveries = await wharf("GET", `/v1/webhooks/${webhookId}/deliveries?limit=1`);
  await asked(url, "POST", `/v1/webhooks/${webhookId}/deliveries/${deliveries[0].deliveryId}/retry`, undefined, { Authorization: `Bearer ${apiKey}` });
  await until(async () => (await wharf("GET", `/v1/webhooks/${webhookId}/deliveries`)).every(({ status }) => status === "delivered"));
  assert.equal(said("while it was away").length, 1);
});
