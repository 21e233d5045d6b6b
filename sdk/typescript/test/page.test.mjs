// Listening in a page, which has no key: by tokens that its own server gives.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { after, test } from "node:test";
import { hasCode, listenInPage } from "wharf-client";
import { refusal, sandbox, until } from "./harness.mjs";
import { proxy } from "./proxy.mjs";

const world = await sandbox();
const wharf = world.client();
const sessionId = await world.pair(wharf, "15550000001");
const limit = { timeout: 60_000 };
const say = (from, text) => world.control("POST", `/control/phones/${from}/send`, { to: "15550000001", type: "text", text });

/** Hears texts as a page does, by what `token` gives; each is handed to the test as it comes. */
function page(token, options = {}) {
  const heard = [];
  const states = [];
  const listening = listenInPage({ baseUrl: world.url, token, events: ["message.received"], onState: (state) => states.push(state), ...options });
  after(() => listening.close());
  const done = (async () => {
    for await (const event of listening) heard.push(event.data.text);
  })();
  // Who asks for it later is told its error.
  done.catch(() => undefined);
  return { heard, states, listening, done };
}

test("a page hears each event once, over a cut and the end of its token, and sends no key", limit, async () => {
  const way = await proxy(world.url);
  let asked = 0;
  const { heard, states, listening, done } = page(() => (asked++, wharf.events.createToken({ sessionId })), { baseUrl: way.url });
  await listening.ready;
  await say("15550002021", "one");
  await until(() => heard.length === 1);
  way.cut();
  await say("15550002021", "two");
  await until(() => heard.length === 2);
  assert.equal(asked, 1, "a token is used as long as it is good");
  // The gateway's clock runs ahead of the page's: the token is over before the page thinks so.
  await world.advance(11 * 60);
  await until(() => states.filter((state) => state === "lost").length >= 2);
  await say("15550002021", "three");
  await until(() => heard.length === 3);
  assert.deepEqual(heard, ["one", "two", "three"]);
  assert.ok(asked >= 2, `${asked}`);
  for (const name of ["Authorization", "Cookie", "X-Wharf-Dashboard", "Content-Type"]) {
    assert.ok(way.header("/v1/events", name).every((value) => value === undefined), `${name} would have a browser ask first`);
  }
  listening.close();
  await done;
});

test("a token is replaced before it ends, and the listening is not lost meanwhile", limit, async () => {
  let asked = 0;
  const token = async () => {
    asked++;
    const made = await wharf.events.createToken({ sessionId });
    // By the page's clock it is good for two seconds.
    return { ...made, expiresAt: new Date(Date.now() + 2_000).toISOString() };
  };
  const { heard, states, listening, done } = page(token);
  await until(() => asked >= 3);
  await say("15550002022", "still here");
  await until(() => heard.length === 1);
  assert.ok(!states.includes("lost"), `${states}`);
  listening.close();
  await done;
});

test("a page whose server is away for a moment goes on, and one that is signed out ends with that word", limit, async () => {
  let asked = 0;
  const retries = [];
  const away = async () => {
    if (++asked === 1) throw new TypeError("fetch failed");
    return wharf.events.createToken({ sessionId });
  };
  const { heard, listening, done } = page(away, { onRetry: (retry) => retries.push(retry.operation) });
  await listening.ready;
  await say("15550002023", "back again");
  await until(() => heard.length === 1);
  assert.deepEqual(retries, ["create_event_token"]);
  listening.close();
  await done;
  const signedOut = page(() => Promise.reject(new Error("signed out")));
  assert.equal((await refusal(signedOut.done)).message, "signed out");
});

test("a fresh token that is refused ends a listening with its code", limit, async () => {
  const none = page(async () => ({ token: "wharf_stream_none", cursor: "oldest" }));
  const error = await refusal(none.done);
  assert.ok(hasCode(error, "invalid_api_key"), `${error}`);
  assert.ok(!JSON.stringify(error).includes("wharf_stream_none"), "no token stands in an error");
});

test("the example's page has its code, and its server gives it a token that opens the stream", limit, async () => {
  const example = join(new URL("..", import.meta.url).pathname, "examples", "page.mjs");
  const child = spawn(process.execPath, [example, sessionId], { env: { ...process.env, WHARF_URL: world.url, WHARF_API_KEY: world.apiKey, PORT: "0" } });
  after(() => child.kill());
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (said += text));
  const url = await until(() => /open (\S+)\n/.exec(said)?.[1]);
  const text = await (await fetch(url)).text();
  assert.ok(text.includes("listenInPage") && !text.includes(world.apiKey), "the key is not in the page");
  // Every file that the page's first one leads to is there.
  const left = ["/wharf-client/index.js"];
  const seen = new Set();
  for (let path = left.pop(); path; path = left.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    const answer = await fetch(url + path);
    assert.equal(answer.headers.get("Content-Type"), "text/javascript", path);
    for (const [, next] of (await answer.text()).matchAll(/from "(\.[^"]+)"/g)) left.push(new URL(next, `http://x${path}`).pathname);
  }
  assert.ok(seen.size > 10, `${[...seen]}`);
  const { heard, listening, done } = page(async (signal) => (await fetch(`${url}/token`, { method: "POST", signal })).json());
  await listening.ready;
  await say("15550002024", "to the page");
  await until(() => heard.length === 1);
  listening.close();
  await done;
});
