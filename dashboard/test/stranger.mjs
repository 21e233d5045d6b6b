// The dashboard as a stranger meets it, from the sandbox's first line on. Prints a sentence for each thing that holds; fails at the first
// that does not.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { deflateSync, crc32 } from "node:zlib";
import { enter, enterAs, enterByKey, open, quiet, startBrowser, startSandbox, visit } from "./lib.mjs";
import { missing, pagesOf, see } from "./pages.mjs";
import { furnish, renew } from "./world.mjs";

const ECHO = "15550001001";
const ABSENT = "15550009999";
const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const holds = (sentence) => console.log(`holds: ${sentence}`);

const { ready, stop, log } = await startSandbox(process.argv[2]);
const browser = await startBrowser();
const failures = process.env.WHARF_PICTURES_OF_FAILURES;
let opened = [];
const fresh = async (options) => {
  const one = await open(browser, options);
  opened.push(one);
  return one;
};

const api = async (method, path, body, key = ready.apiKey) => {
  const response = await fetch(ready.url + path, { method, headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" }, body: body && JSON.stringify(body) });
  return { status: response.status, json: await response.json() };
};

async function firstPage() {
  const { page, complaints } = await fresh();
  await page.goto(`${ready.url}/`);
  await page.getByRole("button", { name: "Sign in", exact: true }).waitFor();
  assert.equal(page.url(), `${ready.url}/dashboard/`);
  holds("a browser at the bare address comes to the door");
  const figures = await page.evaluate(() => ({
    bytes: [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")].reduce((sum, entry) => sum + entry.transferSize, 0),
    requests: performance.getEntriesByType("resource").length + 1,
    foreign: performance.getEntriesByType("resource").filter((entry) => new URL(entry.name).origin !== location.origin).length,
    shifted: globalThis.shifted,
  }));
  assert.ok(figures.bytes > 1_000 && figures.bytes < 100_000, `bytes: ${figures.bytes}`);
  assert.ok(figures.requests < 12, `requests: ${figures.requests}`);
  assert.ok(figures.shifted < 0.05, `layout shift: ${figures.shifted}`);
  assert.equal(figures.foreign, 0);
  assert.deepEqual(complaints, []);
  holds(`the first page is ${figures.bytes} bytes in ${figures.requests} requests, none of them to elsewhere, and nothing jumps`);
}

async function rules() {
  const page = await fetch(`${ready.url}/dashboard/`);
  const policy = page.headers.get("content-security-policy");
  for (const rule of ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'", "script-src 'self'", "style-src 'self'"]) assert.ok(policy.includes(rule), policy);
  assert.ok(!policy.includes("unsafe"), policy);
  assert.equal(page.headers.get("cache-control"), "no-store");
  assert.equal(page.headers.get("x-content-type-options"), "nosniff");
  assert.equal(page.headers.get("x-frame-options"), "DENY");
  const html = await page.text();
  for (const [, path] of html.matchAll(/(?:src|href)="\.\/([^"]+)"/g)) {
    const file = await fetch(`${ready.url}/dashboard/${path}`);
    assert.equal(file.status, 200, path);
    assert.match(file.headers.get("cache-control"), /immutable/, path);
  }
  holds("the page is never kept, its files for ever, and nobody may frame it");
  for (const [method, path, status, code] of [
    ["GET", "/dashboard/assets/nothing.js", 404, "resource_not_found"],
    ["GET", "/dashboard/index.html", 404, "resource_not_found"],
    ["POST", "/dashboard/", 405, "method_not_allowed"],
    ["GET", "/", 404, "resource_not_found"],
  ]) {
    const refused = await fetch(ready.url + path, { method });
    assert.deepEqual([refused.status, (await refused.json()).error.code], [status, code], path);
  }
  holds("what is no file of it is refused in the envelope");
  for (const headers of [{ Origin: "https://evil.example" }, { Origin: "null" }]) {
    const forged = await fetch(`${ready.url}/sandbox/control/phones/${ECHO}/sleep`, { method: "POST", headers });
    assert.equal(forged.status, 403);
  }
  holds("another machine's page moves no pretend phone");
}

async function demonstration(page) {
  await enter(page, ready);
  await visit(page, "start");
  await page.getByRole("button", { name: "Scan with a pretend phone" }).click();
  const exchange = page.getByRole("log", { name: "Messages with Echo" });
  await exchange.locator('.bubble.out[data-status="read"]').waitFor();
  await exchange.locator(".bubble.in").waitFor();
  holds("a first visit shows a session, its code, and after one click a first message, its ticks and the answer");
}

async function sessions(page) {
  await visit(page, "sessions");
  await page.getByRole("button", { name: "New session" }).click();
  await page.getByLabel("Name").fill('Shop <img src=x onerror="globalThis.hacked=1">');
  await page.getByRole("button", { name: "Make it and show the code" }).click();
  await page.getByRole("timer").waitFor();
  await page.getByRole("dialog").getByText("waits for its scan").waitFor();
  await page.getByRole("button", { name: "Scan with a pretend phone" }).click();
  await page.getByRole("dialog").getByText("connected", { exact: true }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.getByText("2 of 2 connected").waitFor();
  holds("a session is made, shows its code with the time that is left, and is linked by a click");
}

/** A picture of one colour, as small as a file of it can be. */
function png(width, height) {
  const chunk = (name, data) => {
    const body = Buffer.concat([Buffer.from(name), data]);
    const frame = Buffer.alloc(8);
    frame.writeUInt32BE(data.length, 0);
    frame.writeUInt32BE(crc32(body), 4);
    return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const rows = Buffer.concat(Array.from({ length: height }, () => Buffer.concat([Buffer.from([0]), Buffer.alloc(width * 3, Buffer.from([11, 107, 93]))])));
  return Buffer.concat([Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), chunk("IHDR", head), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))]);
}

async function drop(page, name, type, bytes) {
  const transfer = await page.evaluateHandle(
    ([name, type, base64]) => {
      const data = new DataTransfer();
      data.items.add(new File([Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0))], name, { type }));
      return data;
    },
    [name, type, Buffer.from(bytes).toString("base64")],
  );
  await page.dispatchEvent("form.composer", "dragover", { dataTransfer: transfer });
  await page.dispatchEvent("form.composer", "drop", { dataTransfer: transfer });
}

