// The small parts, without a server.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError, CODES, ConfigurationError, Wharf, WharfError, english, german, listenInPage } from "wharf-client";
import { backoff, sleep } from "../dist/backoff.js";
import { errorOf } from "../dist/errors.js";
import { messagesOf } from "../dist/sse.js";
import { refusal } from "./harness.mjs";

const pauses = { firstPauseMs: 100, longestPauseMs: 1000, longestRetryAfter: 60 };

/** A client whose server is the function. */
const on = (answer, options = {}) => new Wharf({ apiKey: "key", baseUrl: "http://wharf.test/wa/", firstPauseMs: 1, fetch: async (url, init) => answer(url, init), ...options });
const answered = (status, body, headers = {}) => new Response(typeof body === "string" ? body : JSON.stringify(body), { status, headers });
const failure = (code, details) => ({ success: false, error: { code, message: "what happened", ...(details && { details }) } });

/** What a function throws. */
function thrown(work) {
  try {
    work();
  } catch (error) {
    return error;
  }
  assert.fail("nothing was thrown");
}

/** Whether it is the refusal of what was given, and says which option it was. */
function refuses(error, option) {
  assert.ok(error instanceof ConfigurationError && error instanceof WharfError, `${error}`);
  assert.deepEqual([error.code, error.option], ["configuration_error", option], error.message);
  for (const table of [english, german]) assert.match(error.friendly(table), /^[^{}[\]]+\.$/);
}

test("an address that cannot be meant is refused at once, and not asked again and again", () => {
  const strange = ["", "localhost:8080", "127.0.0.1:8080", "wharf.example.com", "//wharf.example.com", "/wharf", "ftp://wharf.example.com", "http://", "http://a b", "http://here\n", " http://here"];
  for (const baseUrl of [...strange, "http://here:port", "http://me:word@here", "http://here/?key=1", "http://here/#docs", "https://here?"]) {
    refuses(thrown(() => new Wharf({ baseUrl })), "baseUrl");
    refuses(thrown(() => listenInPage({ baseUrl, token: () => assert.fail("a token was asked for") })), "baseUrl");
  }
});

test("an address may have a path and slashes at its end", async () => {
  for (const [baseUrl, asked] of [
    ["http://wharf.test", "http://wharf.test/healthz"],
    ["https://wharf.test/", "https://wharf.test/healthz"],
    ["http://wharf.test:8080/wa//", "http://wharf.test:8080/wa/healthz"],
    ["http://[::1]:8080", "http://[::1]:8080/healthz"],
  ]) {
    const seen = [];
    await on((url) => (seen.push(url), answered(200, "{}")), { baseUrl }).request("GET", "/healthz");
    assert.deepEqual(seen, [asked]);
  }
});

test("in a page an address may be a path of the server that the page's links go to", async () => {
  const location = { href: "https://page.test/shop?item=1#top" };
  const inside = { location: { href: "about:srcdoc" }, document: { baseURI: "https://page.test/shop" } };
  for (const names of [{ location }, { location, document: { baseURI: location.href } }, inside]) {
    for (const [name, value] of Object.entries(names)) Object.defineProperty(globalThis, name, { value, configurable: true });
    try {
      for (const [baseUrl, asked] of [["/", "https://page.test/healthz"], ["/wharf/", "https://page.test/wharf/healthz"], ["http://wharf.test", "http://wharf.test/healthz"]]) {
        const seen = [];
        await on((url) => (seen.push(url), answered(200, "{}")), { baseUrl }).request("GET", "/healthz");
        assert.deepEqual(seen, [asked]);
      }
      for (const baseUrl of ["//wharf.test", "wharf", ""]) refuses(thrown(() => new Wharf({ baseUrl })), "baseUrl");
    } finally {
      for (const name of Object.keys(names)) delete globalThis[name];
    }
  }
});

test("headers are taken in every form that fetch takes", async () => {
  for (const headers of [{ "X-Team": "a" }, new Headers({ "X-Team": "a" }), [["X-Team", "a"]], new Map([["X-Team", "a"]])]) {
    const seen = [];
    const answer = (url, init) => (seen.push(init.headers.get("x-team")), answered(200, "{}"));
    await on(answer, { headers }).request("GET", "/healthz");
    await on(answer).request("GET", "/healthz", {}, { headers });
    await on(answer, { headers: { "x-team": "b" } }).request("GET", "/healthz", {}, { headers });
    assert.deepEqual(seen, ["a", "a", "a"]);
  }
  const twice = [];
  const pairs = [["X-Team", "a"], ["X-Team", "b"]];
  await on((url, init) => (twice.push(init.headers.get("x-team")), answered(200, "{}")), { headers: pairs }).request("GET", "/healthz");
  assert.deepEqual(twice, ["a, b"]);
  refuses(thrown(() => new Wharf({ headers: [["X Team", "a"]] })), "X Team");
});

