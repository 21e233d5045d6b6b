// A sandbox and a browser on it, as a stranger would have them.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const CHROMIUM = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) => path && existsSync(path));

/** Starts the sandbox, with these variables; `ready` is its first line. */
export async function startSandbox(databaseUrl, env = {}) {
  const folder = mkdtempSync(join(tmpdir(), "wharf-dashboard-"));
  const args = ["--json", "--quiet", "--port", "0", "--data-dir", folder];
  if (databaseUrl) args.push("--database-url", databaseUrl);
  const program = spawn(process.env.WHARF_SANDBOX_BIN, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
  let log = "";
  program.stderr.on("data", (text) => (log += text));
  const ready = await new Promise((done, failed) => {
    createInterface({ input: program.stdout }).on("line", (line) => done(JSON.parse(line)));
    program.on("exit", (code) => failed(new Error(`the sandbox ended with ${code}: ${log}`)));
  });
  const stop = async () => {
    const ended = new Promise((done) => program.on("exit", done));
    program.kill("SIGTERM");
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  return { ready, stop, log: () => log };
}

export async function startBrowser() {
  if (!CHROMIUM) throw new Error("Chromium is needed: install Debian's package `chromium`, or name the program in CHROMIUM");
  // The sandbox of the browser itself wants rights that a container's root does not have; the pages are our own.
  return chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"], timeout: 60_000 });
}

/** What each page has asked for and has no answer to yet. */
const asks = new WeakMap();

function follow(page) {
  const asked = { open: new Set(), waits: [] };
  const over = (request) => {
    asked.open.delete(request);
    if (asked.open.size === 0) for (const done of asked.waits.splice(0)) done();
  };
  asks.set(page, asked);
  page.on("request", (request) => {
    const waits = request.headers().accept?.includes("event-stream") || /\/qr$/.test(new URL(request.url()).pathname);
    if (!waits) asked.open.add(request);
  });
  page.on("requestfinished", over);
  page.on("requestfailed", over);
}

/** A page that notes whatever a browser complains of. */
export async function open(browser, options = {}) {
  const context = await browser.newContext({ locale: "en-GB", viewport: { width: 1280, height: 860 }, ...options });
  const page = await context.newPage();
  // Long enough for a loaded machine; nothing waits this long when all is well.
  page.setDefaultTimeout(60_000);
  follow(page);
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(`error: ${error.message}`));
  page.on("console", (message) => {
    // A refused request is an answer that the page shows, and what was asked for on purpose.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) complaints.push(`console: ${message.text()}`);
  });
  await page.addInitScript(() => {
    globalThis.shifted = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if (!entry.hadRecentInput) globalThis.shifted += entry.value;
    }).observe({ type: "layout-shift", buffered: true });
  });
  return { context, page, complaints };
}

/** Waits until the page has all that it asked for, and has drawn it. What answers when something happens is not waited for. */
export async function quiet(page) {
  const asked = asks.get(page);
  while (true) {
    while (asked.open.size > 0) await new Promise((done) => asked.waits.push(done));
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done)))));
    if (asked.open.size === 0 && (await page.locator(".bones").count()) === 0) return;
  }
}

export async function enterByKey(page, url, key) {
  await page.goto(`${url}/dashboard/`);
  await page.getByRole("button", { name: "Use a key instead" }).click();
  await page.getByLabel("API key").fill(key);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.locator(".side").waitFor({ state: "attached" });
}

/** By the link that the sandbox printed, where it prints one; it works once. */
export async function enter(page, ready) {
  if (!ready.dashboard) return enterByKey(page, ready.url, ready.apiKey);
  await page.goto(ready.dashboard);
  await page.locator(".side").waitFor({ state: "attached" });
}

/** Goes to a page as its link does, and waits until what it shows is there. */
export async function visit(page, ...parts) {
  await page.evaluate((hash) => (location.hash = hash), `#/${parts.join("/")}`);
  await page.waitForFunction(() => !document.querySelector(".bones"));
}

/** By name and password. */
export async function enterAs(page, url, name, password) {
  await page.goto(`${url}/dashboard/`);
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.locator(".side").waitFor({ state: "attached" });
}