async function inbox(page, sessionId) {
  await visit(page, "inbox", sessionId, ECHO);
  const evil = '<script>globalThis.hacked=1</script> & "quotes"';
  await page.getByLabel("Message", { exact: true }).fill(evil);
  await page.keyboard.press("Enter");
  await page.locator('.bubble.out[data-status="read"]', { hasText: evil }).waitFor();
  await page.locator(".bubble.in", { hasText: evil }).waitFor();
  holds("a text is sent, seen read and echoed without a reload");
  await drop(page, "quay.png", "image/png", png(120, 80));
  await page.getByText("quay.png").waitFor();
  await page.getByLabel("Message", { exact: true }).fill("Our quay");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await page.locator('.bubble.out[data-status="read"]', { hasText: "Our quay" }).locator("img").waitFor();
  const width = await page.locator(".bubble.out", { hasText: "Our quay" }).locator("img").evaluate((image) => image.decode().then(() => image.naturalWidth));
  assert.equal(width, 120);
  holds("a picture that was dropped is sent, shown from our own store, and read");
  await drop(page, "logo <b>.svg", "image/svg+xml", '<svg xmlns="http://www.w3.org/2000/svg"><script>globalThis.hacked=1</script></svg>');
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await page.locator(".bubble.out", { hasText: "logo <b>.svg" }).getByRole("button", { name: "Save" }).waitFor();
  assert.equal(await page.locator(".bubble", { hasText: "logo" }).locator("img").count(), 0);
  assert.equal(await page.evaluate(() => globalThis.hacked), undefined);
  holds("script in texts, names of sessions and files, and in an SVG stays words");
  await page.getByText("The request behind what you sent").click();
  await page.getByText("v1/messages/media").first().waitFor();
  const bubble = page.locator(".bubble.out", { hasText: evil });
  await bubble.hover();
  await bubble.getByRole("button", { name: "Details of this message" }).click();
  for (const step of ["queued", "sent", "delivered", "read"]) await page.locator(".timeline").getByText(step, { exact: true }).waitFor();
  await page.getByRole("region", { name: "The message as JSON" }).waitFor();
  await page.getByRole("button", { name: "Close" }).click();
  holds("a message shows its time line, its JSON and the request behind it");
  await visit(page, "inbox", sessionId, ABSENT);
  await page.getByLabel("Message", { exact: true }).fill("Hello?");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  const problem = page.getByRole("alert");
  await problem.getByText("recipient_not_on_whatsapp").waitFor();
  await problem.getByText("What helps:").waitFor();
  holds("a number that is not on WhatsApp is told by its code and what helps");
}

