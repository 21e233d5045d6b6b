// Every page and every button for every role: what a page shows to somebody does not get a refusal for the role, and what it does not show is
// refused when it is asked for all the same.
import assert from "node:assert/strict";
import { enterAs, open, quiet, visit } from "./lib.mjs";
import { missing, pagesOf } from "./pages.mjs";
import { furnish } from "./world.mjs";

/** The role that each page needs; the others are led to their first page. */
const NEEDS = { webhooks: "member", keys: "owner", operator: "operator" };
const RANK = ["read_only", "member", "owner", "operator"];
const sees = (role, name) => RANK.indexOf(role) >= RANK.indexOf(NEEDS[name] ?? "read_only");

/** What an operation asks of its caller, from the document: `/v1/users/{userId}` and its like as patterns. */
function operations(document) {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, one]) => ({
      method: method.toUpperCase(),
      pattern: new RegExp(`^${path.replace(/\{[^}]+\}/g, "[^/]+")}$`),
      exact: !path.includes("{"),
      permission: path.startsWith("/v1/admin/") ? "operator" : one["x-permission"],
    })),
  );
}

const find = (table, { method, path }) => table.filter((one) => one.method === method && one.pattern.test(path)).sort((a, b) => Number(b.exact) - Number(a.exact))[0];
const may = (role, permissions, operation) => (operation.permission === "operator" ? role === "operator" : !operation.permission || permissions.includes(operation.permission));

/** The same order for a thing that is not there and with a body that is none: only who asks is judged. */
const nameless = (path) => path.replace(/\b([a-z]{3,4}_)[0-9A-Za-z]{8,}/g, (_, prefix) => prefix + "0".repeat(32)).replace(/\/[^/]*@[^/]*/g, "/15559999999@s.whatsapp.net");

/** By the page itself, as all presses are: a pointer's click gives up where the machine is slow, and the button counted as none. */
async function fill(within, withFile) {
  await within.evaluate((root) => {
    const words = { number: "1", url: "https://example.com/", "datetime-local": "2026-01-01T00:00" };
    for (const field of root.querySelectorAll("input, textarea")) {
      if (field.disabled || field.readOnly || field.type === "file" || field.type === "hidden") continue;
      if (field.type === "checkbox" || field.type === "radio") {
        if (!field.checked) field.click();
        continue;
      }
      field.value = words[field.type] ?? "fifteen letters";
      for (const event of ["input", "change"]) field.dispatchEvent(new Event(event, { bubbles: true }));
    }
  });
  if (withFile) await within.locator("input[type=file]").setInputFiles({ name: "note.txt", mimeType: "text/plain", buffer: Buffer.from("a note") });
}

const CLOSES = /^(Close|Leave it|Leave it as it is|Cancel|Sign out)$/;
/** How far one goes: a page, what its buttons open, and what opens in that. What a pretend phone's buttons do is no operation. */
const DEPTH = 3;
const depth = ([name]) => (name === "phones" ? 1 : DEPTH);
/** The other pages of the reference only lead on. */
const presses = ([name, kind]) => name !== "docs" || kind === "op" || kind === "error";

/** What is on top: a dialog, or the page. */
const top = (page) => page.locator("dialog[open], main:not(:has(dialog[open]))").last();
/** Where one is: the address and the titles of what is open. */
const place = async (page) => JSON.stringify([page.url(), await page.locator("dialog[open] h2").allTextContents()]);

/** The buttons on top by their names: rows of a table have the same ones. */
async function names(page) {
  const all = await top(page).locator("button:visible, select:visible").evaluateAll((all) => all.map((one) => one.getAttribute("aria-label") ?? (one.tagName === "SELECT" ? `select ${one.name}` : one.textContent.trim())));
  return [...new Set(all)].filter((name) => name && !CLOSES.test(name));
}

async function click(page, name, withFile = false) {
  const all = top(page).locator("button:visible, select:visible");
  const at = await all.evaluateAll((all, name) => all.findIndex((one) => (one.getAttribute("aria-label") ?? (one.tagName === "SELECT" ? `select ${one.name}` : one.textContent.trim())) === name), name);
  if (at < 0) return false;
  const one = all.nth(at);
  if ((await one.evaluate((element) => element.tagName)) === "SELECT") {
    await one.evaluate((element) => {
      element.selectedIndex = element.options.length - 1;
      element.dispatchEvent(new Event("change", { bubbles: true }));
    });
  } else {
    const form = one.locator("xpath=ancestor::form");
    const isForm = (await form.count()) > 0;
    const takesFile = isForm && (await form.locator("input[type=file]").count()) > 0;
    if (isForm) await fill(form.first(), withFile);
    else if ((await page.locator("dialog[open]").count()) > 0) await fill(top(page));
    await one.evaluate((element) => element.click());
    if (takesFile && !withFile) {
      await quiet(page);
      await click(page, name, true);
    }
  }
  await quiet(page);
  return true;
}

/** Closes what is open, goes to the page, and by the buttons that lead on from there. */
async function back(page, parts, way) {
  for (let closed = 0; closed < DEPTH && (await page.locator("dialog[open]").count()) > 0; closed += 1) await page.keyboard.press("Escape");
  await visit(page, ...parts);
  await quiet(page);
  for (const name of way) await click(page, name);
}

