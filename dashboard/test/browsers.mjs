// A page of another origin that uses the API by itself: it sends a text and hears the answer, and where its origin is not named it does neither.
// Prints a sentence for each thing that holds.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { open, startBrowser, startSandbox } from "./lib.mjs";
import { asker, session } from "./world.mjs";

const ECHO = "15550001001";

// It knows a key that may send, and asks its own server for a token that listens: here that is the test.
const SHOP = `<!doctype html><title>shop</title><script>
  /** What came, by an EventSource's onmessage and by a WebSocket; each is told once. */
  globalThis.listen = ({ url, token, cursor }, how) => new Promise((done) => {
    const query = "/v1/events?token=" + token + "&cursor=" + encodeURIComponent(cursor);
    const heard = (message) => {
      const event = JSON.parse(message.data);
      if (event.event === "message.received") done({ text: event.data.text, sessionId: event.sessionId });
    };
    const source = how === "stream" ? new EventSource(url + query) : new WebSocket(url.replace("http", "ws") + query);
    source.onmessage = heard;
    source.onopen = () => (globalThis.opened = true);
    source.onerror = () => (source.readyState === (how === "stream" ? EventSource.CLOSED : WebSocket.CLOSED)) && done("nothing");
    source.onclose = (end) => done({ code: end.code, reason: end.reason });
  });
  globalThis.say = async ({ url, key, sessionId, text }) => {
    const headers = { Authorization: "Bearer " + key, "Content-Type": "application/json", "Idempotency-Key": crypto.randomUUID() };
    const answer = await fetch(url + "/v1/messages/text", { method: "POST", headers, body: JSON.stringify({ sessionId, to: "${ECHO}", text }) }).catch(() => null);
    return answer && { status: answer.status, requestId: answer.headers.get("X-Request-Id"), left: answer.headers.get("X-RateLimit-Remaining"), json: await answer.json() };
  };
</script>`;

/** A site of its own, which has the page. */
async function site() {
  const server = createServer((_, answer) => answer.writeHead(200, { "Content-Type": "text/html" }).end(SHOP));
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return { origin: `http://localhost:${server.address().port}`, end: () => server.close() };
}

/** A sandbox that names these origins, with a linked phone and what the page is given. */
async function gateway(origins) {
  const { ready, stop, log } = await startSandbox(process.argv[2], origins && { WHARF_ALLOWED_ORIGINS: origins });
  const world = asker(ready);
  const sessionId = await session(world, "Harbour shop", "15550000001");
  const { apiKey: key } = await world.api("POST", "/v1/api-keys", { name: "page", permissions: ["messages:send"], sessionIds: [sessionId] });
  const token = async () => ({ url: ready.url, ...(await world.api("POST", "/v1/events/tokens", { sessionId })) });
  return { ready, stop, log, sessionId, key, token };
}

async function named(browser, shop) {
  const { ready, stop, sessionId, key, token } = await gateway(shop.origin);
  try {
    for (const how of ["stream", "socket"]) {
      const { context, page, complaints } = await open(browser);
      await page.goto(shop.origin);
      const heard = page.evaluate(([given, how]) => globalThis.listen(given, how), [await token(), how]);
      await page.waitForFunction(() => globalThis.opened);
      const said = await page.evaluate((given) => globalThis.say(given), { url: ready.url, key, sessionId, text: `by ${how}` });
      assert.equal(said?.status, 201, JSON.stringify(said));
      assert.ok(said.requestId.startsWith("req_") && Number(said.left) > 0, JSON.stringify(said));
      const answer = await heard;
      assert.equal(answer.sessionId, sessionId);
      assert.match(answer.text, new RegExp(`by ${how}`));
      // A refusal is read as well, with its code.
      const refused = await page.evaluate((given) => globalThis.say(given), { url: ready.url, key: "nonsense", sessionId, text: "no" });
      assert.deepEqual([refused.status, refused.json.error.code], [401, "invalid_api_key"]);
      assert.deepEqual(complaints, []);
      await context.close();
    }
    console.log("holds: a page of a named origin sends a text and hears the answer, by a stream's onmessage and by a WebSocket");
  } finally {
    await stop();
  }
}

async function unnamed(browser, shop) {
  // Nobody, and somebody else: to a page it is the same.
  for (const origins of [undefined, "https://shop.example"]) {
    const { ready, stop, sessionId, key, token } = await gateway(origins);
    try {
      const { context, page } = await open(browser);
      await page.goto(shop.origin);
      assert.equal(await page.evaluate((given) => globalThis.say(given), { url: ready.url, key, sessionId, text: "no" }), null);
      assert.equal(await page.evaluate(([given, how]) => globalThis.listen(given, how), [await token(), "stream"]), "nothing");
      const socket = await page.evaluate(([given, how]) => globalThis.listen(given, how), [await token(), "socket"]);
      assert.ok(socket === "nothing" || socket.code === 1006, JSON.stringify(socket));
      assert.equal(await page.evaluate(() => globalThis.opened), undefined);
      const sent = (await asker(ready).api("GET", "/v1/messages")).filter((message) => message.direction === "outgoing");
      assert.deepEqual(sent, []);
      await context.close();
    } finally {
      await stop();
    }
  }
  console.log("holds: a page of an origin that is not named sends nothing and hears nothing");
}

const [browser, shop] = [await startBrowser(), await site()];
try {
  await named(browser, shop);
  await unnamed(browser, shop);
} finally {
  await browser.close();
  shop.end();
}
