// What the client does beyond a request: tries again, pages, waits, listens, uploads.
import assert from "node:assert/strict";
import { openAsBlob, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readFile } from "node:fs/promises";
import { after, test } from "node:test";
import { ConnectionError, MessageFailedError, OPERATIONS, VERSION, WaitTimeoutError } from "wharf-client";
import { folder, refusal, remove, sandbox, until } from "./harness.mjs";
import { proxy } from "./proxy.mjs";

const world = await sandbox();
const wharf = world.client();
const sessionId = await world.pair(wharf, "15550000001");
const limit = { timeout: 60_000 };

test("every operation of the document has its method", async () => {
  const document = await wharf.server.getOpenapi();
  const all = Object.values(document.paths).flatMap((methods) => Object.values(methods).flatMap(({ operationId }) => operationId ?? []));
  assert.deepEqual(Object.keys(OPERATIONS).sort(), all.sort());
  for (const { group, method } of Object.values(OPERATIONS)) assert.equal(typeof wharf[group][method], "function", `${group}.${method}`);
  assert.equal(document.info.version, VERSION);
});

test("a lost answer is asked for again with the same key, and the person sees the text once", limit, async () => {
  const way = await proxy(world.url);
  const retries = [];
  const lossy = world.client({ baseUrl: way.url, onRetry: (retry) => retries.push(retry) });
  way.deaf = 2;
  let answer;
  const sent = await lossy.messages.sendText({ sessionId, to: "15550002001", text: "once" }, { onAnswer: (facts) => (answer = facts) });
  await wharf.messages.waitUntil(sent, "delivered");
  assert.equal((await world.shown("15550002001")).length, 1);
  const keys = way.header("/v1/messages/text", "Idempotency-Key");
  assert.ok(keys.length === 3 && keys[0] && new Set(keys).size === 1, `${keys}`);
  assert.deepEqual([answer.tries, answer.replayed], [3, true]);
  assert.ok(retries.every(({ operation, error }) => operation === "send_text" && error instanceof ConnectionError));
  await lossy.messages.sendText({ sessionId, to: "15550002001", text: "twice" });
  assert.notEqual(way.header("/v1/messages/text", "Idempotency-Key").at(-1), keys[0]);
});

test("a limit is waited for as long as Wharf says", limit, async () => {
  const { operator } = world;
  await operator.admin.setPlan("slow", { messagesPerDay: null, callsPerMinute: 1000, sessions: null, concurrentRequests: 1 });
  const { accountId } = await operator.admin.createAccount({ name: "slow", plan: "slow" });
  const { apiKey } = await operator.admin.createApiKey(accountId, { name: "slow", permissions: ["sessions:read", "sessions:write", "account:read"] });
  const pauses = [];
  const slow = world.client({ apiKey, onRetry: ({ error, pauseMs }) => pauses.push({ code: error.code, pauseMs, least: error.retryAfter * 1000 }) });
  const { sessionId: polled, qr } = await slow.sessions.create({ name: "polled" });
  const poll = slow.sessions.getQr(polled, { wait: 2, known: qr });
  const accounts = await Promise.all([slow.account.get(), slow.account.get(), poll]);
  assert.equal(accounts[0].accountId, accountId);
  assert.ok(pauses.length > 0 && pauses.every(({ code, pauseMs, least }) => code === "concurrent_request_limit_exceeded" && pauseMs >= least), JSON.stringify(pauses));
});

test("nobody at the address is a network error after all tries, and a signal ends the pauses", limit, async () => {
  const nobody = world.client({ baseUrl: "http://127.0.0.1:9", maxRetries: 2 });
  const error = await refusal(nobody.account.get());
  assert.ok(error instanceof ConnectionError && error.code === "network_error", `${error}`);
  assert.deepEqual([error.tries, error.operation], [3, "get_account"]);
  const ending = new AbortController();
  const waiting = world.client({ baseUrl: "http://127.0.0.1:9", firstPauseMs: 600_000, longestPauseMs: 600_000, onRetry: () => ending.abort(new Error("enough")) });
  assert.equal((await refusal(waiting.account.get({ signal: ending.signal }))).message, "enough");
});

test("a list gives its first page, its pages and all its rows", limit, async () => {
  const reference = "paged";
  const sent = [];
  for (let n = 0; n < 5; n++) sent.unshift((await wharf.messages.sendText({ sessionId, to: "15550002002", text: `row ${n}`, reference })).messageId);
  const page = await wharf.messages.list({ reference, limit: 2 });
  assert.equal(page.data.length, 2);
  assert.ok(page.next);
  const rows = await wharf.messages.list({ reference, limit: 2 }).toArray();
  assert.deepEqual(rows.map((row) => row.messageId), sent);
  const first = await wharf.messages.list({ reference, limit: 2 }).toArray(3);
  assert.equal(first.length, 3);
  const rest = await wharf.messages.list({ reference, limit: 2, cursor: page.next }).toArray();
  assert.deepEqual(rest.map((row) => row.messageId), sent.slice(2));
  const events = await wharf.events.list({ cursor: "oldest", limit: 3, events: ["message.sent"] }).toArray();
  assert.ok(events.length >= 5 && events.every((event) => event.event === "message.sent"), "the log of events ends where it tells nothing more");
});

