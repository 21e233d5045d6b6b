// What strangers try at the dashboard, each from a real browser and none of it getting through. Prints a sentence for each thing that holds;
// tries everything, and fails in the end where one thing did not hold.
import assert from "node:assert/strict";
import { createServer, request as plainRequest } from "node:http";
import { enterAs, enterByKey, open, startBrowser, startSandbox, visit } from "./lib.mjs";
import { roles } from "./roles.mjs";

const PASSWORD = "a long and quiet password";
const ECHO = "15550001001";
const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const SCRIPT = '<img src=x onerror="globalThis.hacked=1"><script>globalThis.hacked=1</script>';

const { ready, stop, log } = await startSandbox(process.argv[2]);
const browser = await startBrowser();
let broken = 0;

const api = async (method, path, body, key = ready.apiKey) => {
  const response = await fetch(ready.url + path, { method, headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" }, body: body && JSON.stringify(body) });
  return { status: response.status, json: await response.json() };
};
const made = async (path, body, key) => {
  const { status, json } = await api("POST", path, body, key);
  assert.equal(status, 201, `${path}: ${JSON.stringify(json)}`);
  return json.data;
};

/** By plain HTTP with a cookie, as somebody who has copied it would ask. */
const byCookie = (cookie, path, options = {}) => fetch(ready.url + path, { ...options, headers: { Cookie: `wharf_login=${cookie}`, "X-Wharf-Dashboard": "1", ...options.headers } });
const cookieOf = async (context) => (await context.cookies(ready.url)).find((one) => one.name === "wharf_login");

async function user(name, role) {
  await made("/v1/users", { name, role, password: PASSWORD });
  return name;
}

const door = (page) => page.getByRole("button", { name: "Sign in", exact: true });

/** A page of somebody else's, seen from another site and from another port of the same. */
async function stranger(html) {
  const server = createServer((_, answer) => answer.writeHead(200, { "Content-Type": "text/html" }).end(html));
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address();
  return { places: { "another site": `http://localhost:${port}/`, "another port": `http://127.0.0.1:${port}/` }, end: () => server.close() };
}

const FORGED = `<!doctype html><title>forged</title><body><iframe name="a"></iframe>
  <form method="post" enctype="text/plain" target="a" action="URL/v1/sessions"><input name='{"name":"forged","x":"' value='"}'></form>
  <img src="URL/v1/login"><script>
  const fields = [["POST", "v1/sessions", '{"name":"forged"}'], ["POST", "v1/api-keys", '{"name":"forged","permissions":["sessions:read"]}'], ["POST", "v1/login", '{"name":"forged","password":"PASSWORD"}'], ["DELETE", "v1/login"], ["GET", "v1/login"], ["GET", "v1/events"]];
  globalThis.seen = [];
  globalThis.done = (async () => {
    document.forms[0].submit();
    for (const [method, path, body] of fields) for (const mode of ["no-cors", "cors"]) for (const headers of [{ "Content-Type": "text/plain" }, { "Content-Type": "application/json", "X-Wharf-Dashboard": "1" }])
      await fetch("URL/" + path, { method, mode, headers, body, credentials: "include" }).then(async (got) => globalThis.seen.push([method, path, mode, got.status, await got.text().catch(() => "")]), () => undefined);
  })();
  </script>`;

async function forged() {
  const { context, page } = await open(browser);
  await enterAs(page, ready.url, "forged", PASSWORD);
  const before = (await api("GET", "/v1/audit")).json.data[0];
  const evil = await stranger(FORGED.replaceAll("URL", ready.url).replace("PASSWORD", PASSWORD));
  for (const [from, place] of Object.entries(evil.places)) {
    const tab = await context.newPage();
    const passed = [];
    let asked = 0;
    tab.on("response", (response) => {
      if (!response.url().startsWith(ready.url)) return;
      asked += 1;
      if (response.status() < 400 && response.request().method() !== "OPTIONS") passed.push(`${response.request().method()} ${response.url()} ${response.status()}`);
    });
    await tab.goto(place);
    await tab.evaluate(() => globalThis.done);
    await tab.frameLocator("iframe").locator("body").waitFor({ state: "attached" });
    const read = await tab.evaluate(() => globalThis.seen.filter(([, , , , text]) => text !== ""));
    assert.deepEqual([passed, read], [[], []], from);
    assert.ok(asked >= 6, `${from}: ${asked} of its requests came here`);
    await tab.close();
  }
  evil.end();
  assert.equal((await api("GET", "/v1/audit")).json.data[0].at, before.at, "nothing was changed, or refused after the cookie was found good");
  assert.equal((await api("GET", "/v1/sessions?name=forged")).json.data.length, 0);
  await page.reload();
  await page.locator(".side").waitFor({ state: "attached" });
  assert.equal(await page.evaluate(() => document.cookie), "", "no script reads the cookie");
  await context.close();
  return "a page of another site, or of another port, changes nothing, reads nothing and signs nobody in or out";
}

async function stolen() {
  for (const [what, end] of Object.entries({
    "the log-out": async (page) => {
      await page.getByRole("button", { name: "Sign out" }).click();
      await door(page).waitFor();
    },
    "a change of the password": async (page) => {
      await visit(page, "people");
      await page.getByLabel("The present one").fill(PASSWORD);
      await page.getByLabel("The new one").fill(`${PASSWORD} again`);
      const answered = page.waitForResponse((response) => response.url().endsWith("/v1/login/password"));
      await page.getByRole("button", { name: "Change it" }).click();
      assert.equal((await answered).status(), 200);
      await visit(page, "sessions");
      await page.getByRole("heading", { name: "Sessions", level: 1 }).waitFor();
    },
  })) {
    const { context, page } = await open(browser);
    await enterAs(page, ready.url, "robbed", PASSWORD);
    const cookie = await cookieOf(context);
    assert.ok(cookie.httpOnly && cookie.sameSite === "Strict", JSON.stringify(cookie));
    const thief = await open(browser);
    await thief.context.addCookies([cookie]);
    await thief.page.goto(`${ready.url}/dashboard/#/sessions`);
    await thief.page.locator(".side").waitFor({ state: "attached" });
    assert.equal((await byCookie(cookie.value, "/v1/account")).status, 200, "what was copied works until then");
    await end(page);
    for (const [method, path] of [["GET", "/v1/login"], ["GET", "/v1/sessions"], ["GET", "/v1/events"], ["POST", "/v1/sessions"], ["POST", "/v1/api-keys"]]) assert.equal((await byCookie(cookie.value, path, { method })).status, 401, `${method} ${path} after ${what}`);
    // The browser of the thief finds out by the next thing that it asks.
    await thief.page.reload();
    await door(thief.page).waitFor();
    assert.equal(await thief.page.locator(".side").count(), 0);
    await Promise.all([context.close(), thief.context.close()]);
  }
  return "a copied cookie is worth nothing after the log-out and after a change of the password, in a browser and by plain HTTP";
}

async function frames() {
  const evil = await stranger(["dashboard/", "dashboard/#/sessions", "docs"].map((path) => `<iframe src="${ready.url}/${path}"></iframe>`).join(""));
  const { context, page } = await open(browser);
  await enterAs(page, ready.url, "forged", PASSWORD);
  for (const place of Object.values(evil.places)) {
    await page.goto(place, { waitUntil: "load" });
    const inside = page.frames().filter((frame) => frame !== page.mainFrame());
    assert.equal(inside.length, 3);
    await Promise.all(inside.map((frame) => frame.waitForURL((url) => url.protocol === "chrome-error:", { waitUntil: "commit" })));
    for (const frame of inside) assert.deepEqual([frame.url(), await frame.evaluate(() => document.querySelectorAll("#app, main, nav, button, a[href]:not([href*='chrome'])").length)], ["chrome-error://chromewebdata/", 0], place);
  }
  evil.end();
  await context.close();
  return "nobody shows a page of ours in a frame: it stays empty";
}

/** Where a plain request is led to. */
const led = (path, headers = {}) =>
  new Promise((done, failed) => {
    const { hostname, port } = new URL(ready.url);
    plainRequest({ hostname, port, path, headers: { Accept: "text/html", ...headers } }, (answer) => (answer.resume(), done(answer.headers.location ?? null)))
      .on("error", failed)
      .end();
  });

async function redirects() {
  const evil = "https://evil.example/";
  const names = ["next", "url", "to", "return", "redirect", "redirect_uri", "continue", "target"];
  for (const path of ["/", "/dashboard", "/dashboard/", "/docs"]) {
    for (const query of names.map((name) => `?${name}=${encodeURIComponent(evil)}`)) assert.ok([null, "dashboard/"].includes(await led(path + query)), path + query);
    for (const header of ["Host", "X-Forwarded-Host", "X-Original-URL", "X-Forwarded-Prefix"]) assert.ok([null, "dashboard/"].includes(await led(path, { [header]: "evil.example" })), `${path} ${header}`);
  }
  for (const path of ["//evil.example", "//evil.example/dashboard", "/dashboard//evil.example", "/dashboard/..//evil.example", "/dashboard/%2f%2fevil.example", "/\\evil.example"]) assert.equal(await led(path), null, path);
  const { context, page } = await open(browser);
  const elsewhere = [];
  page.on("request", (request) => !/^(data|blob):/.test(request.url()) && new URL(request.url()).origin !== new URL(ready.url).origin && elsewhere.push(request.url()));
  await enterAs(page, ready.url, "forged", PASSWORD);
  for (const to of [evil, "//evil.example", "javascript:globalThis.hacked=1", "data:text/html,<script>1</script>"]) {
    for (const hash of [to, `/${to}`, `/enter/${encodeURIComponent(to)}`, `/inbox/${encodeURIComponent(to)}/${encodeURIComponent(to)}`, `/docs/${encodeURIComponent(to)}`, `/sessions/${encodeURIComponent(to)}`, `/${names[0]}?${names[0]}=${encodeURIComponent(to)}`]) {
      await page.goto(`${ready.url}/dashboard/?next=${encodeURIComponent(to)}#${hash}`);
      await page.locator(".side").waitFor({ state: "attached" });
      await page.waitForFunction(() => !document.querySelector(".bones"));
      assert.equal(new URL(page.url()).origin, new URL(ready.url).origin, hash);
      const foreign = await page.evaluate(() => [...document.querySelectorAll("main [href], main [src], main [action]")].map((one) => one.href ?? one.src ?? one.action).filter((address) => /evil\.example|javascript:/.test(new URL(address, location.href).origin === "null" ? address : new URL(address, location.href).host)));
      assert.deepEqual(foreign, [], hash);
    }
  }
  assert.deepEqual(elsewhere, []);
  assert.equal(await page.evaluate(() => globalThis.hacked), undefined);
  await context.close();
  return "no parameter, header, path or hash leads a browser elsewhere";
}

async function script() {
  const { sessionId } = (await api("GET", "/v1/sessions")).json.data[0];
  const evil = (length) => SCRIPT.slice(0, length);
  await made("/v1/messages/text", { sessionId, to: ECHO, text: SCRIPT });
  const upload = await fetch(`${ready.url}/v1/media?mediaType=document&fileName=${encodeURIComponent(`${SCRIPT}.svg`)}`, { method: "POST", headers: { Authorization: `Bearer ${ready.apiKey}`, "Content-Type": "image/svg+xml" }, body: `<svg xmlns="http://www.w3.org/2000/svg" onload="document.title='hacked'"><script>document.title="hacked"</script></svg>` });
  const { mediaId } = (await upload.json()).data;
  await made("/v1/messages/media", { sessionId, to: ECHO, mediaType: "document", mediaId, fileName: `${SCRIPT}.svg`, caption: SCRIPT });
  const group = await made("/v1/groups", { sessionId, subject: evil(100), participants: [ECHO] });
  await made("/v1/messages/text", { sessionId, to: group.groupId, text: "in the group" });
  const { context, page, complaints } = await open(browser);
  // A name that somebody gives themself: no page knows it from another word of the API.
  await page.route(/\/v1\/(chats|contacts|messages|events)/, async (route) => {
    if (route.request().headers().accept?.includes("event-stream")) return route.continue();
    const answer = await route.fetch();
    const names = (value) => (Array.isArray(value) ? value.map(names) : value && typeof value === "object" ? Object.fromEntries(Object.entries(value).map(([name, one]) => [name, ["name", "pushName", "fileName", "subject", "originalType", "reason"].includes(name) ? SCRIPT : names(one)])) : value);
    await route.fulfill({ response: answer, json: names(await answer.json().catch(() => ({}))) });
  });
  await enterAs(page, ready.url, "forged", PASSWORD);
  for (const at of [["inbox", sessionId, ECHO], ["inbox", sessionId, group.groupId], ["inbox"], ["events"], ["sessions", sessionId], ["phones"], ["start"]]) {
    await visit(page, ...at);
    // Every page of the inbox shows a name; the others may, and are not waited for as long.
    const mustShow = at[0] === "inbox";
    const shown = page.getByText("<script>", { exact: false }).first().waitFor({ timeout: mustShow ? 60_000 : 10_000, state: "attached" });
    await shown.catch(() => assert.ok(!mustShow, `${at} shows no name`));
    assert.deepEqual(await page.evaluate(() => [globalThis.hacked, document.querySelectorAll("main img[src='x'], main script").length]), [undefined, 0], at.join("/"));
  }
  const cookie = await cookieOf(context);
  const served = await byCookie(cookie.value, `/v1/media/${mediaId}`);
  const of = (name) => served.headers.get(name) ?? "";
  assert.match(of("content-disposition"), /^attachment/);
  assert.match(of("content-security-policy"), /sandbox/);
  assert.ok(!/allow-scripts/.test(of("content-security-policy")));
  assert.equal(of("x-content-type-options"), "nosniff");
  assert.doesNotMatch(of("content-type"), /html|javascript/);
  const tab = await context.newPage();
  const saved = tab.waitForEvent("download");
  await tab.goto(`${ready.url}/v1/media/${mediaId}`).catch(() => undefined);
  await (await saved).delete();
  assert.notEqual(await tab.title(), "hacked");
  // And where a page of ours shows it, no script of it runs.
  await page.evaluate((path) => new Promise((done) => ((one) => ((one.onload = one.onerror = done), (one.src = path), document.body.append(one)))(new Image())), `${ready.url}/v1/media/${mediaId}`);
  assert.notEqual(await page.title(), "hacked");
  assert.equal(await page.evaluate(() => globalThis.hacked), undefined);
  assert.deepEqual(complaints, []);
  await context.close();
  return "script in a text, a push name, a file's name, a group's subject and an SVG stays words; the file is saved and never opened";
}

async function cache() {
  const { context, page } = await open(browser);
  const kept = [];
  let seen = 0;
  page.on("response", (response) => {
    const { origin, pathname } = new URL(response.url());
    if (origin !== new URL(ready.url).origin) return;
    seen += 1;
    const wanted = pathname.startsWith("/dashboard/assets/") ? /immutable/ : pathname.startsWith("/v1/media/") ? /^private, no-cache$/ : /no-store/;
    // What anybody may read is nobody's secret, and a refusal to whoever is not signed in tells nothing.
    const forAll = ["/openapi.json", "/v1/errors", "/docs"].includes(pathname) || response.status() === 401;
    if (!forAll && !wanted.test(response.headers()["cache-control"] ?? "")) kept.push(`${pathname}: ${response.headers()["cache-control"]}`);
  });
  await enterAs(page, ready.url, "forged", PASSWORD);
  for (const at of ["sessions", "inbox", "keys", "webhooks", "events", "usage", "people"]) await visit(page, at);
  // A file that was looked at is asked for anew each time, and refused to whoever comes after the log-out.
  const { sessionId } = (await api("GET", "/v1/sessions")).json.data[0];
  const picture = (await made("/v1/messages/media", { sessionId, to: ECHO, mediaType: "image", data: PIXEL })).mediaId;
  const look = (path) => page.evaluate((path) => fetch(path).then((answer) => answer.status), path);
  const path = `${ready.url}/v1/media/${picture}`;
  assert.deepEqual([await look(path), await look(path)], [200, 200]);
  assert.deepEqual(kept, []);
  assert.ok(seen > 15, `${seen}`);
  await page.getByText("forged").first().waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await door(page).waitFor();
  assert.equal(await look(path), 401);
  for (let back = 0; back < 4; back += 1) {
    await page.goBack({ waitUntil: "commit" }).catch(() => undefined);
    await door(page).waitFor();
    assert.equal(await page.locator(".side, main table").count(), 0);
  }
  // Away and back, as somebody else at the same machine would come.
  await page.goto("about:blank");
  await page.goBack();
  await door(page).waitFor();
  assert.ok(!(await page.content()).includes("forged"));
  await context.close();
  return "no answer is kept by a browser, and «back» after the log-out leads to the door";
}

async function floods() {
  const { context, page } = await open(browser);
  await enterAs(page, ready.url, "forged", PASSWORD);
  const other = await open(browser);
  await other.page.goto(`${ready.url}/dashboard/`);
  let status = 0;
  let tries = 0;
  while (status !== 429 && tries < 30) {
    await other.page.getByLabel("Name").fill("robbed");
    await other.page.getByLabel("Password").fill(`a wrong one, number ${tries}`);
    const answered = other.page.waitForResponse((response) => response.url().endsWith("/v1/login"));
    await door(other.page).click();
    status = (await answered).status();
    tries += 1;
  }
  assert.equal(tries, 11, "ten failures of an address a minute");
  await other.page.getByRole("alert").getByText("rate_limit_exceeded").waitFor();
  // Nothing is looked at then: the right password is refused as well, and whoever is in stays in.
  const right = await fetch(`${ready.url}/v1/login`, { method: "POST", headers: { "Content-Type": "application/json", "X-Wharf-Dashboard": "1" }, body: JSON.stringify({ name: "robbed", password: `${PASSWORD} again` }) });
  assert.equal(right.status, 429);
  assert.ok(Number(right.headers.get("retry-after")) > 0);
  await page.reload();
  await page.locator(".side").waitFor({ state: "attached" });
  await Promise.all([context.close(), other.context.close()]);
  return "who guesses passwords is refused at the eleventh, is told so, and disturbs nobody who is signed in";
}

/** Who signs in, and what pages need to have something to show. */
async function furnish() {
  for (const name of ["forged", "robbed"]) await user(name, "owner");
  const { page, context } = await open(browser);
  await enterByKey(page, ready.url, ready.apiKey);
  await visit(page, "start");
  await page.getByRole("button", { name: "Scan with a pretend phone" }).click();
  await page.getByRole("log", { name: "Messages with Echo" }).locator(".bubble.in").waitFor();
  await context.close();
  await made("/v1/webhooks", { url: `${ready.controlUrl}/control/hooks/ok`, events: ["*"] });
  await made("/v1/api-keys", { name: "till", permissions: ["sessions:read"] });
}

try {
  await furnish();
  const all = { forged, stolen, frames, redirects, script, cache, roles: () => roles({ browser, ready, api, user, PASSWORD, ECHO }), floods };
  const wanted = process.env.WHARF_TRY?.split(",") ?? Object.keys(all);
  for (const name of wanted) {
    try {
      console.log(`holds: ${await all[name]()}`);
    } catch (failure) {
      broken += 1;
      console.error(`broken: ${name}`, failure);
    }
  }
  if (broken) console.error(log().split("\n").slice(-20).join("\n"));
} finally {
  await browser.close();
  await stop();
}
process.exitCode = broken ? 1 : 0;
