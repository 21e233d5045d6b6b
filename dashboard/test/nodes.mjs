// The dashboard on two nodes of one fleet, behind a proxy that asks each in turn: `nodes.mjs URL URL OPERATORS_PASSWORD KEY PROCESS
// SESSION`. Whatever is in the database is the same from any node. The session is connected and runs on the first; it is led to the second and
// back. In the end the second node, whose process is named, is killed under open pages.
import assert from "node:assert/strict";
import { Agent, createServer, request } from "node:http";
import { isDeepStrictEqual } from "node:util";
import { enterAs, open, quiet, startBrowser, visit } from "./lib.mjs";

const [one, other, password, key, victim, paired] = process.argv.slice(2);
const PASSWORD = "a long and quiet password";
const PAGES = ["sessions", "keys", "webhooks", "events", "usage", "people", "docs", "operator/accounts", "operator/plans", "operator/users", "operator/nodes", "operator/queues", "operator/whatsapp", "operator/audit"];
const holds = (sentence) => console.log(`holds: ${sentence}`);

/** Each request goes to the next node, and each stream to the next one of streams, with the host that the browser asked. A node that does not listen is passed over. */
async function balance(nodes) {
  const asked = nodes.map(() => 0);
  const streams = nodes.map(() => 0);
  const agent = new Agent({ keepAlive: true });
  const turns = { calls: 0, streams: 0 };
  const pass = (from, to, at, left) => {
    const { hostname, port } = new URL(nodes[at]);
    const onward = request({ agent, hostname, port, method: from.method, path: from.url, headers: from.headers }, (answer) => {
      to.writeHead(answer.statusCode, answer.headers);
      answer.pipe(to);
      // A node that dies in the middle is a broken answer, not the end of one.
      answer.on("close", () => answer.complete || to.destroy());
    });
    const without = from.method === "GET";
    onward.on("error", () => {
      if (without && !to.headersSent && left > 0) pass(from, to, (at + 1) % nodes.length, left - 1);
      else to.destroy();
    });
    to.on("close", () => onward.destroy());
    if (without) onward.end();
    else from.pipe(onward);
  };
  const server = createServer((from, to) => {
    const isStream = from.headers.accept?.includes("event-stream");
    const at = (isStream ? turns.streams++ : turns.calls++) % nodes.length;
    asked[at] += 1;
    if (isStream) streams[at] += 1;
    pass(from, to, at, nodes.length - 1);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return { url: `http://127.0.0.1:${server.address().port}`, asked, streams, end: () => (server.close(), server.closeAllConnections(), agent.destroy()) };
}

const api = async (base, method, path, body, headers = { Authorization: `Bearer ${key}` }) => {
  const response = await fetch(base + path, { method, headers: { ...headers, "Content-Type": "application/json" }, body: body && JSON.stringify(body) });
  return { status: response.status, json: await response.json() };
};

const browser = await startBrowser();
const both = await balance([one, other]);
try {
  const { context, page, complaints } = await open(browser);
  await enterAs(page, both.url, "operator", password);
  for (const at of PAGES) {
    await visit(page, at);
    assert.deepEqual(await page.locator("main [role=alert]").allTextContents(), [], at);
  }
  assert.ok(both.asked.every((count) => count > 10), `${both.asked}`);
  holds(`who signed in at one node is known to the other: every page is whole (${both.asked.join(" and ")} requests)`);

  await places(page, context);

  for (const node of [one, other]) assert.equal((await api(node, "GET", "/v1/admin/accounts", undefined, { Cookie: await cookies(context) })).status, 200);
  await visit(page, "events");
  await page.getByText("live", { exact: true }).waitFor({ state: "attached" });
  // Whichever node has the stream: what either writes comes.
  for (const [at, node] of [one, other].entries()) {
    const name = `made at node ${at}`;
    assert.equal((await api(node, "POST", "/v1/sessions", { name })).status, 201);
    const { sessionId } = (await api(node, "GET", `/v1/sessions?name=${encodeURIComponent(name)}`)).json.data[0];
    await page.locator("main", { hasText: sessionId }).waitFor();
  }
  holds("the stream tells what either node wrote");

  await visit(page, "keys");
  await page.getByRole("button", { name: "New key" }).click();
  await page.getByLabel("Name").fill("till");
  await page.getByRole("button", { name: "Make the key" }).click();
  const made = await page.locator("[data-secret]").textContent();
  const by = { Authorization: `Bearer ${made}` };
  for (const node of [one, other]) assert.equal((await api(node, "GET", "/v1/sessions", undefined, by)).status, 200);
  await page.getByRole("button", { name: "I have it" }).click();
  holds("a key that was made works at either node");

  assert.equal((await api(one, "POST", "/v1/users", { name: "ada", role: "owner", password: PASSWORD })).status, 201);
  const ada = await open(browser);
  await enterAs(ada.page, both.url, "ada", PASSWORD);
  const stolen = await cookies(ada.context);
  for (const node of [one, other]) assert.equal((await api(node, "GET", "/v1/account", undefined, { Cookie: stolen })).status, 200);
  const began = Date.now();
  await ada.page.getByRole("button", { name: "Sign out" }).click();
  await ada.page.getByRole("button", { name: "Sign in", exact: true }).waitFor();
  // A node that does not say within a second that it knows is not waited for, and looks again by itself.
  const ends = Date.now() - began < 1_000 ? 0 : began + 60_000;
  for (const node of [one, other]) {
    const status = async () => (await api(node, "GET", "/v1/account", undefined, { Cookie: stolen })).status;
    while ((await status()) !== 401 && Date.now() < ends);
    assert.equal(await status(), 401);
  }
  holds("who signs out is out at both");

  // One page has its stream from either node.
  const pages = [page, await context.newPage()];
  for (const [at, tab] of pages.entries()) {
    if (at > 0) await tab.goto(`${both.url}/dashboard/#/events`);
    else await visit(tab, "events");
    await tab.getByText("live", { exact: true }).waitFor({ state: "attached" });
  }
  assert.ok(both.streams.every((count) => count > 0), `${both.streams}`);
  process.kill(Number(victim), "SIGKILL");
  // Written while a stream is away: it is brought when the stream is back.
  assert.equal((await api(one, "POST", "/v1/sessions", { name: "made after the kill" })).status, 201);
  const { sessionId } = (await api(one, "GET", "/v1/sessions?name=made%20after%20the%20kill")).json.data[0];
  for (const tab of pages) {
    await tab.locator("main", { hasText: sessionId }).waitFor();
    await tab.getByText("live", { exact: true }).waitFor({ state: "attached" });
  }
  for (const at of PAGES) {
    await visit(page, at);
    await quiet(page);
    assert.deepEqual(await page.locator("main [role=alert]").allTextContents(), [], `${at} after the kill`);
  }
  holds("a node that is killed takes no page with it: streams come back at the other and miss nothing, and every page is whole");
  await visit(page, "operator/nodes");
  const gone = page.getByRole("row", { name: /is gone/ });
  while ((await gone.count()) === 0) {
    const answered = page.waitForResponse((response) => response.url().includes("/v1/admin/nodes"));
    await page.getByRole("button", { name: "Look again" }).click();
    await answered;
    await quiet(page);
  }
  holds("the operator sees which node is gone");
  assert.deepEqual([...complaints, ...ada.complaints], []);
} finally {
  await browser.close();
  both.end();
}

/** A node is drained and lets its session go to the other, which is led back by its name; what cannot be is refused where it was asked. */
async function places(page, context) {
  const told = async (node) => (await api(node, "GET", "/v1/admin/nodes", undefined, { Cookie: await cookies(context) })).json.data;
  const [here, there] = await Promise.all([one, other].map(async (node) => (await told(node)).find((row) => row.current).nodeId));
  const loads = async () => Object.fromEntries((await told(one)).map((row) => [row.nodeId, row.sessions]));
  // A node has let a session go before the next one has taken it.
  const until = async (wanted) => {
    const ends = Date.now() + 60_000;
    while (!isDeepStrictEqual(await loads(), wanted) && Date.now() < ends);
    assert.deepEqual(await loads(), wanted);
  };
  const row = (nodeId) => page.getByRole("row", { name: new RegExp(nodeId) });
  const dialog = page.getByRole("dialog");
  assert.deepEqual(await loads(), { [here]: 1, [there]: 0 });

  await visit(page, "operator/nodes");
  await row(here).getByRole("button", { name: "Drain" }).click();
  await dialog.getByText(/gives its 1 session to the other node/).waitFor();
  await dialog.getByRole("button", { name: "Drain it" }).click();
  await row(here).getByText("has none left").waitFor();
  await until({ [here]: 0, [there]: 1 });
  await row(here).getByRole("button", { name: "Let it have sessions" }).click();
  await row(here).getByText("works", { exact: true }).waitFor();
  holds("a node that is drained by a button tells how many sessions are left, and has none in the end");

  while ((await api(one, "GET", `/v1/sessions/${paired}`)).json.data?.status !== "connected");
  await visit(page, "sessions", paired);
  await page.getByRole("button", { name: "Move", exact: true }).click();
  // The nodes are asked for when the dialog opens.
  await dialog.locator(`option[value="${here}"]`).waitFor({ state: "attached" });
  await dialog.getByLabel("Node").selectOption(here);
  await dialog.getByRole("button", { name: "Move it" }).click();
  await page.getByRole("status").filter({ hasText: `It runs on ${here} now` }).waitFor();
  await until({ [here]: 1, [there]: 0 });
  while ((await api(one, "GET", `/v1/sessions/${paired}`)).json.data?.status !== "connected");
  holds("a session goes to the node that was chosen on its page");

  await visit(page, "operator/nodes");
  await page.getByRole("button", { name: "Move a session" }).click();
  await dialog.getByLabel("Session").fill(`ses_${"0".repeat(32)}`);
  await dialog.getByRole("button", { name: "Move it" }).click();
  await dialog.getByRole("alert").filter({ hasText: "session_not_found" }).waitFor();
  await page.keyboard.press("Escape");
  holds("a move that cannot be is refused where it was asked for");
}

async function cookies(context) {
  return (await context.cookies(both.url)).map(({ name, value }) => `${name}=${value}`).join("; ");
}
