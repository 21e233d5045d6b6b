// Every page and every button for every role: what a page shows to somebody does not get a refusal for the role, and what it does not show is
// refused when it is asked for all the same.
import assert from "node:assert/strict";
import { enterAs, open, visit } from "./lib.mjs";

const PAGES = ["start", "sessions", "inbox", "phones", "keys", "webhooks", "events", "docs", "usage", "people", "operator/accounts", "operator/plans", "operator/users", "operator/whatsapp", "operator/audit", "operator/nodes", "operator/queues"];

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
const nameless = (path) => path.replace(/\b([a-z]{3}_)[0-9A-Za-z]{8,}/g, (_, prefix) => prefix + "0".repeat(32)).replace(/\/[^/]*@[^/]*/g, "/15559999999@s.whatsapp.net");

async function fill(page, form) {
  for (const field of await form.locator("input:visible, textarea:visible").all()) {
    const type = (await field.getAttribute("type")) ?? "text";
    if (type === "checkbox" || type === "radio") await field.check({ timeout: 1_000 }).catch(() => undefined);
    else if (type === "number") await field.fill("1").catch(() => undefined);
    else if (type === "url") await field.fill("https://example.com/").catch(() => undefined);
    else if (type !== "file" && type !== "hidden" && type !== "datetime-local") await field.fill("fifteen letters").catch(() => undefined);
  }
}

/** Presses every button of the page, fills in and sends off what opens; gives nothing to the server that changes anything. */
async function press(page, parts) {
  await visit(page, ...parts);
  const buttons = "main button:visible:enabled, main select:visible";
  const count = await page.locator(buttons).count();
  for (let at = 0; at < Math.min(count, parts[0] === "docs" ? 6 : 30); at += 1) {
    const one = page.locator(buttons).nth(at);
    if ((await page.locator(buttons).count()) <= at) break;
    const quick = { timeout: 400, noWaitAfter: true };
    if ((await one.evaluate((element) => element.tagName)) === "SELECT") {
      const values = await one.locator("option").evaluateAll((options) => options.map((option) => option.value));
      await one.selectOption(values.at(-1), quick).catch(() => undefined);
    } else {
      const form = one.locator("xpath=ancestor::form");
      if ((await form.count()) > 0) await fill(page, form.first());
      await one.click(quick).catch(() => undefined);
    }
    const dialog = page.locator("dialog[open]");
    if ((await dialog.count()) > 0) {
      await fill(page, dialog.first());
      for (const inner of await dialog.first().locator("button.main, button.danger, button[type=submit]").all()) await inner.click(quick).catch(() => undefined);
    }
    for (let closed = 0; closed < 3 && (await dialog.count()) > 0; closed += 1) await page.keyboard.press("Escape");
    if (!page.url().endsWith(`#/${parts.join("/")}`)) await visit(page, ...parts);
  }
}

export async function roles({ browser, ready, api, user, PASSWORD, ECHO }) {
  const document = await (await fetch(`${ready.url}/openapi.json`)).json();
  const table = operations(document);
  const { sessionId } = (await api("GET", "/v1/sessions")).json.data[0];
  const names = { read_only: await user("reader", "read_only"), member: await user("worker", "member"), owner: await user("owner", "owner"), operator: "operator" };
  const asked = new Map();
  const told = [];
  const wrong = [];
  const one = async (role) => {
    const { context, page } = await open(browser);
    await enterAs(page, ready.url, names[role], role === "operator" ? ready.password : PASSWORD);
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
    for (const at of [...PAGES, `inbox/${sessionId}/${ECHO}`, `sessions/${sessionId}`]) {
      const [name] = at.split("/");
      const link = await page.locator(`.side nav a[href="#/${name}"]`).count();
      if (link !== Number(sees(role, name))) wrong.push(`${role}: ${link} links to ${name}`);
      await press(page, at.split("/"));
      const shown = await page.locator(`.side nav a[href="#/${name}"][aria-current="page"]`).count();
      if (shown !== Number(sees(role, name))) wrong.push(`${role}: ${name} is ${shown ? "" : "not "}shown`);
    }
    for (const [key, call] of own) {
      asked.set(key, call);
      const operation = find(table, call);
      if (!operation) wrong.push(`${role}: ${key} is no operation`);
      else if (!may(role, permissions, operation)) wrong.push(`${role}: a button asks ${key}, which the role may not`);
    }
    told.push({ role, cookie, permissions, calls: own.size, context });
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
  await Promise.all(told.map(({ context }) => context.close()));
  assert.deepEqual(wrong, []);
  const calls = Object.fromEntries(told.map(({ role, calls }) => [role, calls]));
  assert.ok(asked.size >= 15 && refused >= 30 && calls.read_only < calls.member && calls.member < calls.owner && calls.owner < calls.operator, JSON.stringify({ asked: asked.size, refused, calls }));
  return `no role has a button that would be refused, and ${refused} calls of others' buttons are refused (${let_in} are let in; asked by buttons: ${Object.entries(calls).map(([role, count]) => `${role} ${count}`).join(", ")})`;
}