test("a wait ends when the message was read, has failed, or the time is over", limit, async () => {
  const sent = await wharf.messages.sendText({ sessionId, to: "15550001003", text: "read me" });
  assert.equal((await wharf.messages.waitUntil(sent, "read")).status, "read");
  assert.equal((await wharf.messages.waitUntil(sent.messageId, "sent")).status, "read", "a later step is as good");
  const unread = await wharf.messages.sendText({ sessionId, to: "15550001002", text: "not read" });
  const late = await refusal(wharf.messages.waitUntil(unread, "read", { timeoutMs: 500 }));
  assert.ok(late instanceof WaitTimeoutError && late.seen.messageId === unread.messageId, `${late}`);
  const doomed = await wharf.messages.sendText({ sessionId, to: "15550007479", text: "x", async: true });
  const failed = await refusal(wharf.messages.waitUntil(doomed, "delivered"));
  assert.ok(failed instanceof MessageFailedError && failed.code === "message_sending_failed", `${failed}`);
});

test("a trial of a send is typed as one and sends nothing", limit, async () => {
  const would = await wharf.messages.sendText({ sessionId, to: "15550002003", text: "x", dryRun: true });
  assert.equal(would.dryRun, true);
  assert.equal((await world.shown("15550002003")).length, 0);
});

test("a stream that is cut goes on after the last event, and each is heard once", limit, async () => {
  const way = await proxy(world.url);
  const states = [];
  const listening = world.client({ baseUrl: way.url }).events.listen({ events: ["message.received"], onState: (state) => states.push(state) });
  await listening.ready;
  const heard = [];
  const done = (async () => {
    for await (const event of listening) {
      heard.push(event.data.text);
      if (heard.length === 6) break;
    }
  })();
  for (let n = 0; n < 6; n++) {
    if (n % 2 === 1) {
      // In the middle of the silence, and with an event on its way.
      await until(() => states.at(-1) === "listening");
      way.cut();
    }
    await world.control("POST", "/control/phones/15550002004/send", { to: "15550000001", type: "text", text: `heard ${n}` });
    await until(() => heard.length > n);
  }
  await done;
  assert.deepEqual(heard, [0, 1, 2, 3, 4, 5].map((n) => `heard ${n}`));
  assert.ok(states.filter((state) => state === "lost").length >= 3, `${states}`);
  assert.match(listening.cursor, /^evt_/);
});

test("a listening begins at its call, goes on from a cursor, and ends by its signal without an error", limit, async () => {
  const listening = wharf.events.listen({ events: ["message.sent"] });
  await listening.ready;
  const one = await wharf.messages.sendText({ sessionId, to: "15550002005", text: "1" });
  const two = await wharf.messages.sendText({ sessionId, to: "15550002005", text: "2" });
  const ids = [];
  for await (const event of listening) if (ids.push(event.data.messageId) === 1) break;
  const ending = new AbortController();
  for await (const event of wharf.events.listen({ events: ["message.sent"], cursor: listening.cursor, signal: ending.signal })) {
    ids.push(event.data.messageId);
    ending.abort();
  }
  assert.deepEqual(ids, [one.messageId, two.messageId]);
});

test("a key that may not listen ends a listening with its code", limit, async () => {
  const { apiKey } = await wharf.keys.create({ name: "deaf", permissions: ["messages:read"] });
  const error = await refusal(world.client({ apiKey }).events.listen()[Symbol.asyncIterator]().next());
  assert.equal(error.code, "insufficient_permissions");
});

test("a file goes up as a stream that tells how far it is, and comes back the same", limit, async () => {
  const kept = folder();
  after(() => remove(kept));
  const path = join(kept, "plan.bin");
  const bytes = new Uint8Array(3 * 1024 * 1024).map((_, at) => at % 251);
  writeFileSync(path, bytes);
  const steps = [];
  const stored = await wharf.media.upload(await openAsBlob(path), { mediaType: "document", fileName: "plan.bin", onProgress: (sent, total) => steps.push([sent, total]) });
  assert.equal(stored.sizeBytes, bytes.length);
  assert.deepEqual([steps[0], steps.at(-1)], [[0, bytes.length], [bytes.length, bytes.length]]);
  assert.ok(steps.length > 3, "more than the beginning and the end is told");
  const back = new Uint8Array(await (await wharf.media.get(stored.mediaId)).arrayBuffer());
  assert.ok(Buffer.from(back).equals(await readFile(path)));
  const part = await wharf.media.get(stored.mediaId, { headers: { Range: "bytes=0-9" } });
  assert.deepEqual([part.status, (await part.arrayBuffer()).byteLength], [206, 10]);
  const sent = await wharf.messages.sendMedia({ sessionId, to: "15550002006", mediaType: "document", mediaId: stored.mediaId });
  assert.equal(sent.fileName, "plan.bin");
});

test("an upload is tried again from its beginning where its source can be read again", limit, async () => {
  const way = await proxy(world.url);
  const lossy = world.client({ baseUrl: way.url });
  way.deaf = 1;
  const again = await lossy.media.upload(new TextEncoder().encode("a text"), { fileName: "a.txt", mediaType: "document" });
  assert.equal(again.sizeBytes, 6);
  way.deaf = 1;
  let opened = 0;
  const open = async function* () {
    opened++;
    yield new TextEncoder().encode("opened");
  };
  assert.equal((await lossy.media.upload(open, { fileName: "b.txt", mediaType: "document" })).sizeBytes, 6);
  assert.equal(opened, 2);
  way.deaf = 1;
  const once = await refusal(lossy.media.upload(open(), { fileName: "c.txt", mediaType: "document" }));
  assert.ok(once instanceof ConnectionError && once.tries === 1, `${once}`);
});

test("a QR code comes as a picture and as blocks for a terminal", limit, async () => {
  const { sessionId: shown } = await wharf.sessions.create({ name: "shown" });
  const png = await wharf.sessions.getQrAs(shown, "image/png");
  assert.equal(png.headers.get("Content-Type"), "image/png");
  assert.match(await (await wharf.sessions.getQrAs(shown, "text/plain")).text(), /[█▀▄]/);
});