test("headers that can be read but once go with each call, each try and each page", async () => {
  function* once() {
    yield ["X-Team", "a"];
  }
  const seen = [];
  const answers = [answered(200, "{}"), answered(200, "{}")];
  const answer = (url, init) => (seen.push(init.headers.get("x-team")), answers.shift());
  const client = on(answer, { headers: once() });
  await client.request("GET", "/healthz");
  await client.request("GET", "/healthz");
  assert.deepEqual(seen.splice(0), ["a", "a"]);

  const page = (next) => answered(200, { success: true, data: [{}], page: { next } });
  answers.push(answered(503, failure("service_unavailable")), page("more"), answered(503, failure("service_unavailable")), page(null));
  assert.equal((await on(answer).messages.list({}, { headers: once() }).toArray()).length, 2);
  assert.deepEqual(seen, ["a", "a", "a", "a"]);
  refuses(await refusal(on(answer).messages.list({}, { headers: [["X Team", "a"]] })), "X Team");
});

test("a key, a name or a header that cannot be sent is the SDK's own error, is not tried again, and is not told", async () => {
  for (const apiKey of ["", " ", "wharf live", "wharf_live_\n", "wharf_live_ü", "ключ", "wharf_live_\u0000"]) {
    const error = thrown(() => new Wharf({ apiKey }));
    refuses(error, "apiKey");
    assert.ok(apiKey.trim() === "" || !error.message.includes(apiKey), error.message);
  }
  refuses(thrown(() => new Wharf({ headers: { "X-Team": "Ünïcode ключ" } })), "X-Team");
  refuses(thrown(() => new Wharf({ headers: { "X Team": "a" } })), "X Team");
  const client = on(() => assert.fail("it was sent"));
  for (const idempotencyKey of ["", "order 1", "order-1\n", "заказ-1"]) {
    refuses(await refusal(client.messages.sendText({ sessionId: "s", to: "1", text: "x" }, { idempotencyKey })), "idempotencyKey");
  }
  refuses(await refusal(client.account.get({ headers: { "X-Request-Id": "a\nb" } })), "X-Request-Id");
  refuses(await refusal(client.media.upload(new Uint8Array(1), { contentType: "text/ключ" })), "Content-Type");
});

test("a body that is no JSON is the program's own slip, and is told at its first try", async () => {
  const retries = [];
  const client = on(() => assert.fail("it was sent"), { onRetry: (retry) => retries.push(retry) });
  assert.ok((await refusal(client.request("POST", "/v1/sessions", { body: { name: 1n } }))) instanceof TypeError);
  assert.deepEqual(retries, []);
});

test("pauses grow, are shortened by chance, and are never shorter than Wharf says", () => {
  for (let tries = 1; tries <= 40; tries++) {
    const grown = Math.min(1000, 100 * 2 ** (tries - 1));
    const pause = backoff(tries, pauses);
    assert.ok(pause >= grown / 2 && pause <= grown, `${tries}: ${pause}`);
    const named = backoff(tries, pauses, 7);
    assert.ok(named >= 7000 && named <= 7000 + grown / 2, `${tries}: ${named}`);
  }
  assert.equal(backoff(1, pauses, 61), undefined);
  assert.ok(new Set(Array.from({ length: 20 }, () => backoff(5, pauses))).size > 1);
});

test("a sleep ends by its signal with the signal's reason", async () => {
  const reason = new Error("over");
  assert.equal(await refusal(sleep(600_000, AbortSignal.abort(reason))), reason);
  const ending = new AbortController();
  const sleeping = sleep(600_000, ending.signal);
  ending.abort(reason);
  assert.equal(await refusal(sleeping), reason);
});

test("a stream is read whatever its pieces are", async () => {
  const text = ': lives\n\nid: evt_1\nevent: x\ndata: {"a":"ü"}\n\nretry: 5\n\nid:evt_2\r\ndata:1\r\ndata:2\r\n\r\nid: evt_3\ndata: cut';
  const bytes = new TextEncoder().encode(text);
  for (const size of [1, 2, 3, 7, bytes.length]) {
    const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => bytes.slice(at * size, (at + 1) * size));
    let alive = 0;
    const body = new ReadableStream({ start: (to) => (pieces.forEach((piece) => to.enqueue(piece)), to.close()) });
    const seen = [];
    for await (const message of messagesOf(body, () => alive++)) seen.push(message);
    assert.deepEqual(seen, [{ id: "evt_1", data: '{"a":"ü"}' }, { id: "evt_2", data: "1\n2" }], `pieces of ${size}`);
    assert.equal(alive, pieces.length);
  }
});