/** Presses every button of what is on top, fills in and sends off what opens; gives nothing to the server that changes anything. */
async function press(page, parts, way = []) {
  await back(page, parts, way);
  const here = await place(page);
  const seen = new Set();
  const turns = (await names(page)).map((name) => [name]);
  for (const [name] of turns) seen.add(name);
  for (let at = 0; at < Math.min(turns.length, parts[0] === "docs" ? 6 : 30); at += 1) {
    const [name, before] = turns[at];
    if ((await place(page)) !== here) await back(page, parts, way);
    if (!(await click(page, name))) {
      // Another has taken its place, or it stands in what another unfolds.
      await back(page, parts, before ? [...way, before] : way);
      await click(page, name);
    }
    if (JSON.parse(await place(page))[0] !== JSON.parse(here)[0]) continue;
    if ((await place(page)) !== here) {
      if (way.length + 1 < depth(parts) && (await page.locator("dialog[open]").count()) > 0) await press(page, parts, [...way, name]);
      continue;
    }
    for (const more of await names(page)) if (!seen.has(more)) seen.add(more), turns.push([more, name]);
  }
}

export async function roles({ browser, ready, api, user, PASSWORD, ECHO }) {
  const document = await (await fetch(`${ready.url}/openapi.json`)).json();
  const table = operations(document);
  const { sessionId } = (await api("GET", "/v1/sessions")).json.data[0];
  const pages = pagesOf(await furnish(ready, { linked: sessionId, chat: ECHO }));
  const users = { read_only: await user("reader", "read_only"), member: await user("worker", "member"), owner: await user("owner", "owner"), operator: "operator" };
  const asked = new Map();
  const told = [];
  const wrong = [];
  const one = async (role) => {
    const { context, page } = await open(browser);
    // A second log-in, which the page of the first can end.
    const other = await open(browser);
    await enterAs(other.page, ready.url, users[role], role === "operator" ? ready.password : PASSWORD);
    await enterAs(page, ready.url, users[role], role === "operator" ? ready.password : PASSWORD);
    const cookie = (await context.cookies(ready.url)).find((one) => one.name === "wharf_login").value;
    const { permissions } = (await (await fetch(`${ready.url}/v1/login`, { headers: { Cookie: `wharf_login=${cookie}` } })).json()).data;
    const own = new Map();
    page.on("response", (response) => {
      const { pathname } = new URL(response.url());
      if (pathname.startsWith("/v1/") && [401, 403].includes(response.status())) wrong.push(`${role} at ${page.url().split("#")[1]}: asks ${pathname}, ${response.status()}`);
    });
    await page.route(/\/(v1|api)\//, async (route) => {
      const request = route.request();
      if (request.method() === "GET") return route.continue();
      const call = { method: request.method(), path: nameless(new URL(request.url()).pathname) };
      own.set(`${call.method} ${call.path}`, call);
      await route.fulfill({ status: 409, contentType: "application/json", body: JSON.stringify({ success: false, error: { code: "conflict", message: "not in this test", details: {} } }) });
    });
    await page.route(/\/sandbox\//, (route) => (route.request().method() === "GET" ? route.continue() : route.fulfill({ status: 409, contentType: "application/json", body: "{}" })));
    for (const { at } of pages) {
      const [name] = at;
      const link = await page.locator(`.side nav a[href="#/${name}"]`).count();
      if (link !== Number(sees(role, name))) wrong.push(`${role}: ${link} links to ${name}`);
      if (presses(at)) await press(page, at);
      await back(page, at, []);
      const shown = await page.locator(`.side nav a[href="#/${name}"][aria-current="page"]`).count();
      if (shown !== Number(sees(role, name))) wrong.push(`${role}: ${name} is ${shown ? "" : "not "}shown`);
      for (const link of await missing(page)) wrong.push(`${role} at ${at.join("/")}: leads to ${link}, which is not in the list of pages`);
    }
    for (const [key, call] of own) {
      asked.set(key, call);
      const operation = find(table, call);
      if (!operation) wrong.push(`${role}: ${key} is no operation`);
      else if (!may(role, permissions, operation)) wrong.push(`${role}: a button asks ${key}, which the role may not`);
    }
    told.push({ role, cookie, permissions, calls: own.size, context, other: other.context });
  };
  await Promise.all(RANK.map(one));
  // Whatever a button of anybody asks is asked by everybody.
  let refused = 0;
  let let_in = 0;
  for (const { role, cookie, permissions } of told) {
    for (const [key, call] of asked) {
      if (call.path === "/v1/login" || call.path === "/v1/login/password") continue;
      const operation = find(table, call);
      const answer = await fetch(ready.url + call.path, { method: call.method, headers: { Cookie: `wharf_login=${cookie}`, "X-Wharf-Dashboard": "1", "Content-Type": "application/json" }, body: JSON.stringify({ unknown: "x" }) });
      const allowed = may(role, permissions, operation);
      if (allowed === [401, 403].includes(answer.status)) wrong.push(`${role}: ${key} is answered ${answer.status}`);
      if (allowed) let_in += 1;
      else refused += 1;
    }
  }
  await Promise.all(told.flatMap(({ context, other }) => [context.close(), other.close()]));
  assert.deepEqual(wrong, []);
  const calls = Object.fromEntries(told.map(({ role, calls }) => [role, calls]));
  assert.ok(asked.size >= 25 && refused >= 50 && calls.read_only < calls.member && calls.member < calls.owner && calls.owner < calls.operator, JSON.stringify({ asked: asked.size, refused, calls }));
  return `no role has a button that would be refused, and ${refused} calls of others' buttons are refused (${let_in} are let in; asked by buttons: ${Object.entries(calls).map(([role, count]) => `${role} ${count}`).join(", ")})`;
}
