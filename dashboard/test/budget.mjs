// What the pages cost on a slow line (150 ms, 1.6 Mbit/s down), in the browser's own figures: a table of every page, and the bounds that hold.
import assert from "node:assert/strict";
import { enterAs, open, quiet, startBrowser, startSandbox } from "./lib.mjs";
import { pagesOf, see } from "./pages.mjs";
import { furnish } from "./world.mjs";

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
  await quiet(page);
  const usable = Math.round(await page.evaluate(() => globalThis.usable));
  rows.push({ page: "the door", bytes: spent.bytes, requests: spent.requests, "usable after ms": usable, shift: await shifted() });
  assert.ok(spent.bytes > 1_000 && spent.bytes < 100_000, `the first page is ${spent.bytes} bytes`);
  assert.ok(spent.requests < 12, `${spent.requests} requests`);
  console.log(`holds: on a slow line the first page is ${spent.bytes} bytes in ${spent.requests} requests; it could be used after ${usable} ms`);

  const world = await furnish(ready);
  await enterAs(page, ready.url, "operator", ready.password);
  for (const one of pagesOf(world)) {
    const before = { ...spent, shift: await shifted() };
    await see(page, one);
    rows.push({ page: one.name, bytes: spent.bytes - before.bytes, requests: spent.requests - before.requests, "usable after ms": "", shift: (await shifted()) - before.shift });
  }
  for (const row of rows) row.shift = Number(row.shift.toFixed(4));
  console.table(rows);
  for (const row of rows) assert.ok(row.shift <= 0.1, `${row.page} jumps by ${row.shift}`);
  console.log("holds: no page jumps while it comes, by more than a tenth");
  await context.close();
} catch (failure) {
  console.table(rows);
  console.error(failure);
  process.exitCode = 1;
} finally {
  await browser.close();
  await stop();
}