test("a sentence has the details that are known and no braces", () => {
  const of = (code, details) => errorOf({ code, message: "" , details }, { httpStatus: 400, docs: "" });
  const long = of("message_too_long", { limit: 4096, actual: 5000 });
  assert.equal(long.friendly(), "Your message is too long: it may have 4096 characters and has 5000.");
  assert.equal(of("message_too_long").friendly(), "Your message is too long.");
  assert.equal(long.friendly(german), "Die Nachricht ist zu lang: 5000 Zeichen, erlaubt sind 4096.");
  for (const code of Object.keys(CODES)) for (const table of [english, german]) assert.match(of(code).friendly(table), /^[^{}[\]]+\.$/);
});

test("a code of a newer Wharf is an error all the same", async () => {
  const error = await refusal(on(() => answered(418, failure("brewing", { retryAfter: 3 }), { "X-Request-Id": "req" })).account.get());
  assert.ok(error instanceof ApiError && error.constructor === ApiError);
  assert.deepEqual([error.code, error.httpStatus, error.requestId, error.retryAfter, error.retryable], ["brewing", 418, "req", 3, true]);
  assert.equal(error.friendly(), english.internal_server_error);
});

test("a proxy's page is no answer of Wharf's: from one that did not reach it it is tried again", async () => {
  let asked = 0;
  const client = on(() => (++asked < 3 ? answered(502, "<html>Bad Gateway</html>") : answered(200, { success: true, data: { accountId: "acc" } })));
  assert.equal((await client.account.get()).accountId, "acc");
  assert.equal(asked, 3);
  const page = await refusal(on(() => answered(200, "<html>Sign in</html>"), { maxRetries: 0 }).account.get());
  assert.equal(page.code, "network_error");
});

test("a base address below a path is kept, and what is put into a path is escaped", async () => {
  let seen;
  const client = on((url) => ((seen = url), answered(200, { success: true, data: {} })));
  await client.contacts.get("+1 555/1", { sessionId: "ses_1" });
  assert.equal(seen, "http://wharf.test/wa/v1/contacts/%2B1%20555%2F1?sessionId=ses_1");
});

test("what a person must decide is not tried again, and neither is a limit that lasts too long", async () => {
  for (const [status, code, details] of [
    [500, "message_sending_failed"],
    [400, "session_not_connected"],
    [403, "daily_message_limit_reached"],
    [429, "rate_limit_exceeded", { retryAfter: 3600 }],
  ]) {
    let asked = 0;
    const error = await refusal(on((_, { method }) => ((asked += Number(method === "POST")), answered(status, failure(code, details)))).messages.sendText({ sessionId: "s", to: "1", text: "x" }));
    assert.deepEqual([error.code, asked, error.tries], [code, 1, 1]);
  }
});

test("a time limit ends a try with a network error, and the signal of the caller with its reason", async () => {
  const never = (_, { signal }) => new Promise((_, failed) => signal.addEventListener("abort", () => failed(signal.reason ?? new Error("aborted"))));
  const late = await refusal(on(never, { timeoutMs: 20, maxRetries: 1 }).account.get());
  assert.deepEqual([late.code, late.tries], ["network_error", 2]);
  const ending = new AbortController();
  const call = on(never).account.get({ signal: ending.signal });
  ending.abort(new Error("mine"));
  assert.equal((await refusal(call)).message, "mine");
});

test("a session that comes back by itself is waited for, and one that waits for a person is not", async () => {
  for (const [status, more, tries] of [["starting", {}, 2], ["reconnecting", {}, 2], ["connected", {}, 2], ["qr", {}, 1], ["reconnecting", { waitingFor: "client_update" }, 1]]) {
    const asked = [];
    const client = on((url, { method }) => {
      asked.push(`${method} ${new URL(url).pathname}`);
      if (method === "GET") return answered(200, { success: true, data: { sessionId: "ses_1", status, ...more } });
      return asked.length === 1 ? answered(400, failure("session_not_connected")) : answered(201, { success: true, data: { messageId: "msg_1" } });
    });
    const sending = client.messages.sendText({ sessionId: "ses_1", to: "1", text: "x" });
    if (tries === 2) assert.equal((await sending).messageId, "msg_1");
    else assert.equal((await refusal(sending)).code, "session_not_connected");
    const send = "POST /wa/v1/messages/text";
    assert.deepEqual(asked, [send, "GET /wa/v1/sessions/ses_1", send].slice(0, tries + 1), `${status} ${JSON.stringify(more)}`);
  }
});