async function keys(page) {
  await visit(page, "keys");
  await page.getByRole("button", { name: "New key" }).click();
  await page.getByLabel("Name").fill("till");
  await page.getByRole("button", { name: "Make the key" }).click();
  const key = await page.locator("[data-secret]").textContent();
  assert.equal((await api("GET", "/v1/sessions", undefined, key)).status, 200);
  assert.equal((await api("GET", "/v1/api-keys", undefined, key)).status, 403);
  await page.getByRole("button", { name: "I have it" }).click();
  const row = page.getByRole("row", { name: /till/ });
  await row.getByRole("button", { name: "Revoke" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await row.getByText("revoked").waitFor();
  assert.equal((await api("GET", "/v1/sessions", undefined, key)).status, 401);
  assert.equal(await page.getByText(key).count(), 0);
  holds("a key is made, works as far as it may, is revoked, and is shown once");
}

async function webhooks(page, sessionId) {
  await visit(page, "webhooks");
  await page.getByRole("button", { name: "New webhook" }).click();
  await page.getByLabel("Address").fill("http://127.0.0.1:19191/hook");
  await page.getByRole("button", { name: "Try the address and register it" }).click();
  await page.getByRole("alert").getByText("webhook_url_unreachable").waitFor();
  await page.getByLabel("Address").fill(`${ready.controlUrl}/control/hooks/ok`);
  await page.getByRole("button", { name: "Try the address and register it" }).click();
  await page.getByRole("button", { name: "I have it" }).click();
  assert.equal((await api("POST", "/v1/messages/text", { sessionId, to: ECHO, text: "for the webhook" })).status, 201);
  // The oldest: others may come while this one is looked at.
  const row = page.getByRole("row", { name: /message.received/ }).last();
  await row.getByText("delivered").waitFor();
  await row.getByRole("button", { name: "Send again" }).click();
  await row.locator(".number", { hasText: "2" }).waitFor();
  holds("a webhook is refused with its reason, registered, delivered to, and sent again");
}

async function use(page) {
  await visit(page, "usage");
  const refused = page.locator("[data-errors-today]");
  // Errors are counted a few seconds behind; the page is asked again until they are there.
  const until = async (row, least) => {
    while ((await row.count()) === 0 || Number(await refused.textContent()) < least) {
      const answered = page.waitForResponse((response) => response.url().endsWith("/v1/usage"));
      await page.getByRole("button", { name: "Look again" }).click();
      await answered;
    }
  };
  await refused.waitFor();
  await until(page.getByRole("row", { name: /recipient_not_on_whatsapp/ }), 1);
  const before = Number(await refused.textContent());
  for (let at = 0; at < 3; at += 1) await api("GET", "/v1/sessions/ses_00000000000000000000000000000000");
  await until(page.getByRole("row", { name: /session_not_found/ }), before + 3);
  holds("the errors of today move, by their codes");
}

async function neighbour() {
  const account = await api("POST", "/v1/admin/accounts", { name: "neighbour", plan: "free" }, ready.operatorKey);
  const key = await api("POST", `/v1/admin/accounts/${account.json.data.accountId}/api-keys`, { name: "n", permissions: ["sessions:read", "messages:read", "events:read", "account:read", "keys:manage", "webhooks:manage"] }, ready.operatorKey);
  const { page } = await fresh();
  await enterByKey(page, ready.url, key.json.data.apiKey);
  await visit(page, "sessions");
  await page.getByText("No session yet").waitFor();
  await visit(page, "events");
  await page.getByText("Nothing has happened yet").waitFor();
  await visit(page, "webhooks");
  await page.getByText("No webhook yet").waitFor();
  assert.equal(await page.getByRole("link", { name: "Operator" }).count(), 0);
  holds("a second tenant sees nothing of it");
}

/** In the page's own time: half a minute at a time, and whatever that made it ask is answered before the next. */
async function idle(pages) {
  const { page, context } = await fresh();
  await page.clock.install();
  await enterAs(page, ready.url, "operator", ready.password);
  const asked = {};
  for (const one of pages) {
    await see(page, one);
    await page.getByText("live", { exact: true }).waitFor({ state: "attached" });
    const seen = [];
    const note = (request) => seen.push(new URL(request.url()).pathname);
    page.on("request", note);
    for (let half = 0; half < 4; half += 1) {
      await page.clock.runFor("00:30");
      await quiet(page);
    }
    page.off("request", note);
    asked[one.name] = seen.length;
    assert.ok(seen.length < 2, `${one.name} asks in two idle minutes for ${seen}`);
  }
  holds(`each page that lies idle for two minutes asks less than once a minute beside its stream (${Object.values(asked).reduce((sum, one) => sum + one, 0)} times, all pages together)`);
  await context.close();
}

async function axe(pages) {
  for (const colorScheme of ["light", "dark"]) {
    const { page } = await fresh({ colorScheme, bypassCSP: true });
    await page.goto(`${ready.url}/dashboard/`);
    await page.getByRole("button", { name: "Sign in", exact: true }).waitFor();
    const findings = [];
    const look = async (at) => {
      await page.evaluate(axeSource);
      const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
      const bad = found.violations.filter((one) => one.impact === "serious" || one.impact === "critical");
      for (const one of bad) findings.push(`${at}: ${one.id}: ${one.nodes.map((node) => `${node.html} ${node.any.map((check) => check.message).join("; ")}`).slice(0, 3).join(" | ")}`);
    };
    await look("the door");
    await enterAs(page, ready.url, "operator", ready.password);
    for (const one of pages) {
      await see(page, one);
      await look(one.name);
    }
    await page.close();
    assert.deepEqual(findings, [], colorScheme);
    holds(`no page has a serious finding of axe, ${colorScheme}`);
  }
}

async function narrow(pages) {
  const { page } = await fresh({ viewport: { width: 360, height: 740 } });
  await enterAs(page, ready.url, "operator", ready.password);
  for (const one of pages) {
    await see(page, one);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(over <= 0, `${one.name} is ${over} pixels too wide`);
    assert.deepEqual(await missing(page), [], `${one.name} leads to pages that are in no list`);
  }
  await visit(page, "sessions");
  await page.getByRole("button", { name: "Menu" }).click();
  await page.getByRole("link", { name: "API keys" }).click();
  await page.getByRole("heading", { name: "API keys", level: 1 }).waitFor();
  holds("every page fits a screen of 360 pixels, leads to pages that are listed, and its menu leads on");
}

try {
  await rules();
  await firstPage();
  const { page, complaints } = await fresh();
  await demonstration(page);
  await sessions(page);
  const listed = (await api("GET", "/v1/sessions")).json.data;
  const sessionId = listed.find((session) => session.name === "demo").sessionId;
  await inbox(page, sessionId);
  await keys(page);
  await webhooks(page, sessionId);
  await use(page);
  await neighbour();
  const made = await furnish(ready, { linked: sessionId, chat: ECHO });
  const pages = pagesOf(made);
  await idle(pages);
  await renew(ready, made);
  await narrow(pages);
  await renew(ready, made);
  await axe(pages);
  assert.deepEqual(complaints, []);
  holds("the browser complained of nothing");
} catch (failure) {
  if (failures) {
    mkdirSync(failures, { recursive: true });
    await Promise.all(opened.map(({ page }, at) => page.screenshot({ path: `${failures}/${at}.png` }).catch(() => undefined)));
  }
  console.error(failure);
  console.error(log().split("\n").slice(-20).join("\n"));
  process.exitCode = 1;
} finally {
  await browser.close();
  await stop();
}
