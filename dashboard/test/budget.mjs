// What the pages cost on a slow line (150 ms, 1.6 Mbit/s down), in the browser's own figures: a table of every page, and the bounds that hold.
import assert from "node:assert/strict";
import { enterAs, open, startBrowser, startSandbox, visit } from "./lib.mjs";

const PAGES = ["sessions", "inbox", "keys", "webhooks", "events", "usage", "people", "docs", "operator/accounts", "operator/nodes", "operator/queues", "operator/audit"];
/** Whose heading says something that comes later, and pushes the rest down: to be mended, and no worse until then. */
const JUMPS = { usage: 0.2 };
const ECHO = "15550001001";

const { ready, stop } = await startSandbox(process.argv[2]);
const browser = await startBrowser();

/** A browser on a slow line that counts what comes over it. */
async function slow() {
  const { context, page } = await open(browser);
  const line = await context.newCDPSession(page);
  const spent = { bytes: 0, requests: 0 };
  await line.send("Network.enable");
  await line.send("Network.emulateNetworkConditions", { offline: false, latency: 150, downloadThroughput: 1_600_000 / 8, uploadThroughput: 750_000 / 8 });
  line.on("Network.requestWillBeSent", ({ request }) => (spent.requests += Number(request.url.startsWith("http"))));
  line.on("Network.loadingFinished", ({ encodedDataLength }) => (spent.bytes += encodedDataLength));
  // The door can be used from the moment that its form listens.
  await page.addInitScript(() => {
    new MutationObserver((_, watch) => {
      if (!document.querySelector("form.door-card button[type=submit]")) return;
      globalThis.usable = performance.now();
      watch.disconnect();
    }).observe(document, { childList: true, subtree: true });
  });
  return { context, page, spent };
}

const rows = [];
try {
  const { context, page, spent } = await slow();
  const shifted = () => page.evaluate(() => globalThis.shifted);
  await page.goto(`${ready.url}/dashboard/`);
  await page.waitForFunction(() => globalThis.usable);
  await page.waitForLoadState("networkidle");
  const usable = Math.round(await page.evaluate(() => globalThis.usable));
  rows.push({ page: "the door", bytes: spent.bytes, requests: spent.requests, "usable after ms": usable, shift: await shifted() });
  assert.ok(spent.bytes > 1_000 && spent.bytes < 100_000, `the first page is ${spent.bytes} bytes`);
  assert.ok(spent.requests < 12, `${spent.requests} requests`);
  console.log(`holds: on a slow line the first page is ${spent.bytes} bytes in ${spent.requests} requests; it could be used after ${usable} ms`);

  const key = (path, options = {}) => fetch(ready.url + path, { ...options, headers: { Authorization: `Bearer ${ready.apiKey}`, "Content-Type": "application/json" } }).then((answer) => answer.json());
  await enterAs(page, ready.url, "operator", ready.password);
  await key("/v1/api-keys", { method: "POST", body: JSON.stringify({ name: "till", permissions: ["sessions:read"] }) });
  const { sessionId } = (await key("/v1/sessions", { method: "POST", body: JSON.stringify({ name: "shop" }) })).data;
  for (const at of [...PAGES, `inbox/${sessionId}/${ECHO}`, `sessions/${sessionId}`]) {
    const before = { ...spent, shift: await shifted(), at: performance.now() };
    await visit(page, at);
    await page.waitForLoadState("networkidle").catch(() => undefined);
    rows.push({ page: at.replace(sessionId, "…"), bytes: spent.bytes - before.bytes, requests: spent.requests - before.requests, "usable after ms": "", shift: (await shifted()) - before.shift });
  }
  for (const row of rows) row.shift = Number(row.shift.toFixed(4));
  console.table(rows);
  for (const row of rows) assert.ok(row.shift <= (JUMPS[row.page] ?? 0.1), `${row.page} jumps by ${row.shift}`);
  console.log(`holds: no page jumps while it comes, by more than a tenth (${Object.keys(JUMPS)} by less than two)`);
  await context.close();
} catch (failure) {
  console.table(rows);
  console.error(failure);
  process.exitCode = 1;
} finally {
  await browser.close();
  await stop();
}
